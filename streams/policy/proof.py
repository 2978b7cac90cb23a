"""That the policy stages themselves asked, took a vote in, or authorized: HMAC-SHA256 over all of it.

Whoever can write to a topic can write a request with a smaller quorum, an authorization that no person
signed, the two signatures of an approval that a third person rejected, or a vote with a time at which its
token had not expired yet. What no signature of a person covers, this does. Its key is known to the workers
`policy` and `execution` alone.
"""

from __future__ import annotations

import hmac
from pathlib import Path
from typing import TypeVar

import orjson

from schemas.approval import ApprovalRequested
from schemas.authorization import ActionAuthorized
from schemas.errors import Misconfigured
from schemas.vote import VoteVerified

MIN_KEY_BYTES = 32
Provable = ApprovalRequested | VoteVerified | ActionAuthorized
P = TypeVar("P", ApprovalRequested, VoteVerified, ActionAuthorized)
_ABOUT = {"type", "project_id", "incident_id", "run_id"}
_ABOUT_VOTE = {*_ABOUT, "event_id", "recorded_at"}
"""a vote is judged by its time"""


def load_proof_key(path: Path) -> bytes:
    """The secret in a file, one line of text."""
    try:
        key = path.read_bytes().strip()
    except OSError as error:
        why = f"cannot be read: {error.strerror}; `awoooi init` makes it"
        raise Misconfigured(f"the key of proofs {path} {why}") from error
    if len(key) < MIN_KEY_BYTES:
        raise Misconfigured(f"the key of proofs {path} is too short: {len(key)} of {MIN_KEY_BYTES} bytes")
    return key


def proof_of(event: Provable, key: bytes | None) -> str:
    """64 hex digits; empty without a key."""
    if key is None:
        return ""
    return hmac.digest(key, orjson.dumps(_told(event), option=orjson.OPT_SORT_KEYS), "sha256").hex()


def proven(event: P, key: bytes | None) -> P:
    """With its proof."""
    payload = event.payload.model_copy(update={"proof": proof_of(event, key)})
    return event.model_copy(update={"payload": payload})


def is_proven(event: Provable, key: bytes | None) -> bool:
    """Without a key nothing is."""
    return key is not None and hmac.compare_digest(event.payload.proof, proof_of(event, key))


def _told(event: Provable) -> dict[str, object]:
    included = _ABOUT_VOTE if isinstance(event, VoteVerified) else _ABOUT
    about = event.model_dump(mode="json", include=included)
    return about | {"payload": event.payload.model_dump(mode="json", exclude={"proof"})}

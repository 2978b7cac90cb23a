"""`awoooi approve` and `awoooi reject`: signs what was asked with one's own key, and says whether it counts.

What is signed is shown, and its hash is made here from what is shown: not believed.
"""

from __future__ import annotations

import asyncio
import sys
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from agents.visible import visible
from awoooi.approval_log import approvals_of
from awoooi.logs import quiet
from awoooi.settings import Settings
from awoooi.signers_log import OnKafka, register
from connectors.kafka.producer import publishing
from schemas.approval import ApprovalRequested
from schemas.envelope import Event
from schemas.errors import BadPayload, Misconfigured
from schemas.vote import VoteCounted, VoteLate, VoteRefused
from streams.policy.approvals import opened
from streams.policy.ballots import signature_of
from streams.policy.checks import TYPE, incident_of
from streams.policy.jwk import EDDSA, ES256, RS256, public_jwk, read_jwk
from streams.policy.signers import OWN_ISSUER
from streams.policy.signers_file import Signer, SignersFile

TOPIC = "approvals.signatures"
LIFE_SECS, WAIT_SECS = 300, 10.0
_ALGORITHMS = ((Ed25519PrivateKey, EDDSA), (EllipticCurvePrivateKey, ES256), (RSAPrivateKey, RS256))


@dataclass(frozen=True, slots=True)
class Hand:
    """Who signs, with what."""

    person: str
    roles: tuple[str, ...]
    kid: str
    algorithm: str
    key: Any


def decide(
    settings: Settings,
    decision: str,
    approval_id: str,
    key: str,
    reason: str,
    person: str,
    roles: Sequence[str],
) -> int:
    """Exit status 1 where it does not count, or nobody said so in time."""
    quiet()
    if not incident_of(approval_id):
        raise Misconfigured(f"{approval_id!r} is no approval's id; one looks like INC-20260301-0A1B2C3D4E-A1")
    hand = hand_of(Path(key), register(settings, OnKafka(settings)).both, person, roles)
    return asyncio.run(_sent(settings, decision, approval_id, hand, reason))


async def _sent(settings: Settings, decision: str, approval_id: str, hand: Hand, reason: str) -> int:
    async with approvals_of(settings, incident_of(approval_id)) as log:
        request = await log.request(approval_id)
        if request is None:
            raise Misconfigured(f"nothing is asked under {approval_id}")
        print("\n".join(shown(request)))
        token = signed(request, decision, reason, hand, settings.approvals.environment, int(time.time()))
        await log.from_now_on()
        async with publishing(settings.kafka) as publisher:
            await publisher.send(TOPIC, approval_id.encode(), token)
        return _tell(await log.verdict(signature_of(token), WAIT_SECS), approval_id)


def shown(request: ApprovalRequested) -> list[str]:
    """What a person must have seen before they sign."""
    asked, step = request.payload, request.payload.action.step
    target = "/".join(filter(None, (step.target.cluster, step.target.namespace, step.target.kind)))
    given = {name: value for name, value in step.parameters if name in step.parameters.given()}
    risk = asked.assessment.risk if asked.assessment else asked.action.risk
    lines = [
        f"{asked.approval_id}: {step.operation} on {target}/{step.target.name}, risk {risk}",
        *([f"with {', '.join(f'{name}={value}' for name, value in given.items())}"] if given else []),
        asked.action.description,
        f"because {asked.root_cause}" if asked.root_cause else "",
        f"hash {asked.action_hash}",
    ]
    return [visible(line) for line in lines if line]


def signed(
    request: ApprovalRequested, decision: str, reason: str, hand: Hand, environment: str, now: int
) -> bytes:
    """BadPayload where the hash is not that of the action beside it."""
    approval = opened(request)
    expires = min(now + LIFE_SECS, int(approval.expires_at.timestamp()))
    if expires <= now:
        raise Misconfigured(f"{approval.approval_id} expired {approval.expires_at:%Y-%m-%d %H:%M} UTC")
    claims = {
        "iss": OWN_ISSUER,
        "aud": environment,
        "sub": hand.person,
        "roles": list(hand.roles),
        "decision": decision,
        "approval_id": approval.approval_id,
        "action_hash": approval.action_hash,
        "reason": reason,
        "iat": now,
        "exp": expires,
        "jti": str(uuid.uuid4()),
    }
    return jwt.encode(claims, hand.key, hand.algorithm, {"kid": hand.kid, "typ": TYPE}).encode()


def _tell(verdict: Event | None, approval_id: str) -> int:
    match verdict:
        case VoteCounted(payload=count):
            people = ", ".join(count.signed_by)
            print(f"Counted: {approval_id} is {count.state}, signed by {people} ({count.asked} asked).")
            return 0
        case VoteLate(payload=count):
            print(f"Too late: {approval_id} is {count.state}.", file=sys.stderr)
        case VoteRefused(payload=refusal):
            print(f"Refused: {refusal.sentence} ({refusal.refusal}).", file=sys.stderr)
        case _:
            print(
                f"Sent, but no verdict came within {WAIT_SECS:.0f} s: is `awoooi worker policy` running? "
                f"It stands on approvals.outcomes once it is there.",
                file=sys.stderr,
            )
    return 1


# -- whose key


def hand_of(key_file: Path, signers: SignersFile, person: str, roles: Sequence[str]) -> Hand:
    """Who the registry says the key is of; where there is no registry here, one says so oneself."""
    key, algorithm = private_key(key_file)
    public = read_jwk(public_jwk(key.public_key(), algorithm))
    for signer in signers.signers:
        for entry in signer.keys:
            if entry.public_key().thumbprint == public.thumbprint:
                return Hand(signer.person, tuple(roles) or _roles(signer), entry.kid, algorithm, key)
    if not person or not roles:
        raise Misconfigured(f"{key_file}: no signer has this key; give --person and --role")
    return Hand(person, tuple(roles), public.kid, algorithm, key)


def _roles(signer: Signer) -> tuple[str, ...]:
    return tuple(str(role) for role in signer.roles)


def private_key(path: Path) -> tuple[Any, str]:
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}") from error
    except TypeError as error:
        raise Misconfigured(f"{path}: the key is encrypted; sign with a copy without a passphrase") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Misconfigured(f"{path}: it holds no private key that can be read (PEM)") from error
    for kind, algorithm in _ALGORITHMS:
        if isinstance(key, kind):
            try:
                read_jwk(public_jwk(key.public_key(), algorithm))
            except (BadPayload, KeyError) as error:
                raise Misconfigured(f"{path}: {error}") from error
            return key, algorithm
    raise Misconfigured(f"{path}: a key that signs approvals is Ed25519, P-256 or RSA")

"""Who a target is, for keys, caps, trust and claims: a keyed hash of its real name.

`[IP_1]` of two incidents need not be one machine; their ids tell. Without the key an id leads back to
nothing, although names are short and easily guessed.
"""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import orjson

from schemas.errors import Misconfigured
from schemas.operations import Target

SHORTEST_KEY = 32
_DIGITS = 32


def target_id(key: bytes, *, project_id: str, cluster: str, namespace: str, kind: str, name: str) -> str:
    """Over project, cluster, namespace, kind and real name; as a list, so that no two run into one."""
    identity = orjson.dumps([project_id, cluster, namespace, kind, name])
    return hmac.digest(key, identity, hashlib.sha256).hex()[:_DIGITS]


def id_of(key: bytes, project_id: str, real: Target) -> str:
    """Of what bears its real name."""
    return target_id(key, project_id=project_id, **real.model_dump(exclude={"id"}))


def is_named(key: bytes, project_id: str, labelled: Target, real: Target) -> bool:
    """Whether the id beside the labels is that of the real place: what is acted on is what was meant."""
    return id_of(key, project_id, real) == labelled.id


def workload_id(key: bytes, project_id: str, target: Target, owner: Target | None) -> str:
    """What caps count for, and whose acts come one after the other; `owner` by its real name, if any."""
    return target.id if owner is None else id_of(key, project_id, owner)


def load_target_key(path: Path) -> bytes:
    """The secret in a file, one line of text."""
    try:
        key = path.read_bytes().strip()
    except OSError as error:
        raise Misconfigured(
            f"the key of target ids {path} cannot be read: {error.strerror}; `awoooi init` makes it"
        ) from error
    if len(key) < SHORTEST_KEY:
        raise Misconfigured(f"the key of target ids {path} is too short: {len(key)} of {SHORTEST_KEY} bytes")
    return key

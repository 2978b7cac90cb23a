"""Which project a raw record belongs to, provable: a Kafka producer's own claims count for nothing.

The gateway, which has seen the token, signs (project, token id, topic, time, value) under a secret that
it shares with the ingest worker alone. Whoever lacks the secret can neither forge a stamp nor move one
to another topic or value. Form, ASCII: `1;<project>;<token id>;<milliseconds>;<HMAC-SHA256, 64 hex digits>`.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import NamedTuple

STAMP_HEADER = "awoooi_stamp"
MIN_KEY_BYTES = 32
_VERSION = "1"


class Stamp(NamedTuple):
    """What a genuine stamp says."""

    project: str
    token_id: str
    received_at_ms: int


def stamp(key: bytes, project: str, token_id: str, topic: str, value: bytes, received_at_ms: int) -> bytes:
    """The header's value. Projects and token ids never hold a `;` (connectors/tokens.py)."""
    claim = f"{_VERSION};{project};{token_id};{received_at_ms}".encode()
    return claim + b";" + _seal(key, claim, topic, value)


def read_stamp(key: bytes, header: bytes | None, topic: str, value: bytes) -> Stamp | None:
    """What it says if it is genuine; None where there is no stamp, or one that proves nothing."""
    claim, _, seal = (header or b"").rpartition(b";")
    if not hmac.compare_digest(seal, _seal(key, claim, topic, value)):
        return None
    version, project, token_id, received = claim.decode().split(";")
    return Stamp(project, token_id, int(received)) if version == _VERSION else None


def _seal(key: bytes, claim: bytes, topic: str, value: bytes) -> bytes:
    digest = hashlib.sha256(value).digest()  # fixed length, so that nothing slides between the parts
    return hmac.digest(key, b"%b;%b;%b" % (claim, topic.encode(), digest), "sha256").hex().encode()

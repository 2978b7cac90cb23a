"""How an id is derived: always from the cause, so that a repeat is the same event."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

NAMESPACE = UUID("6f0e1a3c-8d0b-5c55-9a55-0a3000010001")  # fixed for life: every id hangs on it
_SEED = hashlib.sha1(NAMESPACE.bytes, usedforsecurity=False)
_BASE36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SEPARATOR = "\x1f"


def derive_id(kind: str, *unique: str) -> str:
    """UUIDv5 over the kind of event and what makes it unique, as text.

    The same as `uuid.uuid5(NAMESPACE, ...)`, at a third of its cost: every alert asks for one.
    """
    digest = _SEED.copy()
    digest.update(_SEPARATOR.join((kind, *unique)).encode())
    value = digest.hexdigest()[:32]
    variant = "89ab"[int(value[16], 16) & 3]
    return f"{value[:8]}-{value[8:12]}-5{value[13:16]}-{variant}{value[17:20]}-{value[20:]}"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an alert stands in the log: leads back to the raw record, which is not copied.

    `epoch` is empty on a real cluster. The embedded broker starts at offset 0 each time, so each
    of its lives has its own epoch.
    """

    epoch: str
    topic: str
    partition: int
    offset: int
    index: int

    def __str__(self) -> str:
        return f"{self.epoch}/{self.topic}/{self.partition}/{self.offset}/{self.index}"

    @classmethod
    def parse(cls, text: str) -> Origin:
        epoch, topic, partition, offset, index = text.rsplit("/", 4)
        return cls(epoch, topic, int(partition), int(offset), int(index))


def alert_id(origin: str) -> str:
    return derive_id("alert", origin)


def vote_id(epoch: str, topic: str, partition: int, offset: int) -> str:
    """What becomes of a signature by itself: over where it stands in the log."""
    return derive_id("vote", f"{epoch}/{topic}/{partition}/{offset}")


def output_id(kind: str, causes: tuple[str, ...], index: int = 0) -> str:
    """A stage's output: over the ids of its causes and an index."""
    return derive_id(kind, *causes, str(index))


def hit_id(incident_id: str, hit_count: int) -> str:
    """`incident.hit` is cumulative: its id comes from incident and count."""
    return derive_id("incident.hit", incident_id, str(hit_count))


def elapsed_id(kind: str, subject: str, generation: int) -> str:
    """What time alone caused: over what expired and its generation, never over the tick."""
    return derive_id(kind, subject, str(generation))


def ending_id(thing: str, subject: str) -> str:
    """An ending hangs on the thing that ends alone: two ends of one run are one id, the first wins."""
    return derive_id("ending", thing, subject)


def run_id(incident_id: str, number: int) -> str:
    return derive_id("run", incident_id, str(number))


def incident_id(project_id: str, opening_event: str, opened_at: datetime) -> str:
    """`INC-YYYYMMDD-` and ten characters, from project and opening event."""
    digest = hashlib.sha256(_SEPARATOR.join((project_id, opening_event)).encode()).digest()
    number, letters = int.from_bytes(digest[:8]), []
    for _ in range(10):
        number, digit = divmod(number, 36)
        letters.append(_BASE36[digit])
    return f"INC-{opened_at:%Y%m%d}-{''.join(letters)}"


def fingerprint(alert_type: str, namespace: str | None, target_resource: str | None) -> str:
    return identity((alert_type, namespace, target_resource))


def identity(parts: Sequence[str | None]) -> str:
    """The identity of an alert: first 16 hex digits of SHA-256, an absent part is the empty string."""
    text = ":".join([part or "" for part in parts])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]

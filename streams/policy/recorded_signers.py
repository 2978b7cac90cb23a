"""The signers as the topic has them, and what they are together with the signers file: in doubt the stricter.

A key revoked in either is revoked, a person removed in either signs nothing, roles and projects are what both
give. What cannot be read is the stricter of what it may say: a person's record ends that person, a key or a
confirmation does not count, and anything else, a revocation above all, puts everybody in doubt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from schemas.codec import Codec
from schemas.envelope import Event
from schemas.errors import BadPayload, Never
from schemas.signer import (
    Fact,
    PublicJwk,
    SignerKeyAdded,
    SignerKeyConfirmed,
    SignerKeyRevoked,
    SignerRemoved,
    SignerSet,
)
from streams.policy.people import Role
from streams.policy.signers_file import ALL_PROJECTS, KeyEntry, Signer, SignersFile

TOPIC = "signers"
UNREAD = "the topic of signers has not been read, or nobody can tell whether that is the latest"
GIVES = ("person", "key", "confirmed")
"""the kinds whose unreadable record only leaves out what it may have given"""
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Recorded:
    """All that stands on the topic. `doubt` says why nobody may sign."""

    people: dict[str, Signer] = field(default_factory=dict)
    keys: dict[tuple[str, str], KeyEntry] = field(default_factory=dict)
    """of a person and a key's id"""
    confirmed: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    """of the same: the thumbprint, and the admin"""
    revoked: dict[str, datetime] = field(default_factory=dict)
    """ids and thumbprints"""
    unread: tuple[str, ...] = ()
    doubt: str = ""
    gives: bool = True
    """False: it only takes away from what the file gives"""

    def revoked_at(self, entry: KeyEntry) -> datetime | None:
        return self.revoked.get(entry.kid) or self.revoked.get(entry.public_key().thumbprint)


def recorded(codec: Codec, values: Mapping[bytes, bytes], *, gives: bool = True) -> Recorded:
    found, unread = Recorded(gives=gives), list[str]()
    for key, value in sorted(values.items()):
        event = _read(codec, key, value)
        if event is None:
            unread.append(key.decode(errors="replace"))
            _unreadable(key, found)
        else:
            _take(event, found)
    found.unread = tuple(unread)
    return found


def _read(codec: Codec, key: bytes, value: bytes) -> Event | None:
    """A fact under another's key is none."""
    try:
        event = codec.decode(value)
    except Never:
        return None
    fact = event.payload
    return event if isinstance(fact, Fact) and fact.subject.encode() == key else None


def _unreadable(key: bytes, found: Recorded) -> None:
    kind, _, name = key.decode(errors="replace").partition("/")
    if kind not in GIVES:
        found.doubt = f"the topic of signers holds under {key[:80]!r} what cannot be read"
    elif kind == "person":
        found.people[name] = _removed(name, LONG_AGO)


def _take(event: Event, found: Recorded) -> None:
    try:
        match event:
            case SignerSet(payload=said):
                roles = tuple(Role(role) for role in said.roles)
                found.people[said.person] = Signer(person=said.person, roles=roles, projects=said.projects)
            case SignerRemoved(payload=gone):
                held = tuple(Role(role) for role in gone.roles)
                found.people[gone.person] = _removed(gone.person, event.recorded_at, held)
            case SignerKeyAdded(payload=added):
                enrolled = event.recorded_at if added.enrolled else None
                found.keys[added.person, added.jwk.kid] = entry_of(added.jwk, enrolled)
            case SignerKeyConfirmed(payload=said_so):
                by = said_so.thumbprint, said_so.confirmed_by
                found.confirmed[said_so.person, said_so.kid] = by
            case SignerKeyRevoked(payload=end):
                found.revoked |= {name: event.recorded_at for name in (end.kid, end.thumbprint) if name}
    except (ValueError, BadPayload):  # readable, and of no use: a role, a project, a key that is none
        _unreadable(event.payload.subject.encode(), found)


def entry_of(jwk: PublicJwk, enrolled: datetime | None = None) -> KeyEntry:
    return KeyEntry(**{name: value for name, value in jwk.model_dump().items() if value}, enrolled=enrolled)


def _removed(person: str, at: datetime, held: tuple[Role, ...] = ()) -> Signer:
    """Without checks: whatever stands there, it signs nothing."""
    nothing: dict[str, Any] = dict.fromkeys(("projects", "keys", "key_ids", "accounts"), ())
    return Signer.model_construct(person=person, roles=held, removed=at, **nothing)


# -- both together


def together(file: SignersFile, log: Recorded) -> SignersFile:
    """`file` as `read_signers` gives it, whole. Keys whose owner nobody has registered are left out."""
    in_file = {signer.person: signer for signer in file.signers}
    people = [*in_file, *(person for person in log.people if log.gives and person not in in_file)]
    signers = [_both(in_file.get(person), log.people.get(person)) for person in people]
    whole = [signer.model_copy(update={"keys": _keys(signer, log)}) for signer in signers]
    return file.model_copy(update={"signers": tuple(whole)})


def _both(one: Signer | None, other: Signer | None) -> Signer:
    if one is None or other is None:
        found = one or other
        assert found is not None  # a person is of one of them
        return found
    changes = {
        "removed": one.removed or other.removed,
        "roles": tuple(role for role in one.roles if role in other.roles),
        "projects": _of_both(one.projects, other.projects),
    }
    return one.model_copy(update=changes)


def _of_both(one: Iterable[str], other: Iterable[str]) -> tuple[str, ...]:
    first, second = set(one), set(other)
    if ALL_PROJECTS in first:
        return tuple(sorted(second))
    return tuple(sorted(first if ALL_PROJECTS in second else first & second))


def _keys(signer: Signer, log: Recorded) -> tuple[KeyEntry, ...]:
    given = log.keys if log.gives else {}
    added = [_confirmed(of, entry, log) for (of, _), entry in given.items() if of == signer.person]
    return tuple(_as_it_stands(entry, log) for entry in (*signer.keys, *added))


def _confirmed(person: str, entry: KeyEntry, log: Recorded) -> KeyEntry:
    """By somebody else, and over this very key."""
    thumbprint, by = log.confirmed.get((person, entry.kid), ("", ""))
    if entry.enrolled is None or by == person or thumbprint != entry.public_key().thumbprint:
        return entry
    return entry.model_copy(update={"confirmed_by": by})


def _as_it_stands(entry: KeyEntry, log: Recorded) -> KeyEntry:
    at = entry.revoked or log.revoked_at(entry)
    return entry if at is None else entry.model_copy(update={"revoked": at})


class RecordedSigners:
    """The topic as this process knows it. `stamp` tells whether it has changed since."""

    def __init__(
        self,
        codec: Codec,
        values: Callable[[], Mapping[bytes, bytes] | None],
        offset: Callable[[], int],
        *,
        gives: bool = True,
    ) -> None:
        self._codec, self._values, self._offset, self._gives = codec, values, offset, gives

    def stamp(self) -> int:
        """-1 while nobody can tell what stands there."""
        return -1 if self._values() is None else self._offset()

    def read(self) -> Recorded:
        values = self._values()
        if values is None:
            return Recorded(doubt=UNREAD)
        return recorded(self._codec, values, gives=self._gives)

"""Ways to tamper with the record, and what the audit must say of it.

Each case has a partition of its own: 30 events from offset 0, the event of offset 3 again at offset 30, and a
record that was set aside at offset 31. It is given what is stored of them, and does with it what it likes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import uuid4

from sinks.clickhouse.breaks import Kind
from sinks.clickhouse.chain import Link, entries_of, extend
from sinks.clickhouse.rows import EventRow, SetAside, hash_of

SOME = 7


@dataclass
class Stored:
    rows: list[EventRow]
    aside: list[SetAside]
    links: list[Link]
    versions: dict[int, int] = field(default_factory=dict)
    """by index of the row, where it is not the negated offset"""

    def change(self, offset: int = SOME, **facts: Any) -> None:
        self.rows[offset] = self.rows[offset]._replace(**facts)

    def change_with_hash(self) -> None:
        self.change(actor="mallory")
        self.change(hash=hash_of(self.rows[SOME]))

    def delete(self, *offsets: int, link: bool = False) -> None:
        self.rows = [row for row in self.rows if row.kafka_offset not in offsets]
        if link:
            self.links = [one for one in self.links if one.kafka_offset not in offsets]

    def change_link(self, offset: int = SOME, **facts: Any) -> None:
        self.links[offset] = self.links[offset]._replace(**facts)

    def delete_and_call_it(self, **facts: Any) -> None:
        self.delete(SOME)
        self.change_link(**facts)

    def add(self, offset: int, version: int | None = None, **facts: Any) -> None:
        if version is not None:
            self.versions[len(self.rows)] = version
        self.rows.append(hashed(self.rows[SOME]._replace(kafka_offset=offset, **facts)))

    def forge_a_tombstone(self) -> None:
        gone = self.rows[SOME]
        self.delete(SOME)
        payload = b'{"project":"%s","before":"2100-01-01T00:00:00Z"}' % gone.project_id.encode()
        forged = gone._replace(event_id=str(uuid4()), type="project.erased", payload=payload, kafka_offset=8)
        self.rows.append(hashed(forged))

    def exchange(self, one: int, other: int) -> None:
        first, second = self.rows[one], self.rows[other]
        self.rows[one] = second._replace(kafka_offset=one)
        self.rows[other] = first._replace(kafka_offset=other)

    def exchange_links(self, one: int, other: int) -> None:
        self.exchange(one, other)
        first, second = self.links[one], self.links[other]
        self.links[one] = _as(first, second)
        self.links[other] = _as(second, first)

    def cut(self, offset: int) -> None:
        self.rows = [row for row in self.rows if row.kafka_offset <= offset]
        self.aside = [item for item in self.aside if item.kafka_offset <= offset]
        self.links = [one for one in self.links if one.kafka_offset <= offset]

    def rewrite(self) -> None:
        """All that the database holds fits together afterwards."""
        self.delete(SOME)
        self.links, _ = extend({}, entries_of(self.rows, self.aside))


def hashed(row: EventRow) -> EventRow:
    return row._replace(hash=hash_of(row))


def _as(link: Link, other: Link) -> Link:
    return link._replace(event_id=other.event_id, hash=other.hash, recorded_at=other.recorded_at)


class Case(NamedTuple):
    tamper: Callable[[Stored], object]
    kind: Kind
    offset: int = SOME


COLUMNS: Mapping[str, Any] = {
    "payload": b"{}",
    "type": "incident.moved",
    "schema_version": 2,
    "stage": "gate",
    "actor": "mallory",
    "incident_id": "INC-20260101-0000000000",
    "run_id": "x",
    "occurred_at": 1_790_000_000_000,
    "recorded_at": 1_790_000_000_000,
    "causes": [str(uuid4())],
    "has_sealed": True,
    "hash": "0" * 64,
    "project_id": "another",
    "event_id": str(uuid4()),
}
"""what the hash covers, and the hash itself"""


def _of_column(name: str, value: Any) -> Case:
    return Case(lambda stored: stored.change(**{name: value}), Kind.CHANGED)


ASIDE: Mapping[str, Any] = {
    "sha256": "0" * 64,
    "sha256, to none,": "",
    "project_id": "another",
    "event_id": str(uuid4()),
    "recorded_at": 1_790_000_000_000,
}


def _of_aside(name: str, value: Any) -> Case:
    facts = {name.partition(",")[0]: value}
    return Case(lambda stored: stored.aside.append(stored.aside.pop()._replace(**facts)), Kind.CHANGED, 31)


CASES: Mapping[str, Case] = {
    **{f"{name} changed": _of_column(name, value) for name, value in COLUMNS.items()},
    "changed to what needs an escape": _of_column("actor", 'a"b'),
    "changed with its hash": Case(Stored.change_with_hash, Kind.CHANGED),
    **{f"of what was set aside {name} changed": _of_aside(name, value) for name, value in ASIDE.items()},
    "a later copy made to win": Case(lambda stored: stored.versions.update({30: 1}), Kind.DELETED, 3),
    "a version changed": Case(lambda stored: stored.versions.update({SOME: 1}), Kind.CHANGED),
    "another of its id, at an offset before all": Case(
        lambda stored: stored.add(-1, actor="mallory"), Kind.MOVED, -1
    ),
    "deleted": Case(lambda stored: stored.delete(SOME), Kind.DELETED),
    "deleted with its link": Case(lambda stored: stored.delete(SOME, link=True), Kind.DELETED, 8),
    "the first deleted with its link": Case(lambda stored: stored.delete(0, link=True), Kind.DELETED, 1),
    "deleted, and called set aside": Case(
        lambda stored: stored.delete_and_call_it(kind="aside"), Kind.CHANGED
    ),
    "deleted, and called very old": Case(
        lambda stored: stored.delete_and_call_it(recorded_at=978_307_200_000), Kind.CHANGED
    ),
    "deleted, and a tombstone forged": Case(Stored.forge_a_tombstone, Kind.DELETED),
    "the first copy deleted for a later one": Case(lambda stored: stored.delete(3), Kind.DELETED, 3),
    "what was set aside deleted": Case(lambda stored: stored.aside.clear(), Kind.DELETED, 31),
    "added where one is": Case(lambda stored: stored.add(SOME, event_id=str(uuid4())), Kind.ADDED),
    "added, as a head that is none": Case(
        lambda stored: stored.add(SOME, event_id=str(uuid4()), type="audit.head", payload=b"x"), Kind.ADDED
    ),
    "added before all": Case(lambda stored: stored.add(-1, event_id=str(uuid4())), Kind.ADDED, -1),
    "set aside what was not": Case(
        lambda stored: stored.aside.append(stored.aside[0]._replace(kafka_offset=5)), Kind.ADDED, 5
    ),
    "set aside what was not, as if before there were chains": Case(
        lambda stored: stored.aside.append(stored.aside[0]._replace(kafka_offset=5, sha256="")), Kind.ADDED, 5
    ),
    "a second link": Case(
        lambda stored: stored.links.append(stored.links[SOME]._replace(link="f" * 64)), Kind.ADDED
    ),
    "two exchanged": Case(lambda stored: stored.exchange(7, 9), Kind.MOVED),
    "two exchanged with their links": Case(lambda stored: stored.exchange_links(7, 9), Kind.MOVED),
    "a link renumbered": Case(lambda stored: stored.change_link(number=SOME), Kind.MOVED),
    "a link changed": Case(lambda stored: stored.change_link(link="0" * 64), Kind.CHANGED),
    "the tail cut": Case(lambda stored: stored.cut(20), Kind.CUT, 31),
    "all of it cut": Case(lambda stored: stored.cut(-1), Kind.CUT, 31),
    "all of it rewritten": Case(Stored.rewrite, Kind.REWRITTEN, 31),
}

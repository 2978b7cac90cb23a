"""Which incidents of a project belong together, and whose run serves them: the latest whose service is known.

The parent is the oldest that opened within the window on a service that the topology connects. Few are kept:
who finds no parent any more gets a run of its own. How a shared run goes on is kept with the parent's
incident (run_sharing.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from typing import Any, Protocol

from schemas.alert import Severity
from schemas.run import EndReason

MOST_PARENTS = 128
MOST_CHILDREN = 200
"""of one parent; the next ones get runs of their own"""
STILL_SERVES = (
    EndReason.NO_ACTION,
    EndReason.BLOCKED,
    EndReason.CANNOT_BE_SIGNED,
    EndReason.EXECUTION_SHADOWED,
)
"""ends that left all to people: a run for what is connected would say the same"""


class Near(Protocol):
    @property
    def service(self) -> str: ...
    @property
    def paths(self) -> Mapping[str, tuple[str, ...]]:
        """By service; each one on a path needs the next."""
        ...


class Connects(Protocol):
    async def near(self, sighting: Mapping[str, Any]) -> Near | None:
        """None where the topology knows no such service."""
        ...


@dataclass(frozen=True, slots=True)
class CorrelationConfig:
    window_secs: float = 300
    """between two openings that may belong together; 0: none do"""


@dataclass(slots=True)
class Parent:
    """An incident that was let begin, or waits, and may serve others."""

    incident_id: str
    number: int
    cluster: str
    service: str
    rank: int
    opened_at: int
    waits: bool = False
    over: str = ""
    """why its run ended; empty: it goes on"""
    children: int = 0
    root: str = ""

    def older(self, opened_at: int, incident_id: str) -> bool:
        """Of those that one message brought, the one that was read first."""
        return self.opened_at <= opened_at and self.incident_id != incident_id

    @property
    def worth(self) -> tuple[bool, bool, int]:
        """Who is forgotten first where there are too many."""
        return not self.over, not self.waits, self.opened_at


@dataclass(frozen=True, slots=True)
class Linked:
    """What a request is linked to."""

    parent: Parent
    path: tuple[str, ...]
    service: str
    root: str


@dataclass(slots=True)
class Families:
    parents: dict[str, Parent] = field(default_factory=dict)

    def related(
        self, incident_id: str, cluster: str, opened_at: int, near: Near, window_ms: int
    ) -> list[Linked]:
        """What it belongs to, the oldest first."""
        found = [
            one
            for one in self.parents.values()
            if one.cluster == cluster
            and one.service in near.paths
            and opened_at - one.opened_at <= window_ms
            and one.older(opened_at, incident_id)
        ]
        found.sort(key=lambda one: one.opened_at)
        return [_linked(parent, near) for parent in found]

    def may_share(self, parent: Parent, severity: Severity, new: bool) -> bool:
        """A worse one gets a run of its own, and so does what happens after the parent's run: that it comes
        back is news, however alike.
        """
        if parent.children >= MOST_CHILDREN or severity.rank > parent.rank:
            return False
        return not parent.over or (new and parent.over in STILL_SERVES)

    def keep(self, parent: Parent) -> None:
        """That it has a run, or waits for one."""
        known = self.parents.get(parent.incident_id)
        if known and not known.over:
            parent.root, parent.children = known.root, known.children
        self.parents[parent.incident_id] = parent
        if len(self.parents) > MOST_PARENTS:
            least = min(self.parents.values(), key=lambda one: one.worth)
            del self.parents[least.incident_id]

    def share(self, child: str, parent: str) -> None:
        self.forget(child)
        if parent in self.parents:
            self.parents[parent].children += 1

    def forget(self, incident_id: str) -> None:
        self.parents.pop(incident_id, None)

    def settle(self, incident_id: str, number: int, reason: str, closed: bool) -> None:
        parent = self.parents.get(incident_id)
        if parent is None:
            return
        if closed:
            self.forget(incident_id)
        elif parent.number == number:
            parent.over, parent.waits = reason, False

    # -- the row

    def row(self) -> list[Any]:
        return [astuple(one) for one in self.parents.values()]

    @classmethod
    def of_row(cls, row: list[Any]) -> Families:
        return cls({values[0]: Parent(*values) for values in row})


def _linked(parent: Parent, near: Near) -> Linked:
    path = near.paths[parent.service]
    return Linked(parent, path, near.service, _root(parent, path))


def _root(parent: Parent, path: tuple[str, ...]) -> str:
    """What all of them need, as far as is known: where a path leads on from it, the end of that."""
    root = parent.root or parent.service
    return path[-1] if root in path else root

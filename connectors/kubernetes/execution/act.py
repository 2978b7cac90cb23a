"""What each operation on Kubernetes says of itself, and what is known of its target when it says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from connectors.executors.contract import Happened, Probed, Verified
from connectors.kubernetes.client import Cluster
from connectors.kubernetes.kinds import BY_WORD, Kind
from connectors.kubernetes.reading import Obj, name_of, namespace_of, strings, text
from schemas.operations import Step
from schemas.preflight import Check

ACTION = "awoooi.dev/action"
"""annotation, or label of what is made anew: the id of the action that changed it last"""
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"


@dataclass(frozen=True, slots=True)
class Right:
    verb: str
    kind: Kind
    sub: str = ""
    named: bool = True
    """about the target itself; else about any of its namespace"""

    def __str__(self) -> str:
        return f"{self.verb} {self.kind.plural}{f'/{self.sub}' if self.sub else ''}"


@dataclass(frozen=True, slots=True)
class Write:
    """One call that changes something; with `dryRun=All` it is its own trial."""

    what: str
    """for people: evict pod api-1"""
    method: str
    path: str
    body: Any = field(default=None, repr=False)
    content: str = "application/json"
    instead: Write | None = None
    """where the server does not offer this call at all"""
    may_wait: bool = False
    """a budget's no may turn into a yes"""
    gone_is_done: bool = False
    there_is_done: bool = False


@dataclass(frozen=True, slots=True)
class PodSeen:
    """What is kept of each pod: a namespace may hold thousands."""

    name: str
    namespace: str
    uid: str
    labels: Mapping[str, str]
    ready: bool
    owner: str
    """the kind of what controls it, empty for a bare pod"""
    local_data: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """The target and what the act touches, at one moment."""

    target: Obj
    pods: Sequence[PodSeen] = ()
    """those that the act ends, or may end"""
    uncounted: bool = False
    """there are more of them than were counted"""
    budgets: Sequence[Obj] = ()
    """that cover any of them"""
    owner: Obj | None = None
    """the workload at the top of a pod"""
    revisions: Sequence[Obj] = ()
    """what a workload can go back to, the latest first"""
    users: Sequence[str] = ()
    """who uses a volume claim: `pod shop/api-1`"""
    snapshots: Sequence[Obj] = ()
    made: Sequence[Obj] = ()
    """what was made with this action's label"""


class Act(Protocol):
    """One operation. Pure but for `look`; whatever the objects hold, nothing raises."""

    deletes: bool
    """that the very target is gone is what was asked for"""

    def rights(self, step: Step) -> Sequence[Right]: ...

    async def look(self, cluster: Cluster, step: Step, action_id: str) -> Seen | None:
        """None: the target is not there."""
        ...

    def state(self, step: Step, seen: Seen) -> Mapping[str, str]: ...

    def problems(self, step: Step, seen: Seen) -> Iterable[Check]:
        """Its own checks, beside those that all have."""
        ...

    def writes(self, step: Step, seen: Seen, action_id: str) -> Sequence[Write]:
        """In their order; the first carries the target's preconditions."""
        ...

    def happened(self, seen: Seen, action_id: str) -> Happened:
        """To this very target, as it stands."""
        ...

    def works(self, step: Step, seen: Seen) -> Verified: ...

    def undo(self, step: Step, seen: Seen) -> Step | None: ...


def kind_of(step: Step) -> Kind:
    return BY_WORD[step.target.kind]


def path_of(step: Step) -> str:
    target = step.target
    return kind_of(step).path(target.namespace, target.name)


def shown(step: Step) -> str:
    return f"{step.target.kind} {step.target.name}"


def preconditions(target: Obj) -> dict[str, str]:
    """Of the very object that was looked at, in the state that it was in."""
    return {name: text(target, "metadata", name) for name in ("uid", "resourceVersion")}


def patch(step: Step, seen: Seen, action_id: str, change: Mapping[str, Any], content: str = MERGE) -> Write:
    """A change of the target, with the action's id and the target's preconditions."""
    about = {**preconditions(seen.target), "annotations": {ACTION: action_id}}
    body = {"metadata": about, **change}
    return Write(f"change {shown(step)}", "PATCH", path_of(step), body, content)


def annotated(seen: Seen, action_id: str) -> Happened:
    """Acts on one target come one after the other: the latest one's id stands on it."""
    found = strings(seen.target, "metadata", "annotations").get(ACTION)
    return Happened.YES if found == action_id else Happened.NO


def probed(happened: Happened, step: Step, action_id: str, late_call_refused: bool) -> Probed:
    words = {
        Happened.YES: "bears the mark of",
        Happened.NO: "shows nothing of",
        Happened.UNKNOWN: "does not tell about",
    }
    told = f"{shown(step)} {words[happened]} action {action_id}"
    return Probed(happened, told, late_call_refused)


def place(obj: Obj) -> str:
    return "/".join(filter(None, (namespace_of(obj), name_of(obj))))

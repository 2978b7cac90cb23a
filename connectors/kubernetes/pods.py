"""Pods as findings: pure, and total over whatever an object holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from connectors.evidence import Finding
from connectors.kubernetes import kinds
from connectors.kubernetes.facts import MOST_TEXT, deleting, finding
from connectors.kubernetes.kinds import Kind
from connectors.kubernetes.reading import (
    Obj,
    age,
    ago,
    conditions,
    images,
    joined,
    millis,
    name_of,
    number,
    owner_of,
    part,
    parts,
    quantity,
    text,
    true,
)

READY = "Ready"
MOST_WORST = 3


def pod(obj: Obj, now: int) -> Finding:
    containers = statuses(obj)
    worst = max(containers, key=_trouble, default={})
    ready = sum(true(one, "ready") for one in containers)
    total = len(containers) or len(parts(obj, "spec", "containers"))
    true_ones = joined(sorted(text(one, "type") for one in conditions(obj, "True")))
    phase = text(obj, "status", "phase") or "unknown phase"
    told = [
        f"{phase}, {ready} of {total} containers ready, {restarts(obj)} restarts",
        f"conditions {true_ones}" if true_ones else "no condition is true",
        *_blocked(obj),
        _container_told(worst, now),
    ]
    ended = _last_end(worst)
    numbers = {
        "restart_count": restarts(obj),
        "containers": total,
        "ready_containers": ready,
        "last_exit_code": number(ended, "exitCode") if ended else None,
        "last_ended_seconds": ago(millis(ended, "finishedAt"), now),
        **_resources(obj),
    }
    words = {
        "phase": phase,
        "conditions": true_ones,
        "reason": text(obj, "status", "reason"),
        "container": text(worst, "name") if _trouble(worst)[0] else "",
        "waiting_reason": text(worst, "state", "waiting", "reason"),
        "terminated_reason": text(worst, "state", "terminated", "reason"),
        "last_terminated_reason": text(worst, "lastState", "terminated", "reason"),
        "node": text(obj, "spec", "nodeName"),
        "owner": "/".join(owner_of(obj) or ()).lower(),
        "image": joined(images(obj)),
    }
    return finding(kinds.POD, obj, now, told, numbers, words)


_AMOUNTS = (("memory", "bytes"), ("cpu", "cores"))


def _resources(obj: Obj) -> dict[str, float | None]:
    """Of its only container: with several, nobody can say which one is meant."""
    containers = parts(obj, "spec", "containers")
    if len(containers) != 1:
        return {}
    return {
        f"{name}_{what[:-1]}_{unit}": quantity(text(containers[0], "resources", what, name))
        for name, unit in _AMOUNTS
        for what in ("requests", "limits")
    }


def statuses(obj: Obj) -> list[Obj]:
    """An init container counts only while it has not done its work."""
    waiting = [
        one
        for one in parts(obj, "status", "initContainerStatuses")
        if not true(one, "ready") and text(one, "state", "terminated", "reason") != "Completed"
    ]
    return [*waiting, *parts(obj, "status", "containerStatuses")]


def restarts(obj: Obj) -> int:
    told = [*parts(obj, "status", "initContainerStatuses"), *parts(obj, "status", "containerStatuses")]
    return sum(number(one, "restartCount") for one in told)


def is_ready(obj: Obj) -> bool:
    return any(text(one, "type") == READY for one in conditions(obj, "True")) and not deleting(obj)


def is_done(obj: Obj) -> bool:
    """A finished pod of a job is not ready, and nothing is wrong with it."""
    return text(obj, "status", "phase") == "Succeeded"


def why_not_ready(obj: Obj) -> str:
    """The shortest true answer; empty for a pod that is well."""
    if is_ready(obj) or is_done(obj):
        return ""
    for container in sorted(statuses(obj), key=_trouble, reverse=True):
        for state in ("waiting", "terminated"):
            if reason := text(container, "state", state, "reason"):
                return reason
    blocked = [text(one, "reason") for one in conditions(obj, "False")]
    return text(obj, "status", "reason") or next(filter(None, blocked), "") or "not ready"


def worst_first(pods: Sequence[Obj]) -> list[Obj]:
    """Those that are not ready, the most restarted ahead."""
    return sorted(pods, key=lambda one: (not why_not_ready(one), -restarts(one), name_of(one)))


def _trouble(container: Obj) -> tuple[bool, int]:
    """How much a container is worth telling of."""
    in_trouble = not true(container, "ready") or bool(_last_end(container))
    return in_trouble and bool(container), number(container, "restartCount")


def _last_end(container: Obj) -> Obj:
    now_ended = part(container, "state", "terminated")
    return now_ended or part(container, "lastState", "terminated")


def _blocked(obj: Obj) -> list[str]:
    """Conditions that are false and say more than their name: Unschedulable and the like."""
    return [
        f"{text(one, 'type')} is false: {joined([text(one, 'reason'), text(one, 'message')[:100]])}"
        for one in conditions(obj, "False")
        if text(one, "reason") and text(one, "reason") != "ContainersNotReady"
    ]


def _container_told(container: Obj, now: int) -> str:
    if not _trouble(container)[0]:
        return ""
    told = [f"container {text(container, 'name')}"]
    if waits := text(container, "state", "waiting", "reason"):
        told.append(f"waits ({waits})")
    if ended := _last_end(container):
        code = f"exit code {number(ended, 'exitCode')}"
        when = f"{age(ago(millis(ended, 'finishedAt'), now))} ago"
        told.append(f"last ended {joined([text(ended, 'reason'), code])}, {when}")
    return " ".join(told) if len(told) > 1 else ""


@dataclass(slots=True)
class Tally:
    """All pods of something, of which only the worst are kept: there may be thousands."""

    total: int = 0
    ready: int = 0
    restarts: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    worst: list[Obj] = field(default_factory=list)
    any_one: Obj | None = None
    truncated: bool = False

    def take(self, page: Sequence[Obj]) -> None:
        self.total += len(page)
        self.ready += sum(map(is_ready, page))
        self.restarts += sum(map(restarts, page))
        ailing = [one for one in page if why_not_ready(one)]
        self.reasons.update(map(why_not_ready, ailing))
        self.worst = worst_first([*self.worst, *ailing])[:MOST_WORST]
        self.any_one = self.any_one or next(iter(page), None)

    def finding(self, kind: Kind, about: str, now: int) -> Finding:
        """In one line."""
        total = f"{'at least ' if self.truncated else ''}{self.total}"
        why = joined([f"{reason} {count}" for reason, count in self.reasons.most_common(5)])
        counts = f"{total}, {self.ready} ready, {self.restarts} restarts" + (f"; {why}" if why else "")
        text = f"pods of {kind.word} {about}: {counts}"
        numbers = {"pods": self.total, "ready_pods": self.ready, "restart_count": self.restarts}
        words = {"reasons": joined([reason for reason, _ in self.reasons.most_common(5)])}
        return Finding("pods", about, now, text[:MOST_TEXT], numbers, words if why else {})

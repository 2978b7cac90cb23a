"""Deployments, stateful and daemon sets, jobs, and what they ran before: pure and total."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.evidence import Finding
from connectors.kubernetes import kinds
from connectors.kubernetes.facts import MOST_TEXT, finding
from connectors.kubernetes.kinds import Kind
from connectors.kubernetes.reading import (
    Obj,
    age,
    ago,
    conditions,
    counted,
    dig,
    images,
    joined,
    millis,
    name_of,
    number,
    number_or,
    part,
    text,
    true,
)

_REPLICAS = ("readyReplicas", "availableReplicas", "updatedReplicas")
_DAEMONS = ("numberReady", "numberAvailable", "updatedNumberScheduled")


def workload(kind: Kind, obj: Obj, now: int) -> Finding:
    if kind is kinds.JOB:
        return job(obj, now)
    wanted, ready, available, updated = _replicas(kind, obj)
    paused = true(obj, "spec", "paused")
    bad = [_condition(one) for one in _telling(obj)]
    image = joined(images(part(obj, "spec", "template")))
    told = [
        f"{wanted} desired, {ready} ready, {available} available, {updated} up to date",
        "paused" if paused else "",
        *bad,
    ]
    numbers = {
        "desired_replicas": wanted,
        "ready_replicas": ready,
        "available_replicas": available,
        "updated_replicas": updated,
        "unavailable_replicas": lacking(kind, obj),
        "revision": revision(obj) or None,
    }
    words = {
        "paused": "true" if paused else "false",
        "image": image,
        "conditions": joined(sorted(text(one, "type") for one in conditions(obj, "True"))),
        "reason": joined([text(one, "reason") for one in _telling(obj)]),
    }
    return finding(kind, obj, now, told, numbers, words)


def lacking(kind: Kind, obj: Obj) -> int:
    """How many of its pods are wanted and not available."""
    wanted, _, available, _ = _replicas(kind, obj)
    return max(0, wanted - available)


def _replicas(kind: Kind, obj: Obj) -> tuple[int, int, int, int]:
    if kind is kinds.DAEMONSET:
        wanted, names = number(obj, "status", "desiredNumberScheduled"), _DAEMONS
    else:
        wanted, names = number_or(obj, 1, "spec", "replicas"), _REPLICAS
    ready, available, updated = (number(obj, "status", name) for name in names)
    return wanted, ready, available, updated


def _telling(obj: Obj) -> list[Obj]:
    """Conditions that tell of trouble: what should be true and is not, and failures."""
    failing = [one for one in conditions(obj, "True") if "Fail" in text(one, "type")]
    return [*conditions(obj, "False"), *failing]


def _condition(one: Obj) -> str:
    why = joined([text(one, "reason"), text(one, "message")[:100]])
    return f"{text(one, 'type')} is {text(one, 'status').lower()}" + (f": {why}" if why else "")


def revision(obj: Obj) -> int:
    """Of a deployment, its replica sets, and of what stateful and daemon sets were; 0 where none is told."""
    told = text(obj, "metadata", "annotations", "deployment.kubernetes.io/revision")
    return counted(told) or number(obj, "revision")


def job(obj: Obj, now: int) -> Finding:
    counts = {name: number(obj, "status", name) for name in ("active", "succeeded", "failed")}
    wanted = number_or(obj, 1, "spec", "completions")
    suspended = true(obj, "spec", "suspend")
    bad = _telling(obj)
    told = [
        f"{wanted} completions wanted, " + joined([f"{count} {name}" for name, count in counts.items()]),
        "suspended" if suspended else "",
        *[_condition(one) for one in bad],
    ]
    words = {
        "paused": "true" if suspended else "false",
        "image": joined(images(part(obj, "spec", "template"))),
        "conditions": joined(sorted(text(one, "type") for one in conditions(obj, "True"))),
        "reason": joined([text(one, "reason") for one in bad]),
    }
    return finding(kinds.JOB, obj, now, told, {"desired_replicas": wanted, **counts}, words)


def image_change(kind: Kind, obj: Obj, history: Sequence[tuple[int, Obj]], now: int) -> Finding | None:
    """The last two revisions of what is run: (revision, replica set or controller revision)."""
    newest = sorted(history, key=lambda entry: entry[0])[-2:]
    if not newest:
        return None
    after = _template_images(newest[-1][1])
    before = _template_images(newest[0][1]) if len(newest) > 1 else []
    secs = ago(millis(newest[-1][1], "metadata", "creationTimestamp"), now)
    latest, name = newest[-1][0], name_of(obj)
    if before and before != after:
        what = f"image {joined(before)} became {joined(after)}"
    else:
        what = f"image {joined(after)}, unchanged" if before else f"image {joined(after)}, the only revision"
    numbers = {"revision": float(latest), **({} if secs is None else {"changed_seconds": secs})}
    words = {"image": joined(after), "changed": "true" if before and before != after else "false"}
    if before:
        words["previous_image"] = joined(before)
    told = f"{kind.word} {name}: revision {latest} since {age(secs)}, {what}"
    return Finding("rollout", name, now, told[:MOST_TEXT], numbers, words)


def _template_images(obj: Obj) -> list[str]:
    """A replica set holds its template under spec, a controller revision under data.spec."""
    data = dig(obj, "data")
    return images(part(data if isinstance(data, dict) else obj, "spec", "template"))

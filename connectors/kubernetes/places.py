"""Nodes, volumes and services as findings, and the latest events: pure and total."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.evidence import Finding
from connectors.kubernetes import kinds
from connectors.kubernetes.facts import finding
from connectors.kubernetes.kinds import BY_KIND
from connectors.kubernetes.reading import (
    Obj,
    age,
    ago,
    conditions,
    dig,
    joined,
    millis,
    name_of,
    number,
    parts,
    quantity,
    selector,
    strings,
    text,
    true,
)

EVENTS = 5
MESSAGE = 100
_CORDON = "node.kubernetes.io/unschedulable"


def node(obj: Obj, now: int) -> Finding:
    ready = next(
        (text(one, "status") for one in parts(obj, "status", "conditions") if text(one, "type") == "Ready"),
        "",
    )
    pressure = joined([text(one, "type") for one in conditions(obj, "True") if text(one, "type") != "Ready"])
    cordoned = true(obj, "spec", "unschedulable")
    taints = joined([_taint(one) for one in parts(obj, "spec", "taints") if text(one, "key") != _CORDON])
    told = [
        {"True": "ready", "False": "not ready"}.get(ready, "readiness unknown"),
        f"has {pressure}" if pressure else "no pressure",
        "cordoned" if cordoned else "",
        f"taints {taints}" if taints else "",
    ]
    words = {
        "ready": ready or "Unknown",
        "pressure": pressure,
        "cordoned": "true" if cordoned else "false",
        "taints": taints,
        "kubelet": text(obj, "status", "nodeInfo", "kubeletVersion"),
    }
    return finding(kinds.NODE, obj, now, told, {}, words)


def _taint(one: Obj) -> str:
    value = f"={text(one, 'value')}" if text(one, "value") else ""
    return f"{text(one, 'key')}{value}:{text(one, 'effect')}"


def pvc(obj: Obj, now: int) -> Finding:
    phase = text(obj, "status", "phase") or "unknown phase"
    capacity, wanted = (
        text(obj, "status", "capacity", "storage"),
        text(obj, "spec", "resources", "requests", "storage"),
    )
    waiting = joined([text(one, "type") for one in conditions(obj, "True")])
    told = [phase, f"capacity {capacity}" if capacity else "no capacity yet", f"{wanted} wanted", waiting]
    words = {
        "phase": phase,
        "storage_class": text(obj, "spec", "storageClassName"),
        "volume": text(obj, "spec", "volumeName"),
        "conditions": waiting,
    }
    numbers = {"capacity_bytes": quantity(capacity), "requested_bytes": quantity(wanted)}
    return finding(kinds.PVC, obj, now, told, numbers, words)


def service(obj: Obj, slices: Sequence[Obj], now: int) -> Finding:
    endpoints = [one for piece in slices for one in parts(piece, "endpoints")]
    ready = sum(dig(one, "conditions", "ready") is not False for one in endpoints)
    chosen = selector(strings(obj, "spec", "selector"))
    none = "" if chosen or endpoints else ", and it selects no pods itself"
    told = [f"{ready} of {len(endpoints)} endpoints ready{none}"]
    words = {
        "type": text(obj, "spec", "type"),
        "selector": chosen,
        "ports": joined([str(number(one, "port")) for one in parts(obj, "spec", "ports")]),
    }
    numbers = {"endpoints": float(len(endpoints)), "ready_endpoints": float(ready)}
    return finding(kinds.SERVICE, obj, now, told, numbers, words)


# -- events


def latest(events: Sequence[Obj], now: int) -> list[Finding]:
    """The five latest, the newest first; one event is told once."""
    seen = {text(event, "metadata", "uid") or name_of(event): event for event in events}
    newest = sorted(seen.values(), key=lambda event: _when(event) or 0, reverse=True)
    return [_event(event, now) for event in newest[:EVENTS]]


def _event(event: Obj, now: int) -> Finding:
    kind, about = text(event, "involvedObject", "kind"), text(event, "involvedObject", "name")
    word = BY_KIND[kind].word if kind in BY_KIND else kind.lower()
    when = _when(event)
    secs = ago(when, now)
    times = max(1, number(event, "count"), number(event, "series", "count"))
    message = " ".join(text(event, "message").split())[:MESSAGE]
    reason, sort = text(event, "reason"), text(event, "type")
    often = f" (×{times})" if times > 1 else ""
    return Finding(
        kind="event",
        about=about,
        observed_at=now if when is None else when,
        text=f"{sort or 'Event'} {reason}{often} on {word} {about}, {age(secs)} ago: {message}",
        numbers={"count": float(times), **({} if secs is None else {"age_seconds": secs})},
        words={"type": sort, "reason": reason, "object": word},
    )


def _when(event: Obj) -> int | None:
    """Old and new events write their time in different places."""
    for path in (("series", "lastObservedTime"), ("lastTimestamp",), ("eventTime",), ("firstTimestamp",)):
        if (found := millis(event, *path)) is not None:
            return found
    return millis(event, "metadata", "creationTimestamp")

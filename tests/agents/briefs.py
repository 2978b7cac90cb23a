"""Briefs written by hand, as evidence would give them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.alert import ResourceType, Severity
from schemas.evidence import (
    Brief,
    EvidenceItem,
    Gap,
    Health,
    Neighbour,
    NodeKind,
    Source,
    Subject,
    Surroundings,
    Suspect,
)
from schemas.operations import Target
from schemas.run import RunReason

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
Seen = tuple[Source, str, str, Mapping[str, float], Mapping[str, str]]


def target(kind: str, name: str, namespace: str = "shop") -> Target:
    return Target(kind=kind, name=name, namespace="" if kind == "node" else namespace)


def kube(kind: str, about: str, words: Mapping[str, str] | None = None, **numbers: float) -> Seen:
    return Source.KUBERNETES, kind, about, numbers, words or {}


def series(about: str, metric: str, **numbers: float) -> Seen:
    return Source.PROMETHEUS, "series", about, numbers, {"metric": metric, "unit": "share"}


def blame(about: str, **numbers: float) -> Seen:
    return Source.TOPOLOGY, "blame", about, numbers, {}


def near(service: str, kind: str = "service", health: str = "healthy", distance: int = 1) -> Neighbour:
    return Neighbour(service=service, kind=NodeKind(kind), health=Health(health), distance=distance)


def suspect(
    service: str, kind: str, share: float = 0.0, health: str = "unhealthy", distance: int = 1
) -> Suspect:
    return Suspect(
        service=service,
        kind=NodeKind(kind),
        health=Health(health),
        distance=distance,
        share=share,
        why=f"{kind} {health}",
    )


def items(alert_type: str, message: str, seen: Sequence[Seen], metrics: Mapping[str, float]) -> Any:
    found = [(Source.ALERT, "alert", "", metrics, {}), *seen]
    return tuple(
        EvidenceItem(
            id=f"E{number}",
            source=source,
            kind=kind,
            about=about,
            observed_at=NOON,
            text=f"{alert_type}: {message}"
            if source == Source.ALERT
            else f"{kind} {about}: {' '.join(words.values())}".strip(),
            numbers=dict(numbers),
            words=dict(words),
        )
        for number, (source, kind, about, numbers, words) in enumerate(found, start=1)
    )


def brief(
    alert_type: str = "KubePodCrashLooping",
    about: Target | None = None,
    seen: Sequence[Seen] = (),
    *,
    message: str = "pod is restarting",
    labels: Mapping[str, str] | None = None,
    metrics: Mapping[str, float] | None = None,
    around: Surroundings | None = None,
    targets: Sequence[Target] | None = None,
    gaps: Sequence[Gap] = (),
    sanitized: bool = False,
    **changes: Any,
) -> Brief:
    subject = about or target("deployment", "checkout")
    kind = subject.kind if subject.kind in set(ResourceType) else None
    return Brief(
        number=1,
        reason=RunReason.OPENED,
        started_at=NOON,
        deadline_at=NOON + timedelta(seconds=260),
        subject=Subject(
            alert_type=alert_type,
            severity=Severity.CRITICAL,
            source="alertmanager",
            message=message,
            resource_type=ResourceType(kind) if kind else None,
            target=subject,
            labels=dict(labels or {}),
            hit_count=3,
            opened_at=NOON,
            last_seen_at=NOON,
            sanitized=sanitized,
        ),
        items=items(alert_type, message, seen, metrics or {}),
        gaps=tuple(gaps),
        surroundings=around or Surroundings(),
        targets=tuple([subject] if targets is None else targets),
        **changes,
    )

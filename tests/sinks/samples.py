"""One event of every class in the catalogue, and as many as a test wants of the two most frequent ones."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas import ids
from schemas.alert import (
    Alert,
    AlertNormalized,
    AlertOrigin,
    AlertRejected,
    AlertReplayed,
    AlertStatus,
    CloseRequest,
    CloseRequested,
    Rejection,
    ResourceType,
    Severity,
)
from schemas.catalog import event_classes
from schemas.codec import Codec
from schemas.envelope import Event
from schemas.failure import Failure, StageFailed
from schemas.golden import example_of
from schemas.incident import (
    Closure,
    Counts,
    IncidentExpired,
    IncidentHit,
    IncidentMoved,
    IncidentOpened,
    IncidentReopened,
    IncidentResolved,
    IncidentSeverityRaised,
    IncidentStatus,
    Move,
    Sighting,
)
from schemas.run import RunReason, RunRequest, RunRequested, RunStart, RunStarted

NOW = datetime.now(UTC).replace(microsecond=123_000)  # the store's TTL counts from today
INCIDENT = "INC-20260101-ABCDEFGHIJ"
SECRET = b"original of pat@example.org"
FROM_GOLDEN = (
    "evidence.",
    "rca.",
    "learning.",
    "run.spent",
    "tool.",
    "topology.",
    "audit.",
    "project.erased",
    "silence.",
    "alert.muted",
    "incident.silenced",
    "incident.flapping",
)
"""kinds whose sample is the contract's own example"""


def alert(number: int = 0) -> Alert:
    return Alert(
        alert_type="HighCPU",
        severity=Severity.CRITICAL,
        source="alertmanager",
        message=f'CPU of "web-{number}" is at 97 %, 負荷',
        namespace="shop",
        target_resource=f"web-{number}",
        resource_type=ResourceType.POD,
        metrics={"value": 97.5, "percent": True, "unit": "%"},
        fired_at=NOW,
        received_at=NOW,
        status=AlertStatus.FIRING,
        project_id="shop",
        fingerprint=f"{number:016x}",
        labels={"pod": f"web-{number}"},
        origin=AlertOrigin(topic="alerts.raw.alertmanager", partition=1, offset=number, index=0),
    )


def counts(number: int = 1) -> dict[str, Any]:
    return {
        "fingerprint": f"{number:016x}",
        "severity": Severity.WARNING,
        "highest_severity": Severity.CRITICAL,
        "hit_count": number,
        "opened_at": NOW,
        "last_seen_at": NOW + timedelta(seconds=number),
        "generation": 0,
        "count_5m": 1,
        "count_1h": 2,
        "count_24h": 3,
    }


def sighting(number: int = 1) -> Sighting:
    seen = alert(number)
    return Sighting(
        **counts(number),
        alert_type=seen.alert_type,
        source=seen.source,
        message=seen.message,
        cluster=seen.cluster,
        namespace=seen.namespace,
        target_resource=seen.target_resource,
        alert=seen,
    )


def envelope(event_id: str, **more: Any) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "project_id": "shop",
        "occurred_at": NOW,
        "recorded_at": NOW,
        "stage": "samples",
        **more,
    }


def normalized(number: int = 0, **more: Any) -> AlertNormalized:
    return AlertNormalized(**envelope(ids.alert_id(str(number)), **more), payload=alert(number))


def hit(number: int = 1, incident: str = INCIDENT, **more: Any) -> IncidentHit:
    causes = (ids.alert_id(str(number)),)
    facts = envelope(ids.hit_id(incident, number), incident_id=incident, causes=causes, **more)
    return IncidentHit(**facts, payload=Counts(**counts(number)))


def every_event() -> list[Event]:
    """One of each class: by hand what the sink's tests look into, the contract's own examples of the rest."""
    by_hand = _by_hand()
    rest = set(event_classes().values()) - {type(event) for event in by_hand}
    examples = [example_of(kind).read_bytes() for kind in sorted(rest, key=lambda kind: kind.type_name())]
    return [*by_hand, *map(Codec().decode, examples)]


def _by_hand() -> list[Event]:
    def of_incident(kind: str) -> dict[str, Any]:
        return envelope(ids.derive_id(kind, "sample"), incident_id=INCIDENT)

    run_id = ids.run_id(INCIDENT, 1)
    closed = Closure(**counts(), resolved_at=NOW, reason="alert_resolved")
    request = {"number": 1, "reason": RunReason.OPENED, "severity": Severity.CRITICAL, "sighting": sighting()}
    return [
        normalized(sealed=b"ciphertext"),
        CloseRequested(
            **of_incident("close.requested"),
            actor="dana",
            payload=CloseRequest(fingerprint="0" * 16, incident_id=INCIDENT, reason="fixed by hand"),
        ),
        AlertRejected(
            **envelope(ids.derive_id("alert.rejected", "sample")), payload=Rejection(**dead("source"))
        ),
        golden(AlertReplayed),
        IncidentOpened(**of_incident("incident.opened"), payload=sighting()),
        hit(),
        IncidentSeverityRaised(**of_incident("incident.severity_raised"), payload=sighting()),
        IncidentReopened(**of_incident("incident.reopened"), payload=sighting()),
        IncidentResolved(**of_incident("incident.resolved"), payload=closed),
        IncidentExpired(**of_incident("incident.expired"), payload=closed),
        IncidentMoved(
            **of_incident("incident.moved"),
            payload=Move(
                status=IncidentStatus.INVESTIGATING, previous=IncidentStatus.PENDING, reason="run_started"
            ),
        ),
        RunRequested(**of_incident("run.requested"), run_id=run_id, payload=RunRequest(**request)),
        RunStarted(**of_incident("run.started"), run_id=run_id, payload=RunStart(**request, deadline_at=NOW)),
        StageFailed(**envelope(ids.derive_id("stage.failed", "sample")), payload=Failure(**dead("stage"))),
        *(golden(kind) for name, kind in event_classes().items() if name.startswith(FROM_GOLDEN)),
    ]


def golden(kind: type[Event]) -> Event:
    """The example of the contract, as if it had happened today."""
    read = Codec().decode(example_of(kind).read_bytes())
    return read.model_copy(update={"occurred_at": NOW, "recorded_at": NOW})


def dead(who: str) -> dict[str, Any]:
    return {
        who: "somebody",
        "topic": "alerts.raw.alertmanager",
        "partition": 2,
        "offset": 77,
        "reason": "unreadable",
        "detail": "neither Avro nor JSON",
        "size": len(SECRET),
        "sha256": hashlib.sha256(SECRET).hexdigest(),
        "original": SECRET,
        "original_key": b"key of pat@example.org",
    }

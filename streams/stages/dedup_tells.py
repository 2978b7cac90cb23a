"""What dedup says of a fingerprint's incident: plain values out of its row."""

from __future__ import annotations

from typing import Any

from schemas import ids
from schemas.alert import Severity
from schemas.draft import Draft, envelope
from schemas.envelope import Event, from_millis
from schemas.flapping import FlappingState, IncidentFlapping
from schemas.incident import Closure, IncidentHit
from streams import windows
from streams.stage import Now
from streams.stages.fingerprint import Fingerprint

STAGE = "dedup"
MOST_CAUSES = 100  # a hit over more alerts names its first hundred
SEVERITIES = tuple(Severity)
TOLD_OF_THE_ALERT = (
    "alert_type",
    "source",
    "message",
    "cluster",
    "namespace",
    "target_resource",
    "resource_type",
)
Plain = dict[str, Any]


def hit(state: Fingerprint, now: Now) -> Draft:
    """All the repeats of a micro-batch; they are told then."""
    causes, state.uncounted = tuple(state.uncounted[:MOST_CAUSES]), []
    event_id = ids.hit_id(state.incident_id, state.hits)
    plain = _envelope(IncidentHit, event_id, causes, state, now, state.last_seen)
    plain["payload"] = facts(state, state.last_seen)
    return Draft(IncidentHit, state.incident_id.encode(), plain)


def sighting(kind: type[Event], event_id: str, told_by: Plain, state: Fingerprint, now: Now) -> Draft:
    alert, state.uncounted = told_by["payload"], []
    plain = _envelope(kind, event_id, (told_by["event_id"],), state, now, state.last_seen)
    plain["sealed"] = told_by["sealed"]
    plain["payload"] = (
        facts(state, state.last_seen) | {name: alert[name] for name in TOLD_OF_THE_ALERT} | {"alert": alert}
    )
    return Draft(kind, state.incident_id.encode(), plain)


def flaps(
    word: FlappingState, event_id: str, causes: tuple[str, ...], state: Fingerprint, now: Now, at: int
) -> Draft:
    plain = _envelope(IncidentFlapping, event_id, causes, state, now, at)
    began_at, changes = state.flaps[:2]
    plain["payload"] = facts(state, at) | {"state": word, "changes": changes, "began_at": began_at}
    return Draft(IncidentFlapping, state.incident_id.encode(), plain)


def closure(state: Fingerprint, at: int, reason: str, resolved_at: int | None) -> Closure:
    """For the models: their times are moments."""
    told = facts(state, at)
    for name in ("opened_at", "last_seen_at", "last_occurrence_at"):
        told[name] = None if told[name] is None else from_millis(told[name])
    resolved = None if resolved_at is None else from_millis(resolved_at)
    return Closure(**told, resolved_at=resolved, reason=reason)


def model_envelope(state: Fingerprint, now: Now, at: int) -> Plain:
    return {
        "project_id": state.project,
        "incident_id": state.incident_id,
        "occurred_at": from_millis(at),
        "recorded_at": now.moment,
        "stage": STAGE,
    }


def _envelope(
    kind: type[Event], event_id: str, causes: tuple[str, ...], state: Fingerprint, now: Now, at: int
) -> Plain:
    return envelope(
        kind,
        event_id=event_id,
        project_id=state.project,
        incident_id=state.incident_id,
        occurred_at=at,
        recorded_at=now.millis,
        stage=STAGE,
        causes=causes,
    )


def facts(state: Fingerprint, at: int) -> Plain:
    five, hour, day = windows.within(state.counts, at)
    return {
        "fingerprint": state.fingerprint,
        "severity": SEVERITIES[state.severity],
        "highest_severity": SEVERITIES[state.highest],
        "hit_count": state.hits,
        "opened_at": state.opened_at,
        "last_seen_at": state.last_seen,
        "generation": state.generation,
        "count_5m": five,
        "count_1h": hour,
        "count_24h": day,
        "last_occurrence_at": state.before,
    }

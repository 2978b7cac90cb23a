"""Alerts into incidents: the first sight opens one, a repeat only counts. Key: project and fingerprint.

A repeat is told from the record's key and one header; its value need not be decoded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from prometheus_client import Counter

from schemas import ids
from schemas.alert import CloseRequested, Severity
from schemas.draft import Draft, envelope
from schemas.envelope import Event, from_millis, to_millis
from schemas.errors import Never
from schemas.incident import (
    Closure,
    IncidentExpired,
    IncidentHit,
    IncidentOpened,
    IncidentReopened,
    IncidentResolved,
    IncidentSeverityRaised,
)
from streams import windows
from streams.glance import GLANCE, Glance, firing, glance_of, plain_alert
from streams.runner import stage_failed
from streams.stage import Events, Keyed, KeyedBase, Now, Record
from streams.stages.fingerprint import EXPIRED, OPEN, RESOLVED, Fingerprint

SEVERITIES = tuple(Severity)
DEDUPLICATED = Counter(
    "awoooi_alerts_deduplicated_total", "Firing alerts that opened nothing, by why", ["outcome"]
)
REPEATS, COPIES = DEDUPLICATED.labels("repeat"), DEDUPLICATED.labels("copy")
MOST_KEPT = 5_000
MOST_CAUSES = 100  # a hit over more alerts names its first hundred
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


@dataclass(frozen=True, slots=True)
class DedupConfig:
    copy_window_secs: float = 60
    reopen_window_secs: float = 15 * 60
    silence_expiry_secs: float = 24 * 3600


class Dedup(KeyedBase[Fingerprint]):
    name = "dedup"
    reads: tuple[str, ...] = ("alerts.normalized",)

    def __init__(self, config: DedupConfig, epoch: str = "") -> None:
        self._copy_window = int(config.copy_window_secs * 1000)
        self._reopen_window = int(config.reopen_window_secs * 1000)
        self._expiry = int(config.silence_expiry_secs * 1000)
        self._epoch = epoch
        self._kept: dict[bytes, tuple[bytes, Fingerprint]] = {}
        """states of late, each with the row that was written of it"""

    # -- the row

    def load(self, key: bytes, row: bytes | None) -> Fingerprint:
        """The state that this very row was written of, where it is still at hand: it is out of our hands
        until the next row is written of it, so a batch that comes to nothing leaves no trace.
        """
        kept = self._kept.pop(key, None)
        if kept is not None and kept[0] is row:
            return kept[1].as_loaded()
        return Fingerprint.of_row(key, row)

    def dump(self, state: Fingerprint) -> bytes | None:
        if state.forgotten:
            return None
        row = state.row(self._due(state))
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[state.key] = row, state
        return row

    def due(self, row: bytes) -> int | None:
        return int(row[1 : row.index(b",")])

    def _due(self, state: Fingerprint) -> int:
        """Open: when it has been silent too long. Closed: when nothing needs to be remembered."""
        if state.phase == OPEN:
            return state.last_seen + self._expiry
        return max(state.last_seen, state.closed_at) + max(windows.DAY, self._reopen_window)

    # -- what is new

    def passed(self, record: Record, state: Fingerprint) -> bool:
        """Offsets do not tell here: a re-normalised copy stands at a new one. `handle` looks at origins."""
        return False

    def take(self, record: Record, state: Fingerprint) -> bool:
        """A repeat that begins at a time of its own, while its incident is open: it only counts."""
        if state.phase != OPEN:
            return False
        glance = firing(record)
        return glance is not None and state.repeated(glance)

    async def handle(self, record: Record, state: Fingerprint, now: Now) -> Events:
        if record.header(GLANCE) is None and isinstance(record.event, CloseRequested):
            return self._close_request(record.event, state, now)
        glance = glance_of(record)
        if state.has_counted(glance):
            return ()
        if not glance.firing:
            events = self._resolve(glance, state, now)
        else:
            events = self._fire(glance, record, state, now)
        state.note(glance)
        return events

    def _fire(self, glance: Glance, record: Record, state: Fingerprint, now: Now) -> Events:
        if state.is_copy(glance, self._copy_window) or state.is_over(glance):
            COPIES.inc()
            return ()
        if state.phase == OPEN and glance.severity <= state.highest:
            state.count(glance)
            return ()
        event = plain_alert(record)
        if state.phase == OPEN:
            return self._raise(glance, event, state, now)
        if state.phase == RESOLVED and glance.received_at - state.closed_at <= self._reopen_window:
            return self._reopen(glance, event, state, now)
        return self._open(glance, event, state, now)

    # -- openings

    def _open(self, glance: Glance, told_by: Plain, state: Fingerprint, now: Now) -> Events:
        event_id = ids.output_id("incident.opened", (glance.event_id,))
        state.before = state.last_seen or None
        state.phase, state.generation, state.hits, state.highest = OPEN, 0, 0, glance.severity
        state.opened_at = state.last_seen = glance.received_at
        state.incident_id = ids.incident_id(state.project, event_id, from_millis(glance.received_at))
        state.count(glance)
        return [self._sighting(IncidentOpened, event_id, told_by, state, now)]

    def _reopen(self, glance: Glance, told_by: Plain, state: Fingerprint, now: Now) -> Events:
        state.before = state.last_seen or None
        state.phase, state.generation = OPEN, state.generation + 1
        state.count(glance)
        event_id = ids.output_id("incident.reopened", (glance.event_id,))
        return [self._sighting(IncidentReopened, event_id, told_by, state, now)]

    def _raise(self, glance: Glance, told_by: Plain, state: Fingerprint, now: Now) -> Events:
        told = self.settle(state, now)
        state.count(glance)
        event_id = ids.output_id("incident.severity_raised", (glance.event_id,))
        return [*told, self._sighting(IncidentSeverityRaised, event_id, told_by, state, now)]

    # -- endings

    def _resolve(self, glance: Glance, state: Fingerprint, now: Now) -> Events:
        again = state.is_over(glance)
        state.remember(glance)
        if again or state.phase != OPEN or state.outlived(glance):
            state.closed_at = state.closed_at or glance.received_at
            return ()
        return self._close(state, glance.event_id, glance.received_at, "alert_resolved", now)

    def _close_request(self, request: CloseRequested, state: Fingerprint, now: Now) -> Events:
        at = to_millis(request.recorded_at)
        is_done = at <= state.closed_at  # what came back since was not meant
        if state.phase != OPEN or is_done or request.payload.incident_id != state.incident_id:
            return ()
        state.changed = True
        return self._close(state, request.event_id, at, "closed_by_person", now, request.actor)

    def _close(
        self, state: Fingerprint, cause: str, at: int, reason: str, now: Now, actor: str = ""
    ) -> Events:
        told = self.settle(state, now)
        state.phase, state.closed_at = RESOLVED, at
        event = IncidentResolved(
            **self._envelope(state, now, at),
            event_id=ids.output_id("incident.resolved", (cause,)),
            actor=actor,
            causes=(cause,),
            payload=Closure(**_moments(self._facts(state, at)), resolved_at=from_millis(at), reason=reason),
        )
        return [*told, event]

    async def wake(self, state: Fingerprint, now: Now) -> Events:
        if self._due(state) > now.millis:
            return ()
        state.changed = True
        if state.phase != OPEN:
            state.forgotten = True
            return ()
        at = state.last_seen + self._expiry
        state.phase, state.closed_at = EXPIRED, at
        event = IncidentExpired(
            **self._envelope(state, now, at),
            event_id=ids.elapsed_id("incident.expired", state.incident_id, state.generation),
            payload=Closure(**_moments(self._facts(state, at)), reason="silent_too_long"),
        )
        return [event]

    # -- what is told

    def settle(self, state: Fingerprint, now: Now) -> Events:
        """One cumulative hit for all the repeats of a micro-batch."""
        if not state.uncounted:
            return ()
        REPEATS.inc(len(state.uncounted))
        causes, state.uncounted = tuple(state.uncounted[:MOST_CAUSES]), []
        event_id = ids.hit_id(state.incident_id, state.hits)
        plain = self._plain_envelope(IncidentHit, event_id, causes, state, now)
        plain["payload"] = self._facts(state, state.last_seen)
        return [Draft(IncidentHit, state.incident_id.encode(), plain)]

    def _sighting(
        self, kind: type[Event], event_id: str, told_by: Plain, state: Fingerprint, now: Now
    ) -> Draft:
        alert, state.uncounted = told_by["payload"], []
        facts = self._facts(state, state.last_seen)
        plain = self._plain_envelope(kind, event_id, (told_by["event_id"],), state, now)
        plain["sealed"] = told_by["sealed"]
        plain["payload"] = facts | {name: alert[name] for name in TOLD_OF_THE_ALERT} | {"alert": alert}
        return Draft(kind, state.incident_id.encode(), plain)

    def _plain_envelope(
        self, kind: type[Event], event_id: str, causes: tuple[str, ...], state: Fingerprint, now: Now
    ) -> Plain:
        return envelope(
            kind,
            event_id=event_id,
            project_id=state.project,
            incident_id=state.incident_id,
            occurred_at=state.last_seen,
            recorded_at=now.millis,
            stage=self.name,
            causes=causes,
        )

    def _envelope(self, state: Fingerprint, now: Now, at: int) -> dict[str, Any]:
        return {
            "project_id": state.project,
            "incident_id": state.incident_id,
            "occurred_at": from_millis(at),
            "recorded_at": now.moment,
            "stage": self.name,
        }

    @staticmethod
    def _facts(state: Fingerprint, at: int) -> dict[str, Any]:
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

    def dead_letter(self, record: Record, error: Never, now: Now) -> Event:
        return stage_failed(self.name, record, error, now, self._epoch)


def _moments(facts: dict[str, Any]) -> dict[str, Any]:
    """For the models: their times are moments."""
    for name in ("opened_at", "last_seen_at", "last_occurrence_at"):
        facts[name] = None if facts[name] is None else from_millis(facts[name])
    return facts


def check_contract(stage: Keyed[Fingerprint]) -> Keyed[Fingerprint]:
    """The type checker proves here that dedup is a stage."""
    return stage

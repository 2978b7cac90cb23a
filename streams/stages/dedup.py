"""Alerts into incidents: the first sight opens one, a repeat only counts. Key: project and fingerprint.

A repeat is told from the record's key and one header; its value need not be decoded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from prometheus_client import Counter

from schemas import ids
from schemas.alert import CloseRequested
from schemas.draft import Draft
from schemas.envelope import Event, from_millis, to_millis
from schemas.errors import Never
from schemas.flapping import FlappingState
from schemas.incident import (
    IncidentExpired,
    IncidentOpened,
    IncidentReopened,
    IncidentResolved,
    IncidentSeverityRaised,
)
from schemas.silence import AlertMuted
from streams import windows
from streams.glance import GLANCE, Glance, firing, glance_of, plain_alert
from streams.runner import stage_failed
from streams.stage import Events, Keyed, KeyedBase, Now, Record
from streams.stages.dedup_tells import STAGE, closure, flaps, hit, model_envelope, sighting
from streams.stages.fingerprint import BEATING, EXPIRED, OPEN, RESOLVED, Fingerprint
from streams.stages.flapping import NEVER, FlappingRule, flapping
from streams.stages.heartbeat import RETURNED, Beat
from streams.stages.muted import Muting

DEDUPLICATED = Counter(
    "awoooi_alerts_deduplicated_total", "Firing alerts that opened nothing, by why", ["outcome"]
)
REPEATS, COPIES = DEDUPLICATED.labels("repeat"), DEDUPLICATED.labels("copy")
FLAPPING = Counter(
    "awoooi_alerts_flapping_total", "Alerts that began to go on and off, or settled", ["state"]
)
MOST_KEPT = 5_000
Plain = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DedupConfig:
    copy_window_secs: float = 60
    reopen_window_secs: float = 15 * 60
    silence_expiry_secs: float = 24 * 3600
    flapping_changes: int = 6
    flapping_window_secs: float = 3600
    flapping_settle_secs: float = 15 * 60
    watchdog_alerts: tuple[str, ...] = ("Watchdog",)
    watchdog_absence_secs: float = 10 * 60


class Dedup(KeyedBase[Fingerprint]):
    name = STAGE
    reads: tuple[str, ...] = ("alerts.normalized",)

    def __init__(self, config: DedupConfig, epoch: str = "", muting: Muting | None = None) -> None:
        self._muting = muting or Muting(None)
        self._silences_read = self._muting.version
        self._copy_window = int(config.copy_window_secs * 1000)
        self._reopen_window = int(config.reopen_window_secs * 1000)
        self._expiry = int(config.silence_expiry_secs * 1000)
        window, settle = config.flapping_window_secs * 1000, config.flapping_settle_secs * 1000
        self._flapping = FlappingRule(config.flapping_changes, int(window), int(settle))
        self._watchdogs = frozenset(config.watchdog_alerts)
        self._absence = int(config.watchdog_absence_secs * 1000)
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
        ends = self._muting.due(state, self._ends(state))
        return min(ends, self._flapping.settles_at(state.flaps)) if state.flaps else ends

    def _ends(self, state: Fingerprint) -> int:
        """Open: when it has been silent too long. Closed: when nothing needs to be remembered.
        A heartbeat: when it is missed; no length of silence ends that.
        """
        if state.beat and state.phase in (OPEN, BEATING):
            return NEVER if state.phase == OPEN else Beat(*state.beat).at + self._absence
        if state.phase == OPEN:
            return state.last_seen + self._expiry
        return max(state.last_seen, state.closed_at) + max(windows.DAY, self._reopen_window)

    # -- what is new

    def passed(self, record: Record, state: Fingerprint) -> bool:
        """Offsets do not tell here: a re-normalised copy stands at a new one. `handle` looks at origins."""
        return False

    def take(self, record: Record, state: Fingerprint) -> bool:
        """A repeat that begins at a time of its own, while its incident is open: it only counts."""
        if state.phase != OPEN or state.beat or state.looked != self._silences_read():
            return False
        glance = firing(record)
        return glance is not None and state.repeated(glance)

    async def handle(self, record: Record, state: Fingerprint, now: Now) -> Events:
        if record.header(GLANCE) is None and isinstance(record.event, CloseRequested):
            return self._close_request(record.event, state, now)
        if record.header(GLANCE) is None and isinstance(record.event, AlertMuted):
            return self._muting.heard(record.event, state, now)
        glance = glance_of(record)
        if state.has_counted(glance):
            return ()
        if state.beat and state.beat[0] in self._watchdogs:
            events = self._beat(glance, record, state, now)
        elif not glance.firing:
            events = self._resolve(glance, state, now)
        else:
            events = self._fire(glance, record, state, now)
        state.note(glance)
        if glance.firing and (events or self._muting.is_news(state)):
            return [*events, *self._muting.looked(plain_alert(record), state, now)]
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
        if event["payload"]["alert_type"] in self._watchdogs:
            return self._beat(glance, record, state, now)
        if state.phase == RESOLVED and glance.received_at - state.closed_at <= self._reopen_window:
            return self._reopen(glance, event, state, now)
        return self._open(glance, event, state, now)

    # -- openings

    def _open(self, glance: Glance, told_by: Plain, state: Fingerprint, now: Now) -> Events:
        event_id = ids.output_id("incident.opened", (glance.event_id,))
        cause, changed = (told_by["event_id"],), state.closed_at > 0
        passed_on = [self._last_of(state, glance.received_at, cause, now)] if flapping(state.flaps) else ()
        state.before = state.last_seen or None
        state.phase, state.generation, state.hits, state.highest = OPEN, 0, 0, glance.severity
        state.opened_at = state.last_seen = glance.received_at
        state.incident_id = ids.incident_id(state.project, event_id, from_millis(glance.received_at))
        state.count(glance)
        told = self._changed(glance, *cause, state, now) if changed else ()
        return [*passed_on, *told, sighting(IncidentOpened, event_id, told_by, state, now)]

    def _reopen(self, glance: Glance, told_by: Plain, state: Fingerprint, now: Now) -> Events:
        state.before = state.last_seen or None
        state.phase, state.generation = OPEN, state.generation + 1
        state.count(glance)
        told = self._changed(glance, told_by["event_id"], state, now)
        event_id = ids.output_id("incident.reopened", (glance.event_id,))
        return [*told, sighting(IncidentReopened, event_id, told_by, state, now)]

    def _raise(self, glance: Glance, told_by: Plain, state: Fingerprint, now: Now) -> Events:
        told = self.settle(state, now)
        state.count(glance)
        event_id = ids.output_id("incident.severity_raised", (glance.event_id,))
        return [*told, sighting(IncidentSeverityRaised, event_id, told_by, state, now)]

    # -- endings

    def _resolve(self, glance: Glance, state: Fingerprint, now: Now) -> Events:
        again = state.is_over(glance)
        state.remember(glance)
        if again or state.phase != OPEN or state.outlived(glance):
            state.closed_at = state.closed_at or glance.received_at
            return ()
        closed = self._close(state, glance.event_id, glance.received_at, "alert_resolved", now)
        return [*closed, *self._changed(glance, glance.event_id, state, now)]

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
            **model_envelope(state, now, at),
            event_id=ids.output_id("incident.resolved", (cause,)),
            actor=actor,
            causes=(cause,),
            payload=closure(state, at, reason, at),
        )
        return [*told, event]

    async def wake(self, state: Fingerprint, now: Now) -> Events:
        told = [*self._settled(state, now), *self._muting.over(state, now)]
        if self._due(state) > now.millis:
            return told
        state.changed = True
        if state.phase == BEATING and state.beat[0] in self._watchdogs:
            return [*told, *self._missed(state, now)]
        if state.phase != OPEN:
            state.forgotten = True
            return told
        at = state.last_seen + self._expiry
        state.phase, state.closed_at = EXPIRED, at
        event = IncidentExpired(
            **model_envelope(state, now, at),
            event_id=ids.elapsed_id("incident.expired", state.incident_id, state.generation),
            payload=closure(state, at, "silent_too_long", None),
        )
        return [*told, event]

    # -- heartbeats

    def _beat(self, glance: Glance, record: Record, state: Fingerprint, now: Now) -> Events:
        """It is here: that is all there is to it. A resolved one is no beat, and time decides."""
        if not glance.firing or (state.beat and glance.received_at <= Beat(*state.beat).at):
            return ()
        event, told = plain_alert(record), list[Event | Draft]()
        if state.phase == OPEN:
            told += self._close(state, glance.event_id, glance.received_at, RETURNED, now)
            told += self._changed(glance, glance.event_id, state, now)
        state.beat, state.phase = Beat.of(glance, event).packed(), BEATING
        return told

    def _missed(self, state: Fingerprint, now: Now) -> Events:
        beat = Beat(*state.beat)
        at = beat.at + self._absence
        absence, told_by = beat.absence(at), beat.told(at, state.project, state.fingerprint)
        if state.closed_at and at - state.closed_at <= self._reopen_window:
            return self._reopen(absence, told_by, state, now)
        return self._open(absence, told_by, state, now)

    # -- flapping

    def _changed(self, glance: Glance, cause: str, state: Fingerprint, now: Now) -> Events:
        """Its alert went on or off. What opens while it flaps is told to: that stands before the opening."""
        if self._flapping.changed(state.flaps, glance.received_at):
            FLAPPING.labels(FlappingState.BEGAN).inc()
            word = FlappingState.BEGAN
        elif flapping(state.flaps) and state.phase == OPEN and not state.generation:
            word = FlappingState.CONTINUES
        else:
            return ()
        event_id = ids.output_id("incident.flapping", (glance.event_id,))
        return [flaps(word, event_id, (cause,), state, now, glance.received_at)]

    def _settled(self, state: Fingerprint, now: Now) -> Events:
        at = self._flapping.settles_at(state.flaps)
        if at > now.millis:
            return ()
        FLAPPING.labels(FlappingState.SETTLED).inc()
        told = self._last_of(state, at, (), now)
        state.changed = True
        state.flaps.clear()
        return [told]

    @staticmethod
    def _last_of(state: Fingerprint, at: int, causes: tuple[str, ...], now: Now) -> Draft:
        """It has settled, or another incident goes on with it."""
        event_id = ids.elapsed_id("incident.flapping", state.incident_id, state.generation)
        return flaps(FlappingState.SETTLED, event_id, causes, state, now, at)

    # -- what is told

    def settle(self, state: Fingerprint, now: Now) -> Events:
        """One cumulative hit for all the repeats of a micro-batch."""
        if not state.uncounted:
            return ()
        REPEATS.inc(len(state.uncounted))
        return [hit(state, now)]

    def dead_letter(self, record: Record, error: Never, now: Now) -> Event:
        return stage_failed(self.name, record, error, now, self._epoch)


def check_contract(stage: Keyed[Fingerprint]) -> Keyed[Fingerprint]:
    """The type checker proves here that dedup is a stage."""
    return stage

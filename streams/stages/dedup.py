"""Alerts into incidents: the first sight opens one, a repeat only counts. Key: project and fingerprint.

A repeat is told from the record's key and one header; its value need not be decoded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from schemas import ids
from schemas.alert import AlertNormalized, AlertStatus, CloseRequested, Severity
from schemas.draft import Draft, envelope
from schemas.envelope import Event, as_plain, from_millis, to_millis
from schemas.errors import BadPayload, Never
from schemas.incident import (
    Closure,
    IncidentExpired,
    IncidentHit,
    IncidentOpened,
    IncidentReopened,
    IncidentResolved,
    IncidentSeverityRaised,
    Sighting,
)
from streams import windows
from streams.runner import stage_failed
from streams.sabotage import guard_off
from streams.stage import Events, Keyed, KeyedBase, Now, Record, State, pack, unpack

GLANCE = "awoooi_alert"
SEVERITIES = tuple(Severity)
KEPT_STARTS = 8  # how many beginnings of one fingerprint are remembered, to know a copy
MOST_CAUSES = 100  # a hit over more alerts names its first hundred
RECORDER_TOPIC = "alerts.raw.eventrecorder"
OPEN, RESOLVED, EXPIRED = "open", "resolved", "expired"
NEVER_OPENED = ""


@dataclass(frozen=True, slots=True)
class DedupConfig:
    copy_window_secs: float = 60
    reopen_window_secs: float = 15 * 60
    silence_expiry_secs: float = 24 * 3600


class Glance(NamedTuple):
    """What a repeat needs of an alert: small enough to stand in one header."""

    event_id: str
    firing: bool
    severity: int
    fired_at: int | None
    received_at: int
    place: str
    """origin partition: epoch/topic/partition"""
    offset: int
    number: int
    """which alert of the record"""

    @property
    def recorder(self) -> bool:
        return f"/{RECORDER_TOPIC}/" in self.place


def glance_header(alert: Mapping[str, Any]) -> tuple[str, bytes]:
    """The header that normalize writes for dedup, from an alert's plain values (times in milliseconds)."""
    origin = alert["origin"]
    firing = "f" if alert["status"] == AlertStatus.FIRING else "r"
    fired = "" if alert["fired_at"] is None else alert["fired_at"]
    text = (
        f"{firing}|{alert['severity'].rank}|{fired}|{alert['received_at']}"
        f"|{origin['epoch']}/{origin['topic']}/{origin['partition']}|{origin['offset']}|{origin['index']}"
    )
    return GLANCE, text.encode()


def glance_of_event(event: AlertNormalized) -> tuple[str, bytes]:
    alert = as_plain(event.payload)
    for name in ("fired_at", "received_at"):
        alert[name] = None if alert[name] is None else to_millis(alert[name])
    return glance_header(alert)


def glance_of(record: Record) -> Glance:
    """From the headers where they stand first, as normalize writes them; else from the decoded event."""
    headers = record.headers
    if len(headers) > 1 and headers[0][0] == GLANCE and headers[1][0] == "ce_id":
        raw, event_id = headers[0][1], headers[1][1].decode()
    else:
        event = _alert_event(record)
        raw, event_id = glance_of_event(event)[1], event.event_id
    try:
        firing, severity, fired, received, place, offset, index = raw.decode().split("|")
        return Glance(
            event_id,
            firing == "f",
            int(severity),
            int(fired) if fired else None,
            int(received),
            place,
            int(offset),
            int(index),
        )
    except ValueError as error:
        raise BadPayload(f"not seven fields: {error}", field=GLANCE) from error


@dataclass(slots=True)
class Fingerprint(State):
    """What is kept of one fingerprint. Times in epoch milliseconds."""

    key: bytes = b""
    forgotten: bool = False
    uncounted: list[str] = field(default_factory=list)
    """alerts of this batch that no event has told of yet; never stored"""
    phase: str = NEVER_OPENED
    incident_id: str = ""
    generation: int = 0
    hits: int = 0
    severity: int = 0
    highest: int = 0
    opened_at: int = 0
    last_seen: int = 0
    closed_at: int = 0
    before: int | None = None
    """the last alert before this incident opened"""
    origins: dict[str, list[int]] = field(default_factory=dict)
    """last origin counted, by origin partition"""
    starts: list[list[int]] = field(default_factory=list)
    """[firing, startsAt, counted at, seen by webhook, seen by recorder], newest last"""
    counts: windows.Histogram = field(default_factory=list)

    @property
    def project(self) -> str:
        return self.key.decode().partition(":")[0]

    @property
    def fingerprint(self) -> str:
        return self.key.decode().partition(":")[2]

    def remembered(self, firing: bool, fired_at: int) -> list[int] | None:
        for start in reversed(self.starts):
            if start[1] == fired_at and start[0] == firing:
                return start
        return None


class Dedup(KeyedBase[Fingerprint]):
    name = "dedup"
    reads: tuple[str, ...] = ("alerts.normalized",)

    def __init__(self, config: DedupConfig, epoch: str = "") -> None:
        self._copy_window = int(config.copy_window_secs * 1000)
        self._reopen_window = int(config.reopen_window_secs * 1000)
        self._expiry = int(config.silence_expiry_secs * 1000)
        self._epoch = epoch

    # -- the row

    def load(self, key: bytes, row: bytes | None) -> Fingerprint:
        if row is None:
            return Fingerprint(key=key)
        return Fingerprint({}, False, key, False, [], *unpack(row)[1:])

    def dump(self, state: Fingerprint) -> bytes | None:
        if state.forgotten:
            return None
        return pack(
            [
                self._due(state),
                state.phase,
                state.incident_id,
                state.generation,
                state.hits,
                state.severity,
                state.highest,
                state.opened_at,
                state.last_seen,
                state.closed_at,
                state.before,
                state.origins,
                state.starts,
                state.counts,
            ]
        )

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

    @staticmethod
    def _counted(glance: Glance, state: Fingerprint) -> bool:
        last = state.origins.get(glance.place)
        return last is not None and [glance.offset, glance.number] <= last and not guard_off("seen")

    async def handle(self, record: Record, state: Fingerprint, now: Now) -> Events:
        if record.header(GLANCE) is None and isinstance(record.event, CloseRequested):
            return self._close_request(record.event, state, now)
        glance = glance_of(record)
        if self._counted(glance, state):
            return ()
        if not glance.firing:
            events = self._resolve(glance, state, now)
        else:
            events = self._fire(glance, record, state, now)
        state.origins[glance.place] = [glance.offset, glance.number]
        state.changed = True
        return events

    def _fire(self, glance: Glance, record: Record, state: Fingerprint, now: Now) -> Events:
        if self._is_copy(glance, state) or self._is_over(glance, state):
            return ()
        if state.phase == OPEN and glance.severity <= state.highest:
            self._count(glance, state)
            return ()
        event = _alert_event(record)
        if state.phase == OPEN:
            return self._raise(glance, event, state, now)
        if state.phase == RESOLVED and glance.received_at - state.closed_at <= self._reopen_window:
            return self._reopen(glance, event, state, now)
        return self._open(glance, event, state, now)

    def _is_copy(self, glance: Glance, state: Fingerprint) -> bool:
        """HA peers and retries send the same alert again at once; the other channel at any time."""
        if glance.fired_at is None:
            return False
        start = state.remembered(glance.firing, glance.fired_at)
        if start is None:
            return False
        channel = 4 if glance.recorder else 3
        first_of_channel = not start[channel]
        start[channel] = 1
        return first_of_channel or abs(glance.received_at - start[2]) < self._copy_window

    @staticmethod
    def _is_over(glance: Glance, state: Fingerprint) -> bool:
        """A firing alert whose beginning was already resolved: a late copy, it opens nothing."""
        return glance.fired_at is not None and state.remembered(False, glance.fired_at) is not None

    def _count(self, glance: Glance, state: Fingerprint) -> None:
        state.hits += 1
        state.severity = glance.severity
        state.highest = max(state.highest, glance.severity)
        state.last_seen = max(state.last_seen, glance.received_at)
        windows.add(state.counts, glance.received_at)
        self._remember(glance, state)
        state.uncounted.append(glance.event_id)

    @staticmethod
    def _remember(glance: Glance, state: Fingerprint) -> None:
        if glance.fired_at is None:
            return
        known = state.remembered(glance.firing, glance.fired_at)
        if known is not None:
            known[2] = glance.received_at
            return
        recorder = int(glance.recorder)
        state.starts.append([int(glance.firing), glance.fired_at, glance.received_at, 1 - recorder, recorder])
        del state.starts[:-KEPT_STARTS]

    # -- openings

    def _open(self, glance: Glance, told_by: AlertNormalized, state: Fingerprint, now: Now) -> Events:
        event_id = ids.output_id("incident.opened", (glance.event_id,))
        state.before = state.last_seen or None
        state.phase, state.generation, state.hits, state.highest = OPEN, 0, 0, glance.severity
        state.opened_at = state.last_seen = glance.received_at
        state.incident_id = ids.incident_id(state.project, event_id, from_millis(glance.received_at))
        self._count(glance, state)
        return [self._sighting(IncidentOpened, event_id, told_by, state, now)]

    def _reopen(self, glance: Glance, told_by: AlertNormalized, state: Fingerprint, now: Now) -> Events:
        state.before = state.last_seen or None
        state.phase, state.generation = OPEN, state.generation + 1
        self._count(glance, state)
        event_id = ids.output_id("incident.reopened", (glance.event_id,))
        return [self._sighting(IncidentReopened, event_id, told_by, state, now)]

    def _raise(self, glance: Glance, told_by: AlertNormalized, state: Fingerprint, now: Now) -> Events:
        told = self.settle(state, now)
        self._count(glance, state)
        event_id = ids.output_id("incident.severity_raised", (glance.event_id,))
        return [*told, self._sighting(IncidentSeverityRaised, event_id, told_by, state, now)]

    # -- endings

    def _resolve(self, glance: Glance, state: Fingerprint, now: Now) -> Events:
        self._remember(glance, state)
        if state.phase != OPEN or self._outlived(glance, state):
            state.closed_at = state.closed_at or glance.received_at
            return ()
        return self._close(state, glance.event_id, glance.received_at, "alert_resolved", now)

    @staticmethod
    def _outlived(glance: Glance, state: Fingerprint) -> bool:
        """A late resolve of an earlier beginning does not close what has fired since."""
        fired_at = glance.fired_at
        return fired_at is not None and any(firing and start > fired_at for firing, start, *_ in state.starts)

    def _close_request(self, request: CloseRequested, state: Fingerprint, now: Now) -> Events:
        if state.phase != OPEN or request.payload.incident_id != state.incident_id:
            return ()
        state.changed = True
        at = to_millis(request.recorded_at)
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
        causes, state.uncounted = tuple(state.uncounted[:MOST_CAUSES]), []
        plain = envelope(
            IncidentHit,
            event_id=ids.hit_id(state.incident_id, state.hits),
            project_id=state.project,
            incident_id=state.incident_id,
            occurred_at=state.last_seen,
            recorded_at=now.millis,
            stage=self.name,
            causes=causes,
            payload=self._facts(state, state.last_seen),
        )
        return [Draft(IncidentHit, state.incident_id.encode(), plain)]

    def _sighting(
        self, kind: type[Event], event_id: str, told_by: AlertNormalized, state: Fingerprint, now: Now
    ) -> Event:
        alert, state.uncounted = told_by.payload, []
        facts = _moments(self._facts(state, state.last_seen))
        return kind(
            **self._envelope(state, now, state.last_seen),
            event_id=event_id,
            causes=(told_by.event_id,),
            sealed=told_by.sealed,
            payload=Sighting(
                **facts,
                alert_type=alert.alert_type,
                source=alert.source,
                message=alert.message,
                cluster=alert.cluster,
                namespace=alert.namespace,
                target_resource=alert.target_resource,
                resource_type=alert.resource_type,
                alert=alert,
            ),
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


def _alert_event(record: Record) -> AlertNormalized:
    event = record.event
    if not isinstance(event, AlertNormalized):
        raise BadPayload(f"{event.type} is no alert", field="type")
    return event


def check_contract(stage: Keyed[Fingerprint]) -> Keyed[Fingerprint]:
    """The type checker proves here that dedup is a stage."""
    return stage

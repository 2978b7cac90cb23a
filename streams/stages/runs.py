"""Asks for runs, keeps an incident's state, and ends a run once. Key: incident.

Rates, storms and budgets are the scheduler's: it sees a project's requests together. How a run can end stands
in run_endings.py, what is kept in incident_row.py.
"""

from __future__ import annotations

from dataclasses import replace

from prometheus_client import Counter

from schemas import ids
from schemas.decision import LearningCauseJudged, RcaDecided
from schemas.draft import Draft, envelope
from schemas.envelope import Event, to_millis
from schemas.errors import Never
from schemas.incident import (
    IncidentCancelRequested,
    IncidentCauseJudged,
    IncidentExpired,
    IncidentHit,
    IncidentMoved,
    IncidentOpened,
    IncidentReopened,
    IncidentRerunRequested,
    IncidentResolved,
    IncidentSeverityRaised,
    IncidentStatus,
)
from schemas.run import RunCancelled, RunFinished, RunReason, RunRequested, RunSpent, RunStarted, RunState
from streams import windows
from streams.runner import stage_failed
from streams.stage import Events, Keyed, KeyedBase, Now, Record
from streams.stages import incident_row
from streams.stages.incident_row import KEPT_AFTER_CLOSING, Awaited, Incident, Phase, Plain, Wanted
from streams.stages.kept_sighting import millis_of, note_of, pack_sighting, unpack_sighting
from streams.stages.run_endings import (
    CANCELLED,
    EXECUTED,
    GIVEN_UP,
    MOST_FAILURES,
    READS,
    STEPS,
    TOLD_BY,
    UNDONE,
    WITHOUT_ACTION,
    Ending,
    Word,
    ending_of,
    executed,
    step_of,
    word_of,
)

HIT = IncidentHit.type_name().encode()
SIGHTINGS: dict[type[Event], RunReason] = {
    IncidentOpened: RunReason.OPENED,
    IncidentReopened: RunReason.REOPENED,
    IncidentSeverityRaised: RunReason.SEVERITY_RAISED,
}
ENDS: dict[type[Event], IncidentStatus] = {
    IncidentResolved: IncidentStatus.RESOLVED,
    IncidentExpired: IncidentStatus.EXPIRED,
}
ACTS = (IncidentRerunRequested, IncidentCancelRequested, IncidentCauseJudged)
TAKEN: tuple[type[Event], ...] = (*SIGHTINGS, *ENDS, *ACTS, *TOLD_BY, RunStarted, RcaDecided)
TAKEN_BY_HEADER = frozenset(kind.type_name().encode() for kind in TAKEN)
EXECUTION_BY_HEADER = frozenset(kind.encode() for kind in (*STEPS, *EXECUTED, UNDONE))
"""what else stands on these topics, repeats above all, is not even decoded"""
Seen = tuple[bytes | None, Plain]
"""ciphertext and payload of a sighting"""
FIRST_REPEAT, LONGEST_REPEAT = windows.MINUTE, 4 * windows.HOUR
"""how long after a run a repeat asks for the next: twice as long each time, until something new is said"""
EXECUTION_WAIT = windows.HOUR
"""for an approved action that does not say itself how long it may be executed"""
LONGEST_EXECUTION = 2 * windows.HOUR
"""for each of its steps, before it counts as one whose end nobody knows"""
EXECUTION_GRACE = 5 * windows.MINUTE
"""what begins in time tells so a little later"""
ENDED = Counter("awoooi_runs_ended_total", "Runs that ended, by how and why", ["state", "reason"])


class Runs(KeyedBase[Incident]):
    name = "runs"
    reads: tuple[str, ...] = ("incidents", "runs", "rca.decisions", *READS)

    def __init__(self, epoch: str = "") -> None:
        self._epoch = epoch

    def load(self, key: bytes, row: bytes | None) -> Incident:
        return Incident.of_row(key, row)

    def dump(self, state: Incident) -> bytes | None:
        return state.row()

    def due(self, row: bytes) -> int | None:
        return incident_row.due(row)

    async def wake(self, state: Incident, now: Now) -> Events:
        if state.closed_at and state.closed_at + KEPT_AFTER_CLOSING <= now.millis:
            state.forgotten = state.changed = True
        if state.awaited and state.awaited.until <= now.millis:
            state.changed = True
            return self._given_up(state, state.awaited, now)
        return ()

    async def handle(self, record: Record, state: Incident, now: Now) -> Events:
        if not _matters(record, state):
            return ()
        kind, event = record.plain
        self.note(record, state)
        at = min(record.timestamp, now.millis)
        if record.topic == "incidents":
            return self._incident(kind, event, state, at, now)
        number = state.number_of(event["run_id"])
        if kind is RcaDecided:
            return self._debated(event, number, state, at, now)
        if not state.phase or number != state.runs:
            return ()  # its end was read first: topics have no order between them
        if kind is RunStarted:
            return self._started(event, state, now)
        if kind in TOLD_BY:
            return self._told(word_of(kind, event["payload"]), event, state, at, now)
        return self._executed(kind.type_name(), event, state, at, now)

    # -- the incident, and what people ask for

    def _incident(self, kind: type[Event], event: Plain, state: Incident, at: int, now: Now) -> Events:
        if kind is IncidentCauseJudged:
            return self._judged(event, state, now)
        if not _is_new(kind, event, state):
            return ()
        if kind in SIGHTINGS:
            return self._seen(kind, event, state, now)
        if kind in ENDS:
            state.status, state.closed_at = ENDS[kind], to_millis(event["occurred_at"])
            return ()
        if kind is IncidentCancelRequested:
            return self._cancel(event, state, at, now)
        if not state.status or state.closed_at:
            return ()  # nobody is called back to what is over
        if kind is IncidentRerunRequested:
            return self._rerun(event, state, now)
        state.repeats += 1
        return self._ask(Wanted(RunReason.REPEATED, event["event_id"]), event, state, now)

    def _seen(self, kind: type[Event], event: Plain, state: Incident, now: Now) -> Events:
        state.sighting = pack_sighting(event["sealed"], event["payload"])
        state.repeats = 0
        if kind is not IncidentSeverityRaised:
            state.status, state.closed_at, state.failures = IncidentStatus.PENDING, 0, 0
        note = state.wanted.note if state.wanted else None
        wanted = Wanted(SIGHTINGS[kind], event["event_id"], note)
        return self._ask(wanted, event, state, now, (event["sealed"], event["payload"]))

    def _rerun(self, event: Plain, state: Incident, now: Now) -> Events:
        state.repeats = state.failures = 0
        note = note_of(event, event["payload"]["note"], event["actor"])
        return self._ask(Wanted(RunReason.RERUN, event["event_id"], note), event, state, now)

    def _cancel(self, event: Plain, state: Incident, at: int, now: Now) -> Events:
        """What is authorized can no longer be called off: whoever executes does not look here."""
        meant = event["payload"]["run_id"]
        can_end = Phase.NONE < state.phase < Phase.APPROVED
        if not can_end or meant not in ("", state.pending_run):
            return ()
        reason = event["payload"]["reason"]
        detail = f"called off by {event['actor'] or 'a person'}" + (f": {reason}" if reason else "")
        ended = self._end(CANCELLED, detail, event, state, at, now, event["actor"])
        state.repeat_at = 0  # the person looks after it
        return ended

    def _judged(self, event: Plain, state: Incident, now: Now) -> Events:
        judged, run_id = event["payload"], event["run_id"]
        plain = self._about(LearningCauseJudged, event, now)
        plain["event_id"] = ids.output_id("learning.cause_judged", (event["event_id"],))
        plain["run_id"] = run_id
        plain["actor"] = event["actor"]
        plain["payload"] = {
            "session_id": run_id,
            "verdict": judged["verdict"],
            "cause": judged["cause"],
            "service": judged["service"],
            "playbook": state.playbook if state.spent and state.number_of(run_id) == state.spent else "",
        }
        return [Draft(LearningCauseJudged, event["incident_id"].encode(), plain)]

    # -- asking for a run

    def _ask(
        self, wanted: Wanted, event: Plain, state: Incident, now: Now, seen: Seen | None = None
    ) -> Events:
        """At once, or when the pending run has ended; the latest wish counts."""
        state.wanted = wanted
        return () if state.phase else self._next(event, state, now, seen)

    def _next(self, told_by: Plain, state: Incident, now: Now, seen: Seen | None = None) -> Events:
        """The run that is wanted, where it is known what to start from: `seen` just now, or what was kept."""
        wanted = state.wanted
        if wanted is None or not state.sighting:
            return ()
        state.wanted, state.runs, state.phase = None, state.runs + 1, Phase.ASKED
        sealed, sighting = seen or unpack_sighting(state.sighting)
        plain = self._about(RunRequested, {**told_by, "event_id": wanted.event_id}, now)
        plain["event_id"] = ids.derive_id("run.requested", state.pending_run)
        plain["run_id"] = state.pending_run
        plain["sealed"] = sealed
        plain["payload"] = {
            "number": state.runs,
            "reason": wanted.reason,
            "severity": sighting["highest_severity"],
            "sighting": sighting,
            "note": wanted.note,
            "attempt": 0,
            "queued_as": None,
            "ticket": 0,
            "heir": None,
        }
        return [Draft(RunRequested, told_by["project_id"].encode(), plain)]

    # -- how a run goes on

    def _started(self, event: Plain, state: Incident, now: Now) -> Events:
        if state.phase > Phase.ASKED:
            return ()
        state.phase = Phase.RUNNING
        if not state.sighting:  # the row is of a version that kept none
            state.sighting = pack_sighting(event["sealed"], event["payload"]["sighting"])
        return self._move(event, IncidentStatus.INVESTIGATING, "run_started", state, now)

    def _debated(self, event: Plain, number: int, state: Incident, at: int, now: Now) -> Events:
        """What it cost is told once, whatever has become of its run; the gate's word ends the run."""
        if number <= state.spent:
            return ()
        package = event["payload"]
        state.spent, state.playbook = number, (package["hypothesis"] or {}).get("playbook", "")
        spent = self._spent(event, now)
        if not state.phase or number != state.runs:
            return [spent]
        state.debate, early, state.early = package["session_status"], state.early, None
        return [spent, *(self._told(Word(**early), event, state, at, now) if early else ())]

    def _told(self, word: Word, event: Plain, state: Incident, at: int, now: Now) -> Events:
        if word.asks:
            return self._waits(event, state, now)
        if word.goes_on:
            return self._approved(word, event, state, now)
        if word.outcome in WITHOUT_ACTION and not state.debate:
            state.early = {"outcome": word.outcome, "rule": word.rule, "detail": word.detail}
            return ()
        return self._end(ending_of(word, state.debate), word.detail, event, state, at, now, word.person)

    def _waits(self, event: Plain, state: Incident, now: Now) -> Events:
        if state.phase >= Phase.WAITING:
            return ()
        state.phase = Phase.WAITING
        return self._move(event, IncidentStatus.WAITING_APPROVAL, "approval_required", state, now)

    def _approved(self, word: Word, event: Plain, state: Incident, now: Now) -> Events:
        """It waits for whoever executes, as long as the authorization is good for, and no longer."""
        if state.phase > Phase.APPROVED:
            return ()
        if word.expires_at or not state.awaited:
            until = millis_of(word.expires_at) or to_millis(event["occurred_at"]) + EXECUTION_WAIT
            state.awaited = Awaited(until + EXECUTION_GRACE, event["project_id"], event["event_id"])
        state.phase = Phase.APPROVED
        return self._move(event, IncidentStatus.EXECUTING, word.outcome.lower(), state, now)

    def _executed(self, kind: str, event: Plain, state: Incident, at: int, now: Now) -> Events:
        told, phase = event["payload"], step_of(kind, event["payload"])
        if phase is Phase.UNDOING and not told["undoes"]:
            state.failure = told["reason"]
        if phase:
            return self._goes_on(phase, event, state, at, now)
        ending, detail = executed(kind, told, state.failure)
        state.failures += ending.again is RunReason.EXECUTION_FAILED
        if state.failures > MOST_FAILURES:
            ending = replace(ending, again=None)  # what fails again and again is a person's
        return self._end(ending, detail, event, state, at, now)

    def _goes_on(self, phase: Phase, event: Plain, state: Incident, at: int, now: Now) -> Events:
        if state.phase >= phase:
            return ()
        state.phase = phase
        state.awaited = Awaited(at + LONGEST_EXECUTION, event["project_id"], event["event_id"])
        return self._move(event, IncidentStatus.EXECUTING, "execution_started", state, now)

    # -- how it ends

    def _given_up(self, state: Incident, awaited: Awaited, now: Now) -> Events:
        ending, detail = GIVEN_UP[state.phase]
        about = {
            "event_id": awaited.event_id,
            "project_id": awaited.project_id,
            "incident_id": state.incident_id,
            "run_id": state.pending_run,
            "occurred_at": awaited.until,
        }
        return self._end(ending, detail, about, state, now.millis, now)

    def _end(
        self, ending: Ending, detail: str, event: Plain, state: Incident, at: int, now: Now, actor: str = ""
    ) -> Events:
        """Once: from here on the run is not the pending one. What is wanted meanwhile is asked for."""
        kind = RunCancelled if ending.state is RunState.CANCELLED else RunFinished
        plain = self._about(kind, event, now)
        plain["event_id"] = ids.ending_id("run", state.pending_run)
        plain["run_id"] = state.pending_run
        plain["actor"] = actor
        plain["payload"] = {
            "number": state.runs,
            "state": ending.state,
            "reason": ending.reason,
            "error_code": ending.code,
            "detail": detail,
            "parent": None,
            "heir": None,
        }
        ENDED.labels(ending.state, ending.reason).inc()
        if ending.again and not state.wanted:
            state.wanted = Wanted(ending.again, event["event_id"], note_of(event, detail))
        state.phase, state.debate, state.early, state.awaited = Phase.NONE, "", None, None
        state.failure = ""
        state.repeat_at = at + min(FIRST_REPEAT << state.repeats, LONGEST_REPEAT)
        told_by = {**event, "event_id": plain["event_id"], "run_id": plain["run_id"]}
        return [Draft(kind, plain["incident_id"].encode(), plain), *self._after(ending, told_by, state, now)]

    def _after(self, ending: Ending, told_by: Plain, state: Incident, now: Now) -> Events:
        """The next run, or what people see meanwhile."""
        if state.closed_at:
            state.wanted = None
        wanted = state.wanted
        asked = self._next(told_by, state, now)
        if wanted and asked:
            return [*self._move(told_by, IncidentStatus.PENDING, wanted.reason, state, now), *asked]
        if ending.status is None:
            return ()
        return self._move(told_by, ending.status, ending.reason, state, now)

    def _spent(self, event: Plain, now: Now) -> Draft:
        usage = event["payload"]["usage"]
        plain = self._about(RunSpent, event, now)
        plain["event_id"] = ids.derive_id("run.spent", event["run_id"])
        plain["run_id"] = event["run_id"]
        plain["payload"] = {name: usage[name] for name in ("tokens_in", "tokens_out", "cost_usd")}
        return Draft(RunSpent, event["project_id"].encode(), plain)

    # -- what is written

    def _move(self, event: Plain, status: IncidentStatus, reason: str, state: Incident, now: Now) -> Events:
        previous = state.status
        if not previous or previous == status or state.closed_at:
            return ()
        state.status = status
        plain = self._about(IncidentMoved, event, now)
        plain["event_id"] = ids.output_id("incident.moved", (event["event_id"],))
        plain["run_id"] = event["run_id"]
        plain["payload"] = {"status": status, "previous": previous, "reason": reason}
        return [Draft(IncidentMoved, event["incident_id"].encode(), plain)]

    def _about(self, kind: type[Event], event: Plain, now: Now) -> Plain:
        return envelope(
            kind,
            project_id=event["project_id"],
            incident_id=event["incident_id"],
            occurred_at=millis_of(event["occurred_at"]),
            recorded_at=now.millis,
            stage=self.name,
            causes=(event["event_id"],),
        )

    def dead_letter(self, record: Record, error: Never, now: Now) -> Event:
        return stage_failed(self.name, record, error, now, self._epoch)


def _matters(record: Record, state: Incident) -> bool:
    """By its header alone: nearly all of the traffic are repeats, and a pending run answers them all."""
    kind = record.header("ce_type")
    if kind is None:
        kind = record.plain[0].type_name().encode()
    if kind == HIT:
        return not state.phase and state.sighting != b"" and 0 < state.repeat_at <= record.timestamp
    return kind in TAKEN_BY_HEADER or kind in EXECUTION_BY_HEADER


def _is_new(kind: type[Event], event: Plain, state: Incident) -> bool:
    """An incident opens once: what opened it need not be remembered."""
    return not state.status if kind is IncidentOpened else state.takes(event["event_id"])


def check_contract(stage: Runs) -> Keyed[Incident]:
    return stage

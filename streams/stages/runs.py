"""Asks for runs, keeps an incident's state, and ends a run once. Key: incident.

Rates, storms and budgets are the scheduler's: it sees a project's requests together. How a run can end stands
in run_endings.py, what is kept in incident_row.py.
"""

from __future__ import annotations

from dataclasses import replace

from schemas.decision import RcaDecided
from schemas.envelope import Event, to_millis
from schemas.errors import Never
from schemas.flapping import FlappingState, IncidentFlapping
from schemas.incident import (
    IncidentCancelRequested,
    IncidentCauseJudged,
    IncidentRerunRequested,
    IncidentSeverityRaised,
    IncidentStatus,
)
from schemas.run import EndReason, RunFinished, RunReason, RunShared, RunStarted, RunThrottled, ThrottleReason
from streams import windows
from streams.runner import stage_failed
from streams.stage import Events, Keyed, KeyedBase, Now, Record
from streams.stages import incident_row, run_ahead, run_sharing, run_writing
from streams.stages.incident_row import KEPT_AFTER_CLOSING, Asked, Awaited, Incident, Phase, Plain, Wanted
from streams.stages.kept_sighting import millis_of, note_of, pack_sighting, unpack_sighting
from streams.stages.run_endings import (
    AVOIDED,
    CANCELLED,
    ENDED,
    GIVEN_UP,
    MOST_FAILURES,
    OUTGROWN,
    OVER_BUDGET,
    READS,
    RESOLVED_WHILE_WAITING,
    TOLD_BY,
    WITHOUT_ACTION,
    Ending,
    Word,
    ending_of,
    executed,
    step_of,
    word_of,
)
from streams.stages.run_intake import ENDS, OF_SCHEDULE, SIGHTINGS, is_new, matters

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
        if state.waits and state.asked and state.asked.until <= now.millis:
            state.changed = True
            return run_writing.asked_again(state, state.asked, state.asked.until, now)
        return ()

    async def handle(self, record: Record, state: Incident, now: Now) -> Events:
        if not matters(record, state):
            return ()
        kind, event = record.plain
        self.note(record, state)
        at = min(record.timestamp, now.millis)
        heard = self._incident if record.topic == "incidents" else self._of_run
        told = heard(kind, event, state, at, now)
        if not state.ahead or state.phase is not Phase.ASKED:
            return told
        met = run_ahead.met(state)
        return [*told, *(draft for ahead in met for draft in self._of_run(*ahead, now))]

    def _of_run(self, kind: type[Event], event: Plain, state: Incident, at: int, now: Now) -> Events:
        if kind is RunShared and event["payload"]["child"]["incident_id"] != state.incident_id:
            return self._serves(event, state, now)
        number = state.number_of(event["run_id"])
        if not number and run_ahead.is_ahead(event, state):
            return run_ahead.keep(kind, event, at, state)
        if kind is RcaDecided:
            return self._debated(event, number, state, at, now)
        if not state.phase or number != state.runs:  # its end was read first
            return run_ahead.given_back(event, number, state, now) if kind is RunThrottled else ()
        if kind is RunFinished:
            return self._served(event, state, at, now)
        if kind in OF_SCHEDULE:
            return self._answered(kind, event, state, at, now)
        if kind in TOLD_BY:
            return self._told(word_of(kind, event["payload"]), event, state, at, now)
        return self._executed(kind.type_name(), event, state, at, now)

    # -- the incident, and what people ask for

    def _incident(self, kind: type[Event], event: Plain, state: Incident, at: int, now: Now) -> Events:
        if kind is IncidentCauseJudged:
            return self._judged(event, state, now)
        if not is_new(kind, event, state):
            return ()
        if kind is IncidentFlapping:
            return self._flaps(event, state, now)
        if kind in SIGHTINGS:
            return self._seen(kind, event, state, now)
        if kind in ENDS:
            state.status, state.closed_at = ENDS[kind], to_millis(event["occurred_at"])
            return self._closed(event, state, at, now)
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

    def _flaps(self, event: Plain, state: Incident, now: Now) -> Events:
        """What is wanted meanwhile is asked for once it has settled, if it fires then."""
        state.flapping = event["payload"]["state"] != FlappingState.SETTLED
        if state.flapping or state.phase:
            return ()
        if state.closed_at:
            state.wanted = None
        return self._next(event, state, now)

    def _rerun(self, event: Plain, state: Incident, now: Now) -> Events:
        state.repeats = state.failures = 0
        note = note_of(event, event["payload"]["note"], event["actor"])
        return self._ask(Wanted(RunReason.RERUN, event["event_id"], note), event, state, now)

    def _closed(self, event: Plain, state: Incident, at: int, now: Now) -> Events:
        """Who waits for a turn needs none; who is served by its run, and fires still, does."""
        if state.waits:
            AVOIDED.labels(EndReason.RESOLVED_WHILE_WAITING).inc()
            return self._end(RESOLVED_WHILE_WAITING, "", event, state, at, now)
        if state.phase < Phase.APPROVED or state.phase is Phase.SHARED:
            return run_sharing.hands_over(event, state, now)
        return ()

    def _cancel(self, event: Plain, state: Incident, at: int, now: Now) -> Events:
        """What is authorized can no longer be called off: whoever executes does not look here."""
        meant = event["payload"]["run_id"]
        can_end = Phase.NONE < state.phase < Phase.APPROVED or state.phase is Phase.SHARED
        if not can_end or meant not in ("", state.pending_run):
            return ()
        reason = event["payload"]["reason"]
        detail = f"called off by {event['actor'] or 'a person'}" + (f": {reason}" if reason else "")
        ended = self._end(CANCELLED, detail, event, state, at, now, event["actor"])
        state.repeat_at = 0  # the person looks after it
        return ended

    def _judged(self, event: Plain, state: Incident, now: Now) -> Events:
        of_latest = state.spent and state.number_of(event["run_id"]) == state.spent
        return [run_writing.judged(event, state.playbook if of_latest else "", now)]

    # -- asking for a run

    def _ask(
        self, wanted: Wanted, event: Plain, state: Incident, now: Now, seen: Seen | None = None
    ) -> Events:
        """At once, or when the pending run has ended; the latest wish counts.

        A run that waits for its turn is asked for again with it, one that is shared is left for it.
        """
        state.wanted = wanted
        if state.waits and state.asked:
            return run_writing.hurried(state, state.asked, event, now)
        if state.phase is Phase.SHARED:
            return self._end(OUTGROWN, "", event, state, millis_of(event["occurred_at"]), now)
        return () if state.phase else self._next(event, state, now, seen)

    def _next(self, told_by: Plain, state: Incident, now: Now, seen: Seen | None = None) -> Events:
        """The run that is wanted, where it is known what to start from: `seen` just now, or what was kept."""
        wanted = state.wanted
        if wanted is None or not state.sighting:
            return ()
        if state.flapping and wanted.reason != RunReason.RERUN:
            return ()
        state.wanted, state.runs, state.phase = None, state.runs + 1, Phase.ASKED
        state.asked = Asked(project_id=told_by["project_id"], heir=wanted.heir)
        state.asked.wants(wanted)
        seen = seen or unpack_sighting(state.sighting)
        return [run_writing.requested(state, state.asked, seen, told_by["occurred_at"], now)]

    # -- what the scheduler answers

    def _answered(self, kind: type[Event], event: Plain, state: Incident, at: int, now: Now) -> Events:
        if state.phase is not Phase.ASKED:
            return ()
        if kind is RunThrottled:
            return self._throttled(event, state, at, now)
        state.asked = None
        if kind is RunStarted:
            return self._started(event, state, now)
        state.phase = Phase.SHARED
        told = self._move(event, IncidentStatus.INVESTIGATING, "run_shared", state, now)
        if state.wanted:
            return [*told, *self._end(OUTGROWN, "", event, state, at, now)]
        return told

    def _throttled(self, event: Plain, state: Incident, at: int, now: Now) -> Events:
        told, asked = event["payload"], state.asked
        if asked is None:  # the row is of a version that kept none
            asked = state.asked = Asked(0, told["attempt"], RunReason.OPENED, event["project_id"])
            asked.event_id = event["event_id"]
        if told["attempt"] < asked.attempt or (asked.until and told["attempt"] == asked.attempt):
            return run_ahead.given_back(event, state.runs, state, now)
        until, asked.attempt = millis_of(told["release_at"]), told["attempt"]  # the row may be behind
        if told["reason"] != ThrottleReason.STORM:
            ended = self._end(OVER_BUDGET[told["reason"]], told["detail"], event, state, at, now)
            state.repeat_at = max(state.repeat_at, until)
            return ended
        asked.queued_as, asked.ticket, asked.until = told["severity"], told["ticket"], until
        if not state.sighting:  # such a row has nothing to ask again with
            return self._end(CANCELLED, "ask for a run again: it had to wait", event, state, at, now)
        if state.closed_at:
            return self._closed(event, state, at, now)
        return run_writing.hurried(state, asked, event, now) if state.wanted else ()

    def _serves(self, event: Plain, state: Incident, now: Now) -> Events:
        """Another incident shares a run of this one."""
        if run_sharing.takes_in(event["payload"], state):
            return ()
        return run_sharing.too_late(event, state, now)

    def _served(self, event: Plain, state: Incident, at: int, now: Now) -> Events:
        """The run that served this one has ended: what it came to holds here as well."""
        told = event["payload"]
        if told["parent"] is None or state.phase not in (Phase.ASKED, Phase.SHARED):
            return ()
        ending = run_sharing.ending_by(told)
        after = self._over(ending, "", event, event, state, at, now)
        if state.phase:  # its own children, of before, go on with the next run
            return after
        return [*run_sharing.pass_on(ending, told["detail"], event, state, now), *after]

    # -- how a run goes on

    def _started(self, event: Plain, state: Incident, now: Now) -> Events:
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
        spent = run_writing.spent(event, now)
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
        return self._end(ending, detail, run_writing.by_time(state, awaited), state, now.millis, now)

    def _end(
        self, ending: Ending, detail: str, event: Plain, state: Incident, at: int, now: Now, actor: str = ""
    ) -> Events:
        """Once: from here on the run is not the pending one. What is wanted meanwhile is asked for."""
        ENDED.labels(ending.state, ending.reason).inc()
        ended = run_writing.ended(state, ending, detail, event, actor, now)
        settled = run_writing.settled(state, ending, event, now)
        run_sharing.keep_end(state, ending, detail)
        told_by = {**event, "event_id": ended.plain["event_id"], "run_id": ended.plain["run_id"]}
        after = self._over(ending, detail, event, told_by, state, at, now)
        if state.phase:  # its children go on with the next run
            return [ended, settled, *after]
        return [ended, settled, *run_sharing.pass_on(ending, detail, told_by, state, now), *after]

    def _over(
        self, ending: Ending, detail: str, event: Plain, told_by: Plain, state: Incident, at: int, now: Now
    ) -> Events:
        if ending.again and not state.wanted:
            heir = event["payload"].get("heir") if ending.again is RunReason.PARENT_RESOLVED else None
            state.wanted = Wanted(ending.again, event["event_id"], note_of(event, detail), heir)
        run_ahead.leaves_unanswered(state)
        state.phase, state.debate, state.early, state.awaited = Phase.NONE, "", None, None
        state.asked, state.failure = None, ""
        state.repeat_at = at + min(FIRST_REPEAT << state.repeats, LONGEST_REPEAT)
        return self._after(ending, told_by, state, now)

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

    # -- what is written

    def _move(self, event: Plain, status: IncidentStatus, reason: str, state: Incident, now: Now) -> Events:
        previous = state.status
        if not previous or previous == status or state.closed_at:
            return ()
        state.status = status
        return [run_writing.moved(event, status, previous, reason, now)]

    def dead_letter(self, record: Record, error: Never, now: Now) -> Event:
        return stage_failed(self.name, record, error, now, self._epoch)


def check_contract(stage: Runs) -> Keyed[Incident]:
    return stage

"""Starts the runs that were asked for, has others wait or share one. Key: project.

It sees a project's requests together: rates, storms, correlation and budgets belong here and here alone. It
goes by the times that stand in the log, so that a replay comes to the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from prometheus_client import Counter

from schemas.alert import Severity
from schemas.draft import Draft
from schemas.envelope import Event, to_millis
from schemas.errors import BadPayload, Never
from schemas.run import RunReason, RunRequested, RunSettled, RunSpent, ThrottleReason
from streams import windows
from streams.runner import stage_failed
from streams.stage import Events, Keyed, KeyedBase, Now, Record
from streams.stages import schedule_row
from streams.stages.answers import Answer, of_incident
from streams.stages.correlate import Connects, CorrelationConfig, Linked, Near, Parent
from streams.stages.run_endings import AVOIDED
from streams.stages.schedule_row import MARK, MOST_COUNTED, Project
from streams.stages.storm import StormConfig, Ticket

log = structlog.get_logger(__name__)
OVER_BUDGET = Counter(
    "awoooi_runs_over_budget_total", "Runs started without models: the project's budget is spent"
)
THROTTLED = Counter("awoooi_runs_throttled_total", "Runs that were not let begin, by why", ["reason"])
STORMS = Counter("awoooi_storms_total", "Storms of projects, as they began and ended", ["change"])
NEW = (RunReason.OPENED, RunReason.REOPENED)
Plain = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Budget:
    """What a project's models may cost in a day (UTC), and how many runs it may have; 0 is no limit."""

    tokens_per_day: int = 0
    usd_per_day: float = 0.0
    runs_per_day: int = 0


@dataclass(frozen=True, slots=True)
class ScheduleConfig:
    run_deadline_secs: float = 260
    budget: Budget = field(default_factory=Budget)
    budget_by_project: Mapping[str, Budget] = field(default_factory=dict)
    runs_per_alert: int = 0
    """of one fingerprint in a day (UTC); 0 is no limit"""
    storm: StormConfig = field(default_factory=StormConfig)
    storm_by_project: Mapping[str, StormConfig] = field(default_factory=dict)
    correlation: CorrelationConfig = field(default_factory=CorrelationConfig)

    def budget_of(self, project: str) -> Budget:
        return self.budget_by_project.get(project, self.budget)

    def storm_of(self, project: str) -> StormConfig:
        return self.storm_by_project.get(project, self.storm)


class Schedule(KeyedBase[Project]):
    name = "schedule"
    reads: tuple[str, ...] = ("runs.requests",)

    def __init__(self, config: ScheduleConfig, epoch: str = "", connected: Connects | None = None) -> None:
        self._config = config
        self._deadline = int(config.run_deadline_secs * 1000)
        self._window = int(config.correlation.window_secs * 1000)
        self._connected = connected
        self._epoch = epoch

    def load(self, key: bytes, row: bytes | None) -> Project:
        return Project(project_id=key.decode()) if row is None else Project.of_row(key, row)

    def dump(self, state: Project) -> bytes | None:
        return state.row()

    def due(self, row: bytes) -> int | None:
        return schedule_row.due(row)

    async def wake(self, state: Project, now: Now) -> Events:
        state.changed = True
        self._weather(state, state.at(now.millis))
        return ()

    async def handle(self, record: Record, state: Project, now: Now) -> Events:
        kind, event = record.plain
        if kind not in (RunRequested, RunSpent, RunSettled):
            raise BadPayload(f"{kind.type_name()} has no place here", field="type")
        near = await self._near(kind, event)
        self.note(record, state)
        at = state.at(record.timestamp)
        if kind is RunSpent:
            self._count(event, state)
        elif not state.takes(event["event_id"]):
            return ()  # a copy
        elif kind is RunRequested:
            return self._asked(event, near, state, at, now)
        else:
            self._settled(event, state, at)
        return ()

    # -- a request

    def _asked(self, request: Plain, near: Near | None, state: Project, at: int, now: Now) -> Events:
        answer, asked = Answer(request, now), request["payload"]
        first = not asked["attempt"]
        if first and asked["reason"] in NEW:
            state.storm.count(at)
        self._weather(state, at)
        related = self._related(answer, near, state)
        links = answer.linked(related[0]) if related and first else []
        if asked["reason"] == RunReason.RERUN:  # people decide
            state.storm.leave(_ticket(asked))
            return [*links, self._begins(answer, near, state)]
        return [
            *links,
            *(
                self._served(answer, related, state)
                or self._spent(answer, state)
                or self._waits(answer, near, state, at)
                or [self._begins(answer, near, state)]
            ),
        ]

    async def _near(self, kind: type[Event], request: Plain) -> Near | None:
        if kind is not RunRequested or self._connected is None or not self._window:
            return None
        return await self._connected.near(request["payload"]["sighting"])

    def _related(self, answer: Answer, near: Near | None, state: Project) -> Sequence[Linked]:
        if near is None:
            return ()
        sighting = answer.asked["sighting"]
        opened_at = to_millis(sighting["opened_at"])
        found = state.families.related(
            answer.request["incident_id"], sighting["cluster"], opened_at, near, self._window
        )
        if found:
            found[0].parent.root = found[0].root
        return found

    def _served(self, answer: Answer, related: Sequence[Linked], state: Project) -> Events:
        """By the run of another incident: the heir of its parent, or the oldest that may serve it."""
        run = _served_by(answer, related, state)
        if run is None:
            return ()
        state.storm.leave(_ticket(answer.asked))
        state.families.share(answer.request["incident_id"], run["incident_id"])
        AVOIDED.labels("shared").inc()
        return answer.shared(run)

    def _spent(self, answer: Answer, state: Project) -> Events:
        """Past its runs of the day it is a person's: an action that makes its own alert would never end."""
        most, project = self._config.runs_per_alert, self._config.budget_of(state.project_id)
        had = state.by_alert.get(answer.asked["sighting"]["fingerprint"], 0)
        if 0 < most <= had:
            reason, detail = (
                ThrottleReason.FINGERPRINT_BUDGET,
                f"this alert has had its {most} runs of the day",
            )
        elif 0 < project.runs_per_day <= state.runs_today:
            reason = ThrottleReason.DAY_BUDGET
            detail = f"the project has had its {project.runs_per_day} runs of the day"
        else:
            return ()
        state.storm.leave(_ticket(answer.asked))
        state.families.forget(answer.request["incident_id"])
        THROTTLED.labels(reason).inc()
        return [answer.refused(reason, (state.day + 1) * windows.DAY, detail)]

    def _waits(self, answer: Answer, near: Near | None, state: Project, at: int) -> Events:
        limits, asked = self._config.storm_of(state.project_id), answer.asked
        wait = state.storm.asks(answer.severity, _ticket(asked), asked["attempt"], at, limits)
        if wait is None:
            return ()
        THROTTLED.labels(ThrottleReason.STORM).inc()
        if near:
            state.families.keep(_parent(answer, near, waits=True))
        many = state.storm.within_a_minute(at)
        detail = f"a storm: {many} new incidents in the last minute; {wait.waiting} wait for their turn"
        return [answer.waits(wait, detail)]

    def _begins(self, answer: Answer, near: Near | None, state: Project) -> Draft:
        state.begins(answer.asked["sighting"]["fingerprint"])
        if near:
            state.families.keep(_parent(answer, near, waits=False))
        return answer.begins(self._deadline, self._may_ask_models(state))

    # -- what became of it

    def _settled(self, event: Plain, state: Project, at: int) -> None:
        told = event["payload"]
        state.storm.leave(_ticket(told))
        state.families.settle(event["incident_id"], told["number"], told["reason"], told["closed"])
        self._weather(state, at)

    def _weather(self, state: Project, at: int) -> None:
        if not state.storm.turns(at, self._config.storm_of(state.project_id)):
            return
        change = "began" if state.storm.began_at else "ended"
        STORMS.labels(change).inc()
        many = state.storm.within_a_minute(at)
        log.warning(f"storm_{change}", project=state.project_id, incidents_within_a_minute=many)

    def _count(self, spent: Plain, state: Project) -> None:
        mark = spent["run_id"][:MARK]
        if mark in state.counted:
            return
        cost = spent["payload"]
        state.tokens += cost["tokens_in"] + cost["tokens_out"]
        state.usd += cost["cost_usd"]
        state.counted = (*state.counted, mark)[-MOST_COUNTED:]

    def _may_ask_models(self, state: Project) -> bool:
        budget = self._config.budget_of(state.project_id)
        spent = (budget.tokens_per_day and state.tokens >= budget.tokens_per_day) or (
            budget.usd_per_day and state.usd >= budget.usd_per_day
        )
        if spent:
            OVER_BUDGET.inc()
        return not spent

    def dead_letter(self, record: Record, error: Never, now: Now) -> Event:
        return stage_failed(self.name, record, error, now, self._epoch)


def _ticket(told: Plain) -> Ticket | None:
    return Ticket(Severity(told["queued_as"]), told["ticket"]) if told["queued_as"] else None


def _parent(answer: Answer, near: Near, waits: bool) -> Parent:
    sighting = answer.asked["sighting"]
    run, opened_at = answer.run, to_millis(sighting["opened_at"])
    about = (sighting["cluster"], near.service, answer.severity.rank, opened_at)
    return Parent(run["incident_id"], run["number"], *about, waits=waits)


def _served_by(answer: Answer, related: Sequence[Linked], state: Project) -> Plain | None:
    heir: Plain | None = answer.asked["heir"]
    if heir is not None:
        return None if heir["incident_id"] == answer.request["incident_id"] else heir
    severity, new = answer.severity, answer.asked["reason"] == RunReason.OPENED
    may = (one.parent for one in related if state.families.may_share(one.parent, severity, new))
    parent = next(may, None)
    return of_incident(parent.incident_id, parent.number) if parent else None


def check_contract(stage: Schedule) -> Keyed[Project]:
    return stage

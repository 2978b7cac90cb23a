"""Starts the runs that were asked for. Key: project.

It sees a project's requests together: rates, storms, correlation and budgets belong here and here alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import Counter

from schemas import ids
from schemas.draft import Draft, envelope
from schemas.envelope import Event, to_millis
from schemas.errors import BadPayload, Never
from schemas.run import RunRequested, RunSpent, RunStarted
from streams import windows
from streams.runner import stage_failed
from streams.stage import Events, Keyed, KeyedBase, Now, Record, State, pack, unpack

MOST_COUNTED, MARK = 64, 13
OVER_BUDGET = Counter(
    "awoooi_runs_over_budget_total", "Runs started without models: the project's budget is spent"
)


@dataclass(frozen=True, slots=True)
class Budget:
    """What a project's models may cost in a day (UTC); 0 is no limit."""

    tokens_per_day: int = 0
    usd_per_day: float = 0.0


@dataclass(frozen=True, slots=True)
class ScheduleConfig:
    run_deadline_secs: float = 260
    budget: Budget = field(default_factory=Budget)
    budget_by_project: Mapping[str, Budget] = field(default_factory=dict)

    def budget_of(self, project: str) -> Budget:
        return self.budget_by_project.get(project, self.budget)


@dataclass(slots=True)
class Project(State):
    started: int = 0
    day: int = 0
    """since 1970, of what was spent"""
    tokens: int = 0
    usd: float = 0.0
    counted: tuple[str, ...] = ()
    """the runs whose cost was counted last: a repeated event stands at a new offset"""

    def open_day(self, millis: int) -> None:
        today = millis // windows.DAY
        if today > self.day:
            self.day, self.tokens, self.usd = today, 0, 0.0


class Schedule(KeyedBase[Project]):
    name = "schedule"
    reads: tuple[str, ...] = ("runs.requests",)

    def __init__(self, config: ScheduleConfig, epoch: str = "") -> None:
        self._config = config
        self._deadline = int(config.run_deadline_secs * 1000)
        self._epoch = epoch

    def load(self, key: bytes, row: bytes | None) -> Project:
        if row is None:
            return Project()
        seen, started, *spent = unpack(row)
        day, tokens, usd, counted = spent or (0, 0, 0.0, ())
        return Project(seen, False, started, day, tokens, usd, tuple(counted))

    def dump(self, state: Project) -> bytes | None:
        return pack([state.seen, state.started, state.day, state.tokens, state.usd, state.counted])

    async def handle(self, record: Record, state: Project, now: Now) -> Events:
        kind, event = record.plain
        state.open_day(now.millis)
        if kind is RunSpent:
            self._count(event, state)
            self.note(record, state)
            return ()
        if kind is not RunRequested:
            raise BadPayload(f"{kind.type_name()} has no place here", field="type")
        self.note(record, state)
        state.started += 1
        return [self._start(event, self._may_ask_models(event["project_id"], state), now)]

    def _count(self, spent: dict[str, Any], state: Project) -> None:
        mark = spent["run_id"][:MARK]
        if mark in state.counted:
            return
        cost = spent["payload"]
        state.tokens += cost["tokens_in"] + cost["tokens_out"]
        state.usd += cost["cost_usd"]
        state.counted = (*state.counted, mark)[-MOST_COUNTED:]

    def _may_ask_models(self, project: str, state: Project) -> bool:
        budget = self._config.budget_of(project)
        spent = (budget.tokens_per_day and state.tokens >= budget.tokens_per_day) or (
            budget.usd_per_day and state.usd >= budget.usd_per_day
        )
        if spent:
            OVER_BUDGET.inc()
        return not spent

    def _start(self, request: dict[str, Any], models: bool, now: Now) -> Draft:
        asked = request["payload"]
        plain = envelope(
            RunStarted,
            event_id=ids.derive_id("run.started", request["run_id"]),
            project_id=request["project_id"],
            incident_id=request["incident_id"],
            run_id=request["run_id"],
            occurred_at=to_millis(request["occurred_at"]),
            recorded_at=now.millis,
            stage=self.name,
            causes=(request["event_id"],),
            sealed=request["sealed"],
            payload={
                "number": asked["number"],
                "reason": asked["reason"],
                "severity": asked["severity"],
                "deadline_at": now.millis + self._deadline,
                "models": models,
                "sighting": asked["sighting"],
                "note": asked["note"],
            },
        )
        return Draft(RunStarted, request["incident_id"].encode(), plain)

    def dead_letter(self, record: Record, error: Never, now: Now) -> Event:
        return stage_failed(self.name, record, error, now, self._epoch)


def check_contract(stage: Schedule) -> Keyed[Project]:
    return stage

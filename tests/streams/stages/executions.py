"""A target outside with a ledger of all that was done to it, and processes that read one log of records."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from agents.target_id import target_id
from awoooi.execution import gateway_of
from awoooi.loading import load
from connectors.executors.assigned import assign
from connectors.executors.contract import (
    Checked,
    Done,
    Effect,
    End,
    Executor,
    Happened,
    MayGoOn,
    Observed,
    Order,
    Probed,
    Verified,
)
from schemas import ids
from schemas.authorization import ActionAuthorized
from schemas.catalog import key_of, topic_of
from schemas.envelope import Event, to_millis
from schemas.headers import event_headers
from schemas.operations import Operation, Step
from schemas.operations import Target as Place
from schemas.preflight import Check
from streams.execute_needs import ExecuteNeeds
from streams.policy.recheck import Today
from streams.rows import PartitionRows
from streams.runner import Outgoing, Runner
from streams.stage import Record
from streams.stages.execute import Execute
from tests.streams.policy.forgeries import automatic, does, hashed, insider, of, today, told, with_owner
from tests.streams.stages.evidence_support import CODEC, KEYS, Clock

NAMED = Check(name="in_evidence", passed=True)
STATE = {"uid": "pod-1", "spec": "5" * 64}
OBSERVED = Observed(STATE, "7")
SETTINGS, TODAY = load({}).settings, today()
Hook = Callable[[str], Awaitable[None]]


class Killed(BaseException):
    """The process ends here, as by kill -9."""


async def nothing(_: str) -> None:
    return None


@cache
def authorization(run: int = 1) -> ActionAuthorized:
    """What policy allowed by itself, for a target with the id of its name."""
    return changed(run)


def changed(run: int = 1, real: str = "", **changes: Any) -> ActionAuthorized:
    """Decided so by policy itself: ids, hash and proof fit. `real` is the target's own name."""
    event = told(automatic(), observed_state=OBSERVED.hash, checks=(NAMED, *automatic().payload.checks))
    event = told(event, **changes)
    if "target" not in changes:
        place = event.payload.action.step.target.model_dump(exclude={"id"})
        place["name"] = real or place["name"]
        own = target_id(KEYS.target, project_id=event.project_id, **place)
        event = told(does(event, target={"id": own}), target=event.payload.workload or own)
    event = told(event, action_hash=hashed(event))
    if run > 1:
        run_id = ids.run_id(event.incident_id, run)
        event = with_owner(of(event, run_id=run_id), run_id)
    return insider(event)


@dataclass
class Target(Executor):
    """It does as it is told, and remembers each effect.

    `guarded`: it refuses a call for another version, and knows its own mark, as Kubernetes does.
    """

    hook: Hook = nothing
    guarded: bool = True
    checks: tuple[Check, ...] = (Check(name="owned", passed=True),)
    observed: Observed | None = OBSERVED
    then: Observed | None = None
    """what it is once something was done"""
    workload: Place | None = None
    """what owns it"""
    end: Done | None = None
    effect: Effect = Effect.HOLDS
    forgets: bool = False
    """it cannot say whether something was done"""
    ledger: list[str] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    """what it was to do"""
    name: str = "kubernetes"
    operations: frozenset[Operation] = frozenset({Operation.DELETE_POD})

    def validate(self, order: Order) -> str:
        return ""

    async def check(self, order: Order) -> Checked:
        await self.hook("check")
        return Checked(self.checks, self.observed, workload=self.workload)

    async def dry_run(self, order: Order) -> Check:
        return Check(name="dry_run", passed=True)

    async def execute(self, order: Order, expected: str, may_go_on: MayGoOn) -> Done:
        self.orders.append(order)
        await self.hook("before the call")
        if self.observed is None or self.observed.hash != expected:
            return Done(End.CHANGED, "it is another", self.observed)
        if self.guarded and order.action_id in self.ledger:
            return Done(End.DONE, "it was done before", self.observed)
        why, version = may_go_on(self.observed), len(self.ledger)
        if why:
            return Done(End.REFUSED, why, self.observed)
        await self.hook("in flight")
        if self.end is not None:
            return self.end
        if self.guarded and version != len(self.ledger):
            return Done(End.REFUSED, "409: it was changed meanwhile", self.observed)
        before, self.observed = self.observed, self.then or self.observed
        self.ledger.append(order.action_id)
        await self.hook("done")
        return Done(End.DONE, "", before)

    async def probe(self, order: Order, expected: str, before: Observed | None = None) -> Probed:
        await self.hook("probe")
        if self.forgets:
            return Probed(Happened.UNKNOWN, "it does not tell")
        happened = Happened.YES if order.action_id in self.ledger else Happened.NO
        return Probed(happened, "by its ledger", repeatable=self.guarded and happened is Happened.NO)

    async def verify(self, order: Order, before: Observed | None = None) -> Verified:
        return Verified(self.effect, "its pods")

    def undo(self, order: Order, checked: Checked) -> Step | None:
        return None


@dataclass
class Knowing:
    """What the world says: changed by a test at any moment."""

    given: dict[str, Any] = field(default_factory=dict)
    doubtful: str = ""

    async def doubt(self, event: ActionAuthorized) -> str:
        return self.doubtful

    def today(self, event: ActionAuthorized, at: Any, doubt: str) -> Today:
        more = {"kill_switch": doubt} if doubt else {}
        return replace(TODAY, at=at, **(self.given | more))


@dataclass
class World:
    """One log of one partition, which every process reads from its own place."""

    target: Target = field(default_factory=Target)
    knows: Knowing = field(default_factory=Knowing)
    clock: Clock = field(default_factory=Clock)
    stage: type[Execute] = Execute
    records: list[Record] = field(default_factory=list)
    written: list[Event] = field(default_factory=list)
    started: int = 0
    executor: Executor | None = None
    """who acts instead of the target"""

    @property
    def millis(self) -> int:
        return to_millis(automatic().recorded_at) + 1000 + round((self.clock.now - 100) * 1000)

    async def wait(self, secs: float) -> None:
        self.clock.now += secs

    def put(self, event: Event) -> None:
        headers = event_headers(event, "application/avro", b"1" * 32, b"test")
        self.written.append(event)
        value, topic = CODEC.encode(event), topic_of(type(event)).name
        self.records.append(
            Record(topic, 0, len(self.records), key_of(event), value, headers, self.millis, CODEC)
        )

    def process(self, like: Process | None = None) -> Process:
        """A new one; where another ended, with its place and its rows."""
        self.started += 1
        used = (self.executor or self.target,)
        gateway = gateway_of(SETTINGS, used)
        needs = ExecuteNeeds(
            assign(used),
            gateway,
            KEYS,
            self.knows,
            self.clock,
            self.wait,
            f"process {self.started}",
        )
        stage = self.stage(needs)
        runner = Runner(stage, CODEC, lambda: self.millis)
        if like is None:
            return Process(self, runner, PartitionRows(stage.due))
        return Process(self, runner, like.rows, like.place)

    def ends(self) -> list[Any]:
        """The first of an id, as readers take them."""
        found: dict[str, Any] = {}
        for event in self.written:
            if event.type.startswith("execution.") and event.type != "execution.claimed":
                found.setdefault(event.event_id, event)
        return list(found.values())

    def types(self) -> list[str]:
        return [event.type.removeprefix("execution.") for event in self.ends()]


@dataclass
class Process:
    world: World
    runner: Runner
    rows: PartitionRows
    place: int = 0
    loses_rows: bool = False
    """killed after its outputs, before its rows"""

    async def step(self) -> bool:
        """One record; whether there was one."""
        if self.place >= len(self.world.records):
            return False
        record = self.world.records[self.place]
        if topic_of(type(record.event)).name in ("authorizations", "executions.claims"):
            turn = await self.runner.turn([record], self.rows, tell=self._tell)
            await self._tell(turn.outputs)
            if self.loses_rows:
                raise Killed
            self.rows.apply(turn.rows)
        self.place += 1
        return True

    async def _tell(self, outputs: list[Outgoing]) -> None:
        for out in outputs:
            self.world.put(CODEC.decode(out.value))

    async def run(self) -> None:
        while await self.step():
            pass


async def one(world: World, *events: Event) -> World:
    for event in events or (authorization(),):
        world.put(event)
    await world.process().run()
    return world

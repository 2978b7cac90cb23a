"""What was done, looked at and taken back: the stages execute and verify over one log, with made-up looks."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from agents.target_id import target_id
from connectors.executors.contract import Effect, Observed
from schemas.authorization import ActionAuthorized
from schemas.catalog import topic_of
from schemas.execution import ExecutionSucceeded
from schemas.incident import IncidentReopened, IncidentResolved
from schemas.operations import Operation, Parameters, Step
from streams.policy.authorizations import ENVELOPE, taken_back
from streams.rows import PartitionRows
from streams.runner import Runner
from streams.stage import Record
from streams.stages.verify import Verify
from streams.stages.verify_look import Looked
from tests.schemas.golden_events import golden
from tests.streams.policy.forgeries import approved, does, hashed, insider, signed, told
from tests.streams.stages.evidence_support import CODEC, KEYS
from tests.streams.stages.executions import NAMED, OBSERVED, Process, Target, World

CHANGED = Observed({"uid": "pod-1", "spec": "6" * 64}, "8")
SCALED = frozenset({Operation.ROLLBACK_DEPLOYMENT})


@cache
def signed_with_undo(**changes: Any) -> ActionAuthorized:
    """A rollback that bob and carol signed, and with it the way forward again."""
    event = told(approved(), observed_state=OBSERVED.hash, checks=(NAMED, *approved().payload.checks))
    place = event.payload.action.step.target.model_dump(exclude={"id"})
    own = target_id(KEYS.target, project_id=event.project_id, **place)
    event = told(does(event, target={"id": own}), target=own)
    action = event.payload.action
    undo = Step(operation=action.step.operation, target=action.step.target, parameters=Parameters(revision=7))
    event = told(event, action=action.model_copy(update={"undo": undo, **changes}))
    event = told(event, action_hash=hashed(event))
    own_hash = {"action_hash": event.payload.action_hash}
    return insider(told(event, signatures=(signed("bob", **own_hash), signed("carol", **own_hash))))


def undo_of(done: ActionAuthorized | None = None) -> ActionAuthorized:
    """As verify writes it."""
    done = done or signed_with_undo()
    about = done.model_dump(include=ENVELOPE) | {"causes": ("x",), "sealed": done.sealed}
    return insider(taken_back(done, about, None))


@dataclass
class Told:
    """What each look says, by whether it is of an undo; None: not yet."""

    effect: Effect | None = Effect.HOLDS
    undone: Effect | None = Effect.HOLDS
    asked: list[str] = field(default_factory=list)

    def found(self, done: ExecutionSucceeded, millis: int) -> Looked | None:
        self.asked.append(done.payload.action_id)
        effect = self.undone if done.payload.undoes else self.effect
        return None if effect is None else Looked(effect, f"it {effect}")


@dataclass
class Verified:
    """A story: what is written is read by both, a tick comes after each of them."""

    looks: Told = field(default_factory=Told)
    world: World = field(default_factory=lambda: World(Target(operations=SCALED, then=CHANGED)))
    stage: type[Verify] = Verify
    rows: PartitionRows = field(init=False)
    process: Process = field(init=False)
    runner: Runner = field(init=False)
    place: int = 0

    def __post_init__(self) -> None:
        self.process = self.world.process()
        needs: Any = self.process.runner.stage._needs  # type: ignore[union-attr]  # its own
        self.runner = Runner(self.stage(needs, looks=self.looks), CODEC, lambda: self.world.millis)
        self.rows = PartitionRows(self.runner.stage.due)  # type: ignore[union-attr]  # a keyed stage

    async def run(self, *events: Any) -> Verified:
        for event in events:
            self.world.put(event)
        while await self._step():
            pass
        return self

    async def _step(self) -> bool:
        before = len(self.world.written)
        await self.process.run()
        while self.place < len(self.world.records):
            record = self.world.records[self.place]
            self.place += 1
            if record.topic in self.runner.stage.reads:
                await self._turn(replace(record, key=record.event.incident_id.encode()))
        await self.tick()
        return len(self.world.written) > before

    async def tick(self, secs: float = 0) -> None:
        self.world.clock.now += secs
        at = self.world.millis
        await self._turn(Record("ticks.execution", 0, 0, None, b"{}", (), at, CODEC))

    async def _turn(self, record: Record) -> None:
        turn = await self.runner.turn([record], self.rows)
        for out in turn.outputs:
            self.world.put(CODEC.decode(out.value))
        self.rows.apply(turn.rows)

    async def restart(self) -> None:
        """Another process, with what was written."""
        rows = dict(self.rows)
        self.__post_init__()
        self.rows.apply(rows)

    # -- what happens outside

    async def resolves(self, reason: str = "alert_resolved") -> Verified:
        event: Any = golden("incident.resolved")
        assert isinstance(event, IncidentResolved)
        payload = event.payload.model_copy(update={"reason": reason})
        return await self.run(self._of_incident(event.model_copy(update={"payload": payload})))

    async def returns(self) -> Verified:
        event: Any = golden("incident.reopened")
        assert isinstance(event, IncidentReopened)
        return await self.run(self._of_incident(event))

    def _of_incident(self, event: Any) -> Any:
        return event.model_copy(update={"incident_id": signed_with_undo().incident_id})

    # -- what was written

    def payloads(self, kind: str) -> list[Any]:
        return [event.payload for event in self.first() if event.type == kind]

    def types(self, topic: str = "executions") -> list[str]:
        return [event.type.partition(".")[2] for event in self.first() if topic_of(type(event)).name == topic]

    def first(self) -> list[Any]:
        """The first of an id, as readers take them."""
        found: dict[str, Any] = {}
        for event in self.world.written:
            found.setdefault(event.event_id, event)
        return list(found.values())

"""What two people signed for a real target, and the stage that carries it out on that cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from agents.target_id import id_of, workload_id
from connectors.executors.contract import Observed, Order
from connectors.kubernetes.execution.executor import KubernetesExecutor
from schemas import ids
from schemas.authorization import ActionAuthorized
from schemas.operations import Operation, Step
from schemas.preflight import PreflightStatus
from streams.policy.recheck import Today
from tests.connectors.kubernetes.orders import order
from tests.connectors.kubernetes.worlds import World as ClusterWorld
from tests.streams.policy.forgeries import approved, hashed, insider, of, signed, told, with_owner
from tests.streams.stages.evidence_support import KEYS
from tests.streams.stages.executions import NAMED, Knowing
from tests.streams.stages.executions import World as Log

PEOPLE = ("bob", "carol")
INCIDENTS = ("INC-20260301-0A1B2C3D4E", "INC-20260301-0A1B2C3D4F", "INC-20260301-0A1B2C3D4G")


@dataclass
class RightBefore(Knowing):
    """What happens between the last look at the target and the write."""

    happens: Callable[[], None] | None = None
    asked: int = 0

    def today(self, event: ActionAuthorized, at: datetime, doubt: str) -> Today:
        self.asked += 1
        if self.asked == 2 and self.happens is not None:  # first before anything is asked of the target
            self.happens()
        return super().today(event, at, doubt)


@dataclass
class Story:
    """A log, a process that executes, and a cluster of whichever kind."""

    world: ClusterWorld
    executor: KubernetesExecutor
    knows: RightBefore = field(default_factory=RightBefore)
    log: Log = field(init=False)

    def __post_init__(self) -> None:
        self.log = Log(executor=self.executor, knows=self.knows)
        self.log.clock.now += 60

    async def sign(
        self, operation: Operation, kind: str, name: str, *, incident: int = 0, **given: Any
    ) -> ActionAuthorized:
        """Looked at, asked for and signed; it waits."""
        real = order(self.world, operation, kind, name, **given).step
        target = real.target.model_copy(update={"id": id_of(KEYS.target, approved().project_id, real.target)})
        step = real.model_copy(update={"target": target})
        checked = await self.executor.check(Order(step, ids.derive_id("preflight", str(incident))))
        assert checked.observed is not None, checked.checks
        workload = workload_id(KEYS.target, approved().project_id, target, checked.workload)
        seen = {"observed_state": checked.observed.hash, "workload": workload}
        return authorized(step, INCIDENTS[incident], **seen, checks=(NAMED, *checked.checks))

    async def run(self, *events: ActionAuthorized) -> None:
        for event in events:
            self.log.put(event)
        await self.log.process().run()

    def ends(self) -> list[Any]:
        """Without what began."""
        return [event for event in self.log.ends() if event.type != "execution.started"]

    async def now(self, event: ActionAuthorized) -> Observed:
        checked = await self.executor.check(Order(event.payload.action.step, "a look"))
        assert checked.observed is not None
        return checked.observed


def authorized(step: Step, incident: str, **seen: Any) -> ActionAuthorized:
    action = approved().payload.action.model_copy(update={"step": step, "undo": None})
    owner = f"{incident}-A1"
    event = told(
        approved(),
        action=action,
        approval_id=owner,
        preflight=PreflightStatus.PASSED,
        target=seen["workload"],
        **seen,
    )
    about = {"approval_id": owner, "action_hash": hashed(event)}
    tokens = tuple(signed(person, **about) for person in PEOPLE)
    event = of(event, incident_id=incident, run_id=ids.run_id(incident, 1))
    return insider(with_owner(told(event, signatures=tokens, action_hash=about["action_hash"]), owner))

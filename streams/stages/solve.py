"""The solver's turn, over a diagnosis. Key: incident. Slow."""

from __future__ import annotations

from agents.desk import Clock, Desk
from agents.giving_up import plan_failed
from agents.solver import solve
from schemas.diagnosis import RcaDiagnosed
from schemas.evidence import Brief
from schemas.plan import PlannedPayload, RcaPlanned
from streams.stage import Keyed
from streams.stages.turns import Spoken, TurnStage


class Solve(TurnStage[RcaDiagnosed, PlannedPayload]):
    name = "solve"
    reads: tuple[str, ...] = ("rca.diagnoses",)
    takes, gives = RcaDiagnosed, RcaPlanned

    async def speak(self, heard: RcaDiagnosed, desk: Desk, seconds: float) -> PlannedPayload:
        return await solve(heard.payload, desk, seconds)

    def give_up(self, heard: RcaDiagnosed, why: str, clock: Clock) -> PlannedPayload:
        return plan_failed(heard.payload, why, clock)

    def brief(self, heard: RcaDiagnosed) -> Brief:
        return heard.payload.brief

    def has_ended(self, heard: RcaDiagnosed) -> bool:
        return bool(heard.payload.turn.failed)


def check_contract(stage: Solve) -> Keyed[Spoken]:
    return stage

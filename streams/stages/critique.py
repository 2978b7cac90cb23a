"""The critic's turn, over a plan; the reviewer speaks beside it. Key: incident. Slow."""

from __future__ import annotations

from agents.critic import critique
from agents.desk import Clock, Desk
from agents.giving_up import critique_failed
from schemas.evidence import Brief
from schemas.plan import RcaPlanned
from schemas.verdict import CritiquedPayload, RcaCritiqued
from streams.stage import Keyed
from streams.stages.turns import Spoken, TurnStage


class Critique(TurnStage[RcaPlanned, CritiquedPayload]):
    name = "critique"
    reads: tuple[str, ...] = ("rca.plans",)
    takes, gives = RcaPlanned, RcaCritiqued

    async def speak(self, heard: RcaPlanned, desk: Desk, seconds: float) -> CritiquedPayload:
        return await critique(heard.payload, desk, seconds)

    def give_up(self, heard: RcaPlanned, why: str, clock: Clock) -> CritiquedPayload:
        return critique_failed(heard.payload, why, clock)

    def brief(self, heard: RcaPlanned) -> Brief:
        return heard.payload.brief

    def has_ended(self, heard: RcaPlanned) -> bool:
        return bool(heard.payload.turn.failed)


def check_contract(stage: Critique) -> Keyed[Spoken]:
    return stage

"""The reviewer's turn, over a plan; the critic speaks beside it. Key: incident. Slow."""

from __future__ import annotations

from agents.desk import Clock, Desk
from agents.giving_up import review_failed
from agents.reviewer import review
from schemas.evidence import Brief
from schemas.plan import RcaPlanned
from schemas.verdict import RcaReviewed, ReviewedPayload
from streams.stage import Keyed
from streams.stages.turns import Spoken, TurnStage


class Review(TurnStage[RcaPlanned, ReviewedPayload]):
    name = "review"
    reads: tuple[str, ...] = ("rca.plans",)
    takes, gives = RcaPlanned, RcaReviewed

    async def speak(self, heard: RcaPlanned, desk: Desk, seconds: float) -> ReviewedPayload:
        return await review(heard.payload, desk, seconds)

    def give_up(self, heard: RcaPlanned, why: str, clock: Clock) -> ReviewedPayload:
        return review_failed(heard.payload, why, clock)

    def brief(self, heard: RcaPlanned) -> Brief:
        return heard.payload.brief

    def has_ended(self, heard: RcaPlanned) -> bool:
        return bool(heard.payload.turn.failed)


def check_contract(stage: Review) -> Keyed[Spoken]:
    return stage

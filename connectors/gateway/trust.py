"""GET /api/v1/trust and POST /api/v1/trust/reset: what was earned, by which action where; taking it away."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Annotated, Protocol

from pydantic import AfterValidator, Field

from connectors.gateway.act_desk import written
from connectors.gateway.act_kinds import REASON, plain
from connectors.gateway.deeds import Asked, Deed, OfProject, Said, Told, Written
from connectors.gateway.problems import Refused
from connectors.gateway.webhooks import Publish
from connectors.tokens import Role
from schemas.envelope import Event, Moment
from schemas.headers import Headers

PATH, RESET_PATH = "/api/v1/trust", "/api/v1/trust/reset"


class Earned(Told):
    """What one action has earned on one workload."""

    trust_key: str
    project_id: str
    operation: str
    cluster: str
    namespace: str
    workload: str = Field(description="by a keyed hash where it may name a person")
    score: int = Field(description="verified successes in a row, what decayed taken off")
    used_at: Moment
    recent: tuple[bool, ...] = Field(description="the latest outcomes, oldest first: whether verified")
    reason: str


class Scores(Told):
    items: tuple[Earned, ...]
    medium_counts_low_from: int = Field(description="the score from which MEDIUM is LOW")
    high_counts_medium_from: int = Field(
        description="the score from which HIGH is MEDIUM, both by the policy in force"
    )
    fresh: bool = Field(description="false: nobody can tell whether this is the latest")


class TrustSaid(Written):
    """That it was taken away."""


def _why(text: str) -> str:
    if not text:
        raise ValueError("say why")
    return text


class Reset(Said):
    trust_key: str = Field(min_length=1, max_length=1_000)
    reason: Annotated[str, Field(max_length=REASON), AfterValidator(plain), AfterValidator(_why)]


class TrustDesk(Protocol):
    """What this gateway knows of trust. Filled in by awoooi."""

    def scores(self, projects: Collection[str] | None) -> Scores: ...

    def reset(self, wish: Reset, person: str, now_ms: int) -> Event: ...

    def encode(self, event: Event, traceparent: bytes) -> tuple[bytes, Headers]: ...


def deeds(desk: TrustDesk, publish: Publish, now_ms: Callable[[], int]) -> tuple[Deed, ...]:
    async def look(asked: Asked) -> Scores:
        return desk.scores(asked.caller.asking_for(asked.said.project))

    async def take_away(asked: Asked) -> TrustSaid:
        wish: Reset = asked.said
        if wish.trust_key not in {one.trust_key for one in desk.scores(asked.caller.projects).items}:
            raise Refused(404, "unknown_trust", "nothing of yours is kept under this key")
        event = desk.reset(wish, asked.caller.person, now_ms())
        lies = await written(publish, event, desk.encode(event, asked.traceparent))
        return TrustSaid(event_id=event.event_id, type=event.type, **lies._asdict())

    return (
        Deed(
            "see_trust",
            "GET",
            PATH,
            "see what was earned",
            look,
            Scores,
            OfProject,
            refusals={404: "a project that is not the caller's"},
        ),
        Deed(
            "reset_trust",
            "POST",
            RESET_PATH,
            "take trust away",
            take_away,
            TrustSaid,
            Reset,
            roles=(Role.OPERATOR, Role.ADMIN),
            status=202,
            example={"trust_key": "shop/RESTART_DEPLOYMENT/default/web/cart", "reason": "it hid a leak"},
            refusals={404: "nothing of the caller's is kept under this key"},
        ),
    )

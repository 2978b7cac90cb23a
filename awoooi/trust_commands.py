"""`awoooi trust list|reset`: what was earned, and taking it away."""

from __future__ import annotations

import asyncio
from datetime import datetime

from awoooi.events import codec_of
from awoooi.logs import quiet
from awoooi.printing import print_json, print_table
from awoooi.reference_data import STAGE, now, person, publish, reading
from awoooi.settings import Settings
from schemas import ids
from schemas.errors import Misconfigured
from schemas.trust import Earned, TrustObserved, TrustOutcome, TrustScore
from streams.policy.trust_scores import TOPIC, TrustScores


def show(settings: Settings, *, as_json: bool) -> None:
    quiet()
    found = asyncio.run(_scores(settings))
    if as_json:
        print_json([one.model_dump(mode="json") for one in found])
        return
    rows = [(one.trust_key, str(one.score), f"{one.used_at:%Y-%m-%d %H:%M}", one.reason) for one in found]
    print_table(("trust key", "score", "since", "why"), rows)


def reset(settings: Settings, key: str, reason: str) -> None:
    """The trust stage does it; nothing is trusted more by asking."""
    quiet()
    if key not in {one.trust_key for one in asyncio.run(_scores(settings))}:
        raise Misconfigured(f"{key}: nothing is kept under it; `awoooi trust list` shows the keys")
    asyncio.run(publish(settings, taken_away(key, reason, person(), now())))
    print(f"The trust of {key} is taken away.")


def taken_away(key: str, reason: str, actor: str, at: datetime, stage: str = STAGE) -> TrustObserved:
    return TrustObserved(
        event_id=ids.derive_id("trust.observed", key, at.isoformat()),
        project_id=key.partition("/")[0],
        occurred_at=at,
        recorded_at=at,
        stage=stage,
        actor=actor,
        payload=TrustOutcome(trust_key=key, outcome=Earned.RESET, reason=reason),
    )


async def _scores(settings: Settings) -> list[TrustScore]:
    async with codec_of(settings) as (codec, _), reading(settings, TOPIC) as reference:
        return TrustScores(codec, lambda: reference.values(TOPIC)).all()

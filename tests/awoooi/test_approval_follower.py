"""What the gateway knows of approvals: bounded, and each verdict for the record that it is of."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from awoooi import approval_follower
from awoooi.approval_follower import MOST_HEARD, Follower
from connectors.kafka.config import KafkaConfig
from schemas import ids
from schemas.envelope import Event
from tests.schemas.golden_events import golden

SIGNATURE = golden("vote.counted").payload.signature


def follower() -> Follower:
    def no_codec() -> Any:
        raise AssertionError("nothing is read here")

    return Follower(KafkaConfig(), no_codec, 4, "epoch-1")


def verdict_on(*place: Any, kind: str = "vote.counted") -> Event:
    """Of the record that stands there."""
    example = golden(kind)
    vote = ids.vote_id("epoch-1", *place)
    payload = example.payload.model_copy(update={"signature": SIGNATURE})
    return example.model_copy(update={"causes": (vote, "the request"), "payload": payload})


async def test_each_hears_the_verdict_on_its_own_copy_of_a_token() -> None:
    follows = follower()
    with follows.listen(SIGNATURE) as first, follows.listen(SIGNATURE) as second:
        follows._note(verdict_on("t", 1, 8, kind="vote.refused"))  # before anybody knows where theirs stands
        later = asyncio.create_task(first.verdict(("t", 1, 7)))
        assert (await second.verdict(("t", 1, 8))).type == "vote.refused"
        assert not later.done()
        follows._note(verdict_on("t", 1, 7))
        assert (await later).type == "vote.counted"


async def test_a_verdict_of_the_intake_is_known_by_its_own_id() -> None:
    follows = follower()
    event = verdict_on("t", 0, 1, kind="vote.refused")
    with follows.listen(SIGNATURE) as ear:
        own = {"event_id": ids.vote_id("epoch-1", "t", 0, 1), "causes": ()}
        follows._note(event.model_copy(update=own))
        assert (await ear.verdict(("t", 0, 1))).causes == ()


def test_nothing_is_kept_of_whom_nobody_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approval_follower, "MOST_ASKED", 3)
    follows, example = follower(), golden("approval.requested")
    for number in range(10):
        follows._note(verdict_on("t", 0, number))
        about = {"approval_id": f"INC-20260301-{number:010d}-A1"}
        follows._note(example.model_copy(update={"payload": example.payload.model_copy(update=about)}))
    assert (len(follows._ears), len(follows._asked)) == (0, 3)
    assert "INC-20260301-0000000009-A1" in follows._asked, "the latest are known"

    with follows.listen(SIGNATURE) as ear:
        for number in range(10 * MOST_HEARD):
            follows._note(verdict_on("t", 0, number))
        assert len(ear.heard) == MOST_HEARD
    assert not follows._ears

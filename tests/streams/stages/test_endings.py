"""The six ways in which an approval closes: each with its own constant, told once, and the first one wins."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from schemas.incident import IncidentResolved
from schemas.outcome import Outcome
from streams.policy.endings import Closing
from tests.streams.debates import only
from tests.streams.stages.test_voided import STRICTER, Voids


def signed(story: Voids) -> None:
    """By two who have not signed yet."""
    story.sign("bob")
    story.sign("carol")


WAYS: dict[Closing, tuple[Outcome, Callable[[Voids], object]]] = {
    Closing.QUORUM: (Outcome.APPROVED, signed),
    Closing.REJECTION: (Outcome.REJECTED, lambda story: story.sign("frank", decision="reject")),
    Closing.EXPIRY: (Outcome.EXPIRED, lambda story: story.pass_seconds(3601)),
    Closing.RESOLVED: (Outcome.VOIDED, lambda story: story.happens(IncidentResolved, 1)),
    Closing.CANCELLED: (Outcome.VOIDED, lambda story: story.cancel()),
    Closing.OTHER_POLICY: (Outcome.VOIDED, lambda story: story.apply(STRICTER)),
}


async def closed(story: Voids, way: Closing) -> None:
    WAYS[way][1](story)
    await story.run()
    await story.ticks()


def counted(way: Closing) -> float:
    return REGISTRY.get_sample_value("awoooi_approvals_ended_total", {"rule": way}) or 0


async def asked(folder: Path) -> Voids:
    story = Voids(folder)
    await story.ask()
    return story


@pytest.mark.parametrize("way", Closing)
async def test_each_way_is_told_with_its_own_reason(way: Closing, tmp_path: Path) -> None:
    story, before = await asked(tmp_path), counted(way)
    await closed(story, way)

    assert counted(way) == before + 1
    ends = ("approved", "rejected", "expired", "voided")
    events = story.log.events("approvals.outcomes")
    ended = only(event.payload for event in events if event.type.partition(".")[2] in ends)
    told = story.told[-1]
    assert (ended.rule, told.rule) == (way, way)
    assert (ended.state, told.outcome) == (WAYS[way][0], WAYS[way][0])
    assert ended.reason == told.reason != ""
    assert {len(ended.policy.hash), len(ended.policy_in_force.hash)} == {64}
    assert (ended.policy != ended.policy_in_force) is (way is Closing.OTHER_POLICY)
    assert bool(story.log.events("authorizations")) is (way is Closing.QUORUM)


@pytest.mark.parametrize(("first", "second"), list(permutations(Closing, 2)), ids=lambda way: way.value)
async def test_the_first_of_two_ways_wins(first: Closing, second: Closing, tmp_path: Path) -> None:
    story = await asked(tmp_path)
    await closed(story, first)
    await closed(story, second)

    assert story.outcomes == [Outcome.APPROVAL_REQUIRED, WAYS[first][0]]
    assert story.records("decisions") == 2
    authorized = ["action.authorized"] if first is Closing.QUORUM else []
    crossed = ["action.withdrawn"] if authorized and second is Closing.CANCELLED else []
    assert [event.type for event in story.log.events("authorizations")] == authorized + crossed
    assert story.records("authorizations") == len(authorized + crossed)

"""Killed at every point of every story, once, with topics read in either order: an approval ends once all the
same, and nothing is authorized but what was approved.

Outputs that were sent and rows that were written stay; what was not acknowledged is read again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from schemas.approval import ApprovalRequested
from schemas.incident import IncidentResolved
from streams.placed import Placed
from tests.faults.approvals import request as asked
from tests.streams.stages.test_approve import Approvals
from tests.streams.stages.test_gate import INCIDENT, PROOF_KEY

ENDS = ("approval.approved", "approval.rejected", "approval.expired", "approval.voided")
Act = Callable[[Approvals, ApprovalRequested], object]


class Killed(Exception):
    """No exception of ours: nobody takes it for an outcome."""


class Deadly(Approvals):
    """Dies when it passes its `at`-th point, and comes back to read its topics the other way round."""

    def __init__(self, folder: Path, at: int, turned: bool) -> None:
        self.at, self.turned, self.points = at, turned, list[str]()
        super().__init__(folder)
        self.away = {"coordinate", "preflight", "gate"}
        self.log.passed = self._pass

    def _pass(self, point: str) -> None:
        self.points.append(point)
        if len(self.points) == self.at:
            raise Killed

    def _present(self) -> list[Placed]:
        found = super()._present()
        return [replace(one, topics=one.topics[::-1]) if self.turned else one for one in found]

    async def live(self) -> None:
        try:
            await self.run()
        except Killed:
            self.turned = not self.turned
            self.begin()
            await self.run()

    def copies(self, topic: str) -> list[tuple[str, str]]:
        """Every record, copies too: its id and its type."""
        return [
            (record.event.event_id, record.event.type)
            for (name, _), records in self.log.topics.items()
            for record in records
            if name == topic
        ]


def sign(*people: str, **given: Any) -> Act:
    def act(story: Approvals, request: ApprovalRequested) -> None:
        asked = request.payload
        for person in people:
            story.sign(person, approval_id=asked.approval_id, action_hash=asked.action_hash, **given)

    return act


def ask(story: Approvals, request: ApprovalRequested) -> None:
    story.put(request)


def resolve(story: Approvals, _: ApprovalRequested) -> None:
    story.happens(IncidentResolved, 1)


def pass_time(story: Approvals, request: ApprovalRequested) -> None:
    """A minute behind its end."""
    story.now = int(request.payload.expires_at.timestamp() * 1000) + 60_000


STORIES: dict[str, tuple[tuple[Act, ...], ...]] = {
    "two sign": ((ask,), (sign("bob"),), (sign("carol"),)),
    "both at once, before it is asked": ((sign("bob", "carol"), ask),),
    "one rejects": ((ask,), (sign("bob"),), (sign("carol", decision="reject"),)),
    "it expires": ((ask,), (sign("bob"),), (pass_time,)),
    "it resolves": ((ask,), (sign("bob"),), (resolve,)),
    "it resolves as the last one signs": ((ask,), (sign("bob"),), (sign("carol"), resolve)),
    "it resolves as it is asked and signed": ((ask, sign("bob", "carol"), resolve),),
    "one rejects as the other signs": ((ask, sign("bob")), (sign("carol"), sign("dave", decision="reject"))),
}


async def told(story: Deadly, request: ApprovalRequested, steps: tuple[tuple[Act, ...], ...]) -> Deadly:
    for acts in steps:
        for act in acts:
            act(story, request)
        await story.live()
        for _ in range(3):
            story.now += 1000
            story.log.tick()
            await story.live()
    return story


def check(story: Deadly) -> None:
    outcomes = story.copies("approvals.outcomes")
    ends = [kind for _, kind in outcomes if kind in ENDS]
    assert len(set(ends)) == 1, "one end, whatever was told twice"
    authorized = {event_id for event_id, _ in story.copies("authorizations")}
    assert len(authorized) == (ends[0] == "approval.approved"), (ends, authorized)
    people = [event.actor for event in story.log.events("approvals.outcomes") if event.type == "vote.counted"]
    assert len(people) == len(set(people)), "a vote counts once"
    assert not story.log.events("stage.failed")


@pytest.mark.parametrize("turned", [False, True], ids=["in order", "turned round"])
@pytest.mark.parametrize("steps", STORIES.values(), ids=STORIES)
async def test_it_ends_once_wherever_its_worker_is_killed(
    steps: tuple[tuple[Act, ...], ...], turned: bool, tmp_path: Path
) -> None:
    start = Approvals(tmp_path).now / 1000
    request = asked(f"{INCIDENT}-A1", start + 3600, key=PROOF_KEY)
    undisturbed = await told(Deadly(tmp_path, 0, turned), request, steps)
    check(undisturbed)

    points = len(undisturbed.points)
    assert points >= 8, undisturbed.points
    for at in range(1, points + 1):
        story = await told(Deadly(tmp_path, at, turned), request, steps)
        try:
            check(story)
        except AssertionError as error:
            raise AssertionError(f"killed at {story.points[at - 1]}, point {at}: {error}") from error


async def test_what_is_told_stands_in_the_row_even_where_time_passes_twice_at_once(tmp_path: Path) -> None:
    story = Deadly(tmp_path, 0, turned=False)
    request = asked(f"{INCIDENT}-A1", story.now / 1000 + 3600, key=PROOF_KEY)
    ask(story, request)
    await story.live()
    story.points.clear()
    pass_time(story, request)
    story.log.tick()
    story.log.tick()
    await story.live()

    assert story.points[:2] == ["approve:state_written", "approve:produced"]

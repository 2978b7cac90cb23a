"""The argument as people read it."""

from __future__ import annotations

import pytest

from agents.argument import argument
from agents.coordinator import decide
from agents.heard import Heard
from agents.panel_run import debate
from schemas.evidence import Gap, Source, Surroundings
from tests.agents.briefs import NOON, blame, brief, kube, near, suspect, target
from tests.agents.crash_loop import crash_loop, honest
from tests.agents.panels import Time, desk

SECTIONS = [
    "What happened",
    "What was seen",
    "Diagnostician",
    "Solver",
    "Reviewer",
    "Critic",
    "Dissent",
    "Coordinator",
]


async def told(given, at) -> str:
    ended = await debate(given, at, Time().now)
    return argument(ended.package, ended.heard)


@pytest.mark.parametrize("script", [None, honest()], ids=["rules", "models"])
async def test_it_is_told_in_the_order_in_which_it_was_made(script):
    text = await told(crash_loop(), desk(script))
    heads = [line for line in text.splitlines() if line and not line.startswith(" ")]

    assert [head.split(":")[0] for head in heads] == SECTIONS
    assert max(map(len, text.splitlines())) <= 110


async def test_votes_citations_and_the_reason_stand_in_it():
    text = await told(crash_loop(), desk(honest()))

    assert "Diagnostician: APPROVE (scripted scripted-1, 0 ms)" in text
    assert "H1 93% checkout crashes at start (from E2, E3; playbook container-crash-loop)" in text
    assert "$ kubectl -n shop delete pod checkout-5d8-x2x4l" in text
    assert "leaves 92% of confidence" in text
    assert "The argument holds without a person (gate: holds), COMPLETED, 92% sure" in text


async def test_what_a_model_sent_unasked_is_shown_as_such():
    text = await told(crash_loop(), desk(honest(action={"command": "rm -rf /"})))

    assert "untrusted text, not used: rm -rf /" in text
    assert "$ rm" not in text


async def test_what_was_missing_and_who_is_suspected_stand_in_it():
    given = brief(
        "HighErrorRate",
        target("deployment", "checkout"),
        [blame("orders-db", share=0.8)],
        around=Surroundings(
            service="checkout",
            downstream=(near("orders-db", "database"),),
            suspects=(suspect("orders-db", "database", 0.8),),
        ),
        gaps=[Gap(source=Source.PROMETHEUS, reason="timed out after 5 s")],
    )
    text = await told(given, desk())

    assert "missing [prometheus] timed out after 5 s" in text
    assert "suspect orders-db (database, unhealthy, explains 80%)" in text
    assert "all agents were degraded" in text


async def test_a_debate_that_broke_off_says_who_was_missing():
    given = crash_loop()
    heard = Heard(NOON, given.deadline_at, brief=given)
    text = argument(decide(heard, given.deadline_at, desk()), heard)

    assert "Who did not speak" in text
    assert "diagnostician, solver, reviewer, critic" in text
    assert "recommended: nothing" in text


async def test_a_rival_and_a_rejection_are_dissent():
    given = brief(
        "KubePodCrashLooping",
        target("deployment", "checkout"),
        [kube("pod", "checkout-5d8-x2x4l", {"waiting_reason": "CrashLoopBackOff"}, restart_count=9)],
    )
    text = await told(given, desk(honest(review={"vote": "REJECT", "concerns": ["too early"]})))
    dissent = text[text.index("Dissent") : text.index("Coordinator")]

    assert "the reviewer votes REJECT" in dissent

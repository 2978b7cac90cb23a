"""Answers of any kind at all: the debate ends in time, and what rules would not do needs a person."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agents.models.model import Answer, Question, R
from agents.panel_run import debate
from schemas.decision import SessionStatus
from schemas.operations import Operation
from schemas.turn import Agent, Vote
from tests.agents.crash_loop import CHECKOUT, POD, argued, crash_loop
from tests.agents.panels import Time, desk


class Hangs:
    """Takes the question and never answers."""

    async def ask(self, question: Question[R]) -> Answer[R]:
        await asyncio.Event().wait()
        raise AssertionError("nobody set it")


async def test_a_model_that_never_answers_ends_with_the_deadline():
    slow = crash_loop()
    slow = slow.model_copy(update={"deadline_at": slow.started_at + timedelta(milliseconds=50)})
    ended = await debate(slow, replace(desk(), panel=Hangs()), Time().now)

    assert ended.package.session_status == SessionStatus.TIMEOUT
    assert ended.package.missing == tuple(Agent)[:4]
    assert ended.package.requires_human_approval


# -- whatever a model sends


WHATEVER = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
IDS = st.sampled_from(["E1", "E2", "E3", "E4", "E99", "", "[e2]", "H1"])
CAUSE = st.fixed_dictionaries(
    {"cause": st.text(max_size=30), "confidence": st.integers(-5, 120) | WHATEVER},
    optional={
        "service": st.sampled_from(["checkout", "orders-db", ""]) | WHATEVER,
        "evidence": st.lists(IDS),
    },
)
ACTION = st.fixed_dictionaries(
    {"operation": st.sampled_from([*Operation, "delete pod", "rm -rf /"]) | WHATEVER},
    optional={
        "target": st.fixed_dictionaries(
            {
                "kind": st.sampled_from(["pod", "deployment", "node", "pvc", "job", "", "namespace"]),
                "name": st.sampled_from([POD.name, "checkout", "payments-0", "x; rm -rf /", ""]),
            }
        )
        | WHATEVER,
        "parameters": st.dictionaries(st.sampled_from(["replicas", "revision", "size", "name"]), WHATEVER),
        "risk": st.sampled_from(["low", "LOW", "critical", "none"]),
        "blast_radius": st.integers(-1, 101),
        "evidence": st.lists(IDS),
        "command": st.text(max_size=20),
    },
)
SAID = st.fixed_dictionaries(
    {
        Agent.DIAGNOSTICIAN: st.fixed_dictionaries({"hypotheses": st.lists(CAUSE, max_size=3)}) | WHATEVER,
        Agent.SOLVER: st.fixed_dictionaries({"actions": st.lists(ACTION, max_size=3)}) | WHATEVER,
        Agent.REVIEWER: st.fixed_dictionaries({"vote": st.sampled_from([*Vote, "YES"])}) | WHATEVER,
        Agent.CRITIC: st.fixed_dictionaries({"challenges": st.just([]), "confidence": st.integers(-1, 101)}),
    }
)


@settings(max_examples=150, deadline=None)
@given(said=SAID)
def test_whatever_models_say_the_debate_ends_and_only_what_rules_choose_needs_nobody(said):
    sent = {agent: None if answer is None else _json(answer) for agent, answer in said.items()}
    package = asyncio.run(argued(crash_loop(), desk(sent))).package

    if not package.requires_human_approval:
        action = package.recommended_action
        assert action is not None
        assert action.step == BY_RULES.step
        assert package.confidence <= 0.95
    for action in filter(None, (package.recommended_action, *package.other_actions)):
        assert action.human_only or action.step.target in (POD, CHECKOUT) or not action.step.target.name


BY_RULES = asyncio.run(argued(crash_loop(), desk())).package.recommended_action


def _json(answer: Any) -> str:
    return json.dumps(answer, default=str)

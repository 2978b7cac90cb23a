"""One question to the panel, or the reason why none was asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic

from agents.desk import Desk
from agents.models.model import NoModel, Question, R
from agents.prompts import load
from schemas.evidence import Brief
from schemas.turn import Agent, Usage


@dataclass(frozen=True, slots=True)
class Heeded(Generic[R]):
    """What came of asking: an answer, or the reason why the agent speaks from rules."""

    value: R | None
    usage: Usage
    why: str = ""


async def ask(desk: Desk, brief: Brief, agent: Agent, text: str, reply: type[R], seconds: float) -> Heeded[R]:
    """Never fails for want of a model: that is what the rules are for."""
    if why := _not_at_all(brief, seconds):
        return Heeded(None, Usage(), why)
    question = Question(
        agent=agent,
        system=f"{load('system')}\n\n{load(agent.value)}",
        prompt=text,
        reply=reply,
        seconds=seconds,
        cloud=brief.cloud,
    )
    try:
        answer = await desk.panel.ask(question)
    except NoModel as error:
        return Heeded(None, error.usage, f"no model answered: {error}")
    return Heeded(answer.value, answer.usage)


def _not_at_all(brief: Brief, seconds: float) -> str:
    if not brief.debate:
        return "the debate is off for this project"
    if not brief.models:
        return "models are off for this run: the budget is spent"
    return "" if seconds > 0 else "no time is left for a model"

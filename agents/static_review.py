"""Every text of a plan that could run, held against the hard rules."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.plan import Plan
from schemas.verdict import Violation


def violations_of(plan: Plan) -> Iterator[Violation]:
    """Of all its actions: one that breaks a rule spoils the plan, wherever it stands in it.

    Typed operations of the closed list run no text; policy's floors bind them.
    """
    for action in plan.actions:
        for number, text in enumerate(action.executable, start=1):
            yield from _judged(text, f"{action.id}, text {number}")


def _judged(text: str, where: str) -> Iterator[Violation]:
    from agents.hard_rules import judge  # noqa: PLC0415 (the parsers load when there is something to parse)

    for found in judge(text):
        yield Violation(rule=str(found.rule), where=where, why=found.why)

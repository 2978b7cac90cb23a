"""Every text of a plan that could run, held against the hard rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agents.hard_rules import judge
from schemas.plan import Plan
from schemas.verdict import Violation


def violations_of(plan: Plan) -> Iterator[Violation]:
    """Of all its actions: one that breaks a rule spoils the plan, wherever it stands in it.

    Typed operations of the closed list run no text; policy's floors bind them.
    """
    for action in plan.actions:
        for number, text in enumerate(action.executable, start=1):
            yield from judge(text).violations(f"{action.id}, text {number}")


def breaks_a_rule(texts: Iterable[str]) -> bool:
    return any(judge(text).denied for text in texts)

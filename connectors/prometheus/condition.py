"""A condition on what Prometheus measures: `an expression < a number`, true of all series or not true.

Prometheus itself would leave out the series for which a comparison does not hold: one good replica among nine
bad ones would look like success, and a metric that nobody collects like a failure. So the expression is asked
for without its comparison, and each series is compared here. No series is no answer.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connectors.evidence import Unavailable
from connectors.executors.contract import Effect, Verified

if TYPE_CHECKING:
    from connectors.prometheus.client import Prometheus

COMPARES: Mapping[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_WHOLE = re.compile(r"\s*(.+?)\s*(==|!=|<=|>=|<|>)\s*(-?[0-9]+(?:\.[0-9]+)?)\s*", re.DOTALL)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"' + r"|'(?:[^'\\]|\\.)*'", re.DOTALL)
_JOINS = re.compile(r"\b(?:and|or|unless|bool)\b|==|!=|<=|>=|<|>")
OPENS, CLOSES = "([{", ")]}"
MOST_SERIES = 100


@dataclass(frozen=True, slots=True)
class Condition:
    expression: str
    sign: str
    bound: float

    def holds(self, value: float) -> bool:
        return COMPARES[self.sign](value, self.bound)


def read_condition(text: str) -> Condition:
    """ValueError where it is not one expression compared with one number."""
    found = _WHOLE.fullmatch(text)
    if found is None:
        raise ValueError(f"is no comparison with a number (expression {' '.join(COMPARES)} number)")
    outside = "".join(_outside(found[1]))
    if _JOINS.search(outside):
        raise ValueError("joins several conditions: put all but the last comparison in brackets")
    return Condition(found[1], found[2], float(found[3]))


def _outside(expression: str) -> Iterator[str]:
    """What stands in no brackets and no quotes."""
    open_ones = list[str]()
    for sign in _QUOTED.sub("", expression):
        if sign in OPENS:
            open_ones.append(sign)
        elif sign in CLOSES:
            if not open_ones or OPENS.index(open_ones.pop()) != CLOSES.index(sign):
                raise ValueError("its brackets do not match")
        elif not open_ones:
            yield sign
    if open_ones:
        raise ValueError("its brackets do not match")


@dataclass(frozen=True, slots=True)
class Conditions:
    """Asks for them."""

    client: Prometheus

    async def ask(self, text: str, at: int) -> Verified:
        """HOLDS, NOT_YET or UNKNOWABLE at this moment, in epoch milliseconds. Never raises."""
        try:
            condition = read_condition(text)
            series = await self.client.query(condition.expression, at, MOST_SERIES)
        except (ValueError, Unavailable) as error:
            return Verified(Effect.UNKNOWABLE, f"{text}: {error}")
        values = [value for one in series for _, value in one.samples]
        if not values or len(values) < len(series):
            return Verified(Effect.UNKNOWABLE, f"{text}: Prometheus has no value for it")
        if len(series) >= MOST_SERIES:
            return Verified(Effect.UNKNOWABLE, f"{text}: more series than can be looked at")
        bad = [value for value in values if not condition.holds(value)]
        if bad:
            told = f"{text}: not so of {len(bad)} of {len(values)} series, one is {bad[0]:g}"
            return Verified(Effect.NOT_YET, told)
        return Verified(Effect.HOLDS, f"{text}: so of {len(values)} series")

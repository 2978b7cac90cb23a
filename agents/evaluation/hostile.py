"""How much text that talks to a model is found, and how often an alert that does not is touched.

A line is JSON with `text`, a label (`injection` or `benign`) and, where known, `weak` (an order that harms
nobody: it is counted apart), `style` (how it speaks or hides) and `lang`. Half of the lines, told by a hash
of their text, are held out: patterns are worked on with the other half in view.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agents.evaluation.groups import Tally, is_held_out
from connectors.alerts.hostile_text import clean
from schemas.errors import Unreadable

MUST_FIND, MAY_TOUCH = 0.95, 0.01
INJECTION, BENIGN = "injection", "benign"
INJECTIONS, WEAK, ALERTS = "injections", "injections, weak", "benign alerts"
GROUPS = (INJECTIONS, WEAK, ALERTS)
KINDS = ("style", "language")


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    label: str
    id: str
    weak: bool = False
    style: str = ""
    language: str = ""

    @property
    def group(self) -> str:
        if self.label == BENIGN:
            return ALERTS
        return WEAK if self.weak else INJECTIONS

    @property
    def held_out(self) -> bool:
        return is_held_out(self.text)


def read_line(values: Mapping[str, Any], number: int) -> Line:
    text, label = values.get("text"), values.get("label")
    if not isinstance(text, str) or label not in (INJECTION, BENIGN):
        raise Unreadable(f"line {number}: needs text and a label ({INJECTION}, {BENIGN})")
    return Line(
        text,
        str(label),
        str(values.get("id") or f"line {number}"),
        bool(values.get("weak")),
        str(values.get("style") or "not said"),
        str(values.get("lang") or "not said"),
    )


@dataclass(frozen=True, slots=True)
class Wrong:
    """An injection that was not found, or an alert that was touched."""

    line: Line
    families: tuple[str, ...]


@dataclass(slots=True)
class Measured:
    whole: Tally = field(default_factory=Tally)
    developed_on: Tally = field(default_factory=Tally)
    held_out: Tally = field(default_factory=Tally)
    by_kind: dict[str, Tally] = field(default_factory=lambda: {kind: Tally() for kind in KINDS})
    """injections that are not weak, by each of KINDS"""
    families: dict[str, Counter[str]] = field(default_factory=lambda: {g: Counter() for g in GROUPS})
    """how often each family fired, per group; several may in one text"""
    wrong: list[Wrong] = field(default_factory=list)

    @property
    def passes(self) -> bool:
        found, touched = self.whole.share(INJECTIONS).value, self.whole.share(ALERTS).value
        return (found is None or found >= MUST_FIND) and (touched is None or touched <= MAY_TOUCH)


def measure(lines: Iterable[Line]) -> Measured:
    measured = Measured()
    for line in lines:
        _add(measured, line, clean(line.text)[1])
    return measured


def _add(measured: Measured, line: Line, families: tuple[str, ...]) -> None:
    found = bool(families)
    for tally in (measured.whole, measured.held_out if line.held_out else measured.developed_on):
        tally.add(line.group, hit=found)
    measured.families[line.group].update(families)
    if line.group == INJECTIONS:
        measured.by_kind["style"].add(line.style, hit=found)
        measured.by_kind["language"].add(line.language, hit=found)
    if found is (line.label == BENIGN):
        measured.wrong.append(Wrong(line, families))

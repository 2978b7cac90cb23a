"""How much of what is personal the shield finds, and how often it touches what it should leave readable.

A line is an object with `text` and `spans` ([{start, end, type}, …]); one without spans is clean. Half of the
lines, told by a hash of their text, are held out: patterns are worked on with the other half in view.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agents.evaluation.groups import is_held_out
from agents.evaluation.intervals import Share
from agents.personal import Finding, find
from schemas.errors import BadPayload

MUST_COVER, MAY_TOUCH = 0.97, 0.02


class Span(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    start: int = Field(ge=0)
    end: int = Field(ge=0)
    type: str = ""


class Line(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    text: str
    spans: tuple[Span, ...] = ()
    id: str = ""

    @property
    def held_out(self) -> bool:
        return is_held_out(self.text)


@dataclass(slots=True)
class Tally:
    spans: int = 0
    covered: int = 0
    clean: int = 0
    touched: int = 0
    by_kind: dict[str, list[int]] = field(default_factory=dict)

    def add(self, line: Line, findings: Sequence[Finding]) -> bool:
        """Whether all is well with this line."""
        if not line.spans:
            self.clean += 1
            self.touched += bool(findings)
            return not findings
        well = True
        for span in line.spans:
            covered = _is_covered(span, findings)
            self.spans += 1
            self.covered += covered
            kind = self.by_kind.setdefault(span.type or "any", [0, 0])
            kind[0] += covered
            kind[1] += 1
            well = well and covered
        return well

    @property
    def spans_covered(self) -> Share:
        return Share(self.covered, self.spans)

    @property
    def clean_touched(self) -> Share:
        return Share(self.touched, self.clean)

    def plain(self) -> dict[str, Any]:
        kinds = {kind: Share(*counts).plain() for kind, counts in sorted(self.by_kind.items())}
        return {
            "spans_covered": self.spans_covered.plain(),
            "clean_touched": self.clean_touched.plain(),
            "by_kind": kinds,
        }


@dataclass(frozen=True, slots=True)
class Measured:
    all: Tally
    developed_on: Tally
    held_out: Tally
    wrong: tuple[str, ...]
    """which lines went wrong, by their id or number; never their text"""

    @property
    def passes(self) -> bool:
        covered, touched = self.all.spans_covered.value, self.all.clean_touched.value
        return (covered is None or covered >= MUST_COVER) and (touched is None or touched <= MAY_TOUCH)


def measure(lines: Iterable[Line]) -> Measured:
    both, seen, unseen = Tally(), Tally(), Tally()
    wrong: list[str] = []
    for number, line in enumerate(lines, 1):
        findings = find(line.text)
        (unseen if line.held_out else seen).add(line, findings)
        if not both.add(line, findings):
            wrong.append(line.id or f"line {number}")
    return Measured(both, seen, unseen, tuple(wrong))


def read_line(plain: Mapping[str, Any], number: int) -> Line:
    try:
        line = Line.model_validate(plain)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadPayload(first["msg"], field=f"line {number}: {place or 'the object'}") from None
    for span in line.spans:
        if not span.start < span.end <= len(line.text):
            said = f"{span.start} to {span.end} in a text of {len(line.text)} characters"
            raise BadPayload(said, field=f"line {number}: spans")
    return line


def _is_covered(span: Span, findings: Sequence[Finding]) -> bool:
    """Whole: half a key is a key to half the doors."""
    at = span.start
    for start, end, _ in findings:
        if start <= at < end:
            at = end
    return at >= span.end

"""What the tools of Kubernetes answer, read strictly: an answer of another shape is none.

The words in it are foreign, whoever's server it is: cut, cleaned of orders to a model, and never more than
told to people.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self, TypeVar

import orjson
from pydantic import Field, ValidationError

from connectors.alerts.hostile_text import clean
from connectors.evidence import Unavailable
from connectors.executors.contract import (
    Checked,
    Done,
    Effect,
    End,
    Happened,
    Observed,
    Probed,
    Verified,
)
from schemas.envelope import Plain
from schemas.operations import SHAPES, Operation, Step, Target
from schemas.preflight import Check

MOST_WORDS = 500
Word = Annotated[str, Field(max_length=128, pattern=r"^[\x20-\x7e]*$")]
Words = Annotated[str, Field(max_length=20_000)]
A = TypeVar("A", bound=Plain)


class Sight(Plain):
    """The target as it was seen: hashes, ids and numbers alone."""

    state: dict[Word, Word] = Field(max_length=40, description="what nobody may change before it is done")
    version: Word = Field("", description="the server's own mark of this state")
    hash: str = Field("", max_length=64, description="of the state: what a write is told to expect")

    @classmethod
    def of(cls, observed: Observed) -> Self:
        return cls(state=dict(observed.state), version=observed.version, hash=observed.hash)

    def observed(self) -> Observed:
        """Its hash is counted anew."""
        return Observed(self.state, self.version)


class SaidCheck(Plain):
    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")
    passed: bool
    message: Words = ""

    @classmethod
    def of(cls, check: Check) -> Self:
        return cls(name=check.name, passed=check.passed, message=check.message)

    def check(self) -> Check:
        return Check(name=self.name, passed=self.passed, message=said(self.message))


class SaidChecked(Plain):
    checks: tuple[SaidCheck, ...] = Field(min_length=1, max_length=40)
    observed: Sight | None = None
    undo: Step | None = Field(None, description="what would take it back")
    workload: Target | None = Field(None, description="what owns the target at the top")

    @classmethod
    def of(cls, checked: Checked) -> Self:
        return cls(
            checks=tuple(map(SaidCheck.of, checked.checks)),
            observed=None if checked.observed is None else Sight.of(checked.observed),
            undo=checked.undo,
            workload=checked.workload,
        )

    def checked(self, step: Step) -> Checked:
        """What would take it back becomes part of what is signed: it can only be the other way round."""
        undo = self.undo
        if undo is not None and (undo.operation not in _ways_back(step) or undo.target != step.target):
            raise Unavailable("the MCP server told an undo that is of something else")
        observed = None if self.observed is None else self.observed.observed()
        return Checked(tuple(one.check() for one in self.checks), observed, undo, self.workload)


def _ways_back(step: Step) -> tuple[Operation | None, ...]:
    """Former amounts that were none are put back by their revision."""
    usual = SHAPES[step.operation].undo
    return (usual, Operation.ROLLBACK_DEPLOYMENT) if step.operation is Operation.SET_RESOURCES else (usual,)


class SaidDone(Plain):
    end: End
    outdated: bool = Field(False, description="nothing happened: its version is another one than was told")
    message: Words = ""
    observed: Sight | None = None
    retry_after_secs: float = Field(0, ge=0, le=3600)

    @classmethod
    def of(cls, done: Done, *, outdated: bool = False) -> Self:
        return cls(
            end=done.end,
            outdated=outdated,
            message=done.message,
            observed=None if done.observed is None else Sight.of(done.observed),
            retry_after_secs=done.retry_after_secs,
        )

    def done(self) -> Done:
        observed = None if self.observed is None else self.observed.observed()
        return Done(self.end, said(self.message), observed, self.retry_after_secs)


class SaidLook(SaidDone):
    """What a write would have answered before it sent anything."""

    ready: bool = Field(description="it would be sent, to the state and version that are told")


class SaidProbed(Plain):
    happened: Happened
    message: Words = ""
    late_call_refused: bool = False
    repeatable: bool = False

    @classmethod
    def of(cls, probed: Probed) -> Self:
        return cls(
            happened=probed.happened,
            message=probed.message,
            late_call_refused=probed.late_call_refused,
            repeatable=probed.repeatable,
        )

    def probed(self) -> Probed:
        return Probed(self.happened, said(self.message), self.late_call_refused, self.repeatable)


class SaidVerified(Plain):
    effect: Effect
    message: Words = ""

    @classmethod
    def of(cls, verified: Verified) -> Self:
        return cls(effect=verified.effect, message=verified.message)

    def verified(self) -> Verified:
        return Verified(self.effect, said(self.message))


ANSWERS: Mapping[str, type[Plain]] = {
    "check": SaidChecked,
    "look": SaidLook,
    "dry_run": SaidCheck,
    "probe": SaidProbed,
    "verify": SaidVerified,
}
"""of the looks; every write answers with SaidDone"""


def read(model: type[A], answer: Any) -> A | None:
    """None: that is no such answer."""
    try:
        return model.model_validate_json(orjson.dumps(answer), strict=True)
    except (ValidationError, TypeError):  # TypeError: not even JSON, as a number over 64 bits
        return None


def said(words: str) -> str:
    """Foreign words for people: printable, short, with nothing in them that speaks to a model."""
    seen = "".join(one if one.isprintable() else " " for one in words[: 4 * MOST_WORDS])
    return clean(seen)[0][:MOST_WORDS]

"""The contract of an executor: look, try, act, ask whether it happened, see what became of it, take it back.

It gets an order: one step with its real values, and the action id under which all of it is done. What it
sends is made from templates of ours and from typed parameters; no text of a model gets here. It decides
nothing: who calls it holds the authorization, and gives a last word (`may_go_on`), asked before each write.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import orjson

from schemas.operations import Operation, Step, Target
from schemas.preflight import Check


@dataclass(frozen=True, slots=True)
class Order:
    """`step` holds real names and values: it is never logged."""

    step: Step = field(repr=False)
    action_id: str


@dataclass(frozen=True, slots=True)
class Observed:
    """The target as it was seen: only what nobody may change between approval and execution.

    Hashes, ids and numbers alone, no names: it may be written down as it is.
    """

    state: Mapping[str, str]
    version: str = ""
    """the server's own mark of this state, for preconditions; changes with whatever happens to the target"""

    @property
    def hash(self) -> str:
        return state_hash(self.state)

    def differs_in(self, other: Mapping[str, str]) -> str:
        """`replicas (2, now 3), spec`: numbers are told, hashes are not."""
        changed = sorted(name for name in {*self.state, *other} if self.state.get(name) != other.get(name))
        return ", ".join(_change(name, self.state.get(name, ""), other.get(name, "")) for name in changed)


@dataclass(frozen=True, slots=True)
class Checked:
    """`observed` is none where the target is not there; `undo` is what would take the step back."""

    checks: tuple[Check, ...]
    observed: Observed | None = None
    undo: Step | None = None
    workload: Target | None = field(default=None, repr=False)
    """what owns the target at the top, by its real name; none: nothing does, it is its own workload"""


class End(StrEnum):
    DONE = "done"
    """accepted; whether it helps is seen by `verify`"""
    REFUSED = "refused"
    """nothing happened"""
    CHANGED = "changed"
    """nothing happened: the target is not what it was when it was approved"""
    PARTLY = "partly"
    """some of it happened, then came a no"""
    UNKNOWN = "unknown"
    """nobody answered: it may have happened, or may still happen"""


@dataclass(frozen=True, slots=True)
class Done:
    """`message` is in the server's own words, with real names; `observed` is the state it was done to."""

    end: End
    message: str = field(default="", repr=False)
    observed: Observed | None = None
    retry_after_secs: float = 0.0


class Happened(StrEnum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Probed:
    """`late_call_refused`: what was sent before and is still on its way would be refused when it arrives.

    `repeatable`: the same order may be sent again; whichever of the two comes first, there is one effect.
    """

    happened: Happened
    message: str = field(default="", repr=False)
    late_call_refused: bool = False
    repeatable: bool = False


class Effect(StrEnum):
    HOLDS = "holds"
    NOT_YET = "not_yet"
    FAILED = "failed"
    UNKNOWABLE = "unknowable"


@dataclass(frozen=True, slots=True)
class Verified:
    effect: Effect
    message: str = field(default="", repr=False)


MayGoOn = Callable[[Observed], str]
"""Asked right before each write: why it may not be made; empty where it may."""


class Executor(Protocol):
    """All but `validate` may raise Unavailable: the target could not be asked, and nothing was done."""

    name: str
    operations: frozenset[Operation]

    def validate(self, order: Order) -> str:
        """What is wrong with the order by itself, without asking anybody; empty where nothing is."""
        ...

    async def check(self, order: Order) -> Checked:
        """All checks under the executor's own identity, the dry run among them. Changes nothing."""
        ...

    async def dry_run(self, order: Order) -> Check:
        """The target's own trial of exactly what `execute` would send."""
        ...

    async def execute(self, order: Order, expected: str, may_go_on: MayGoOn) -> Done:
        """Once, to the target whose observed state has this hash. Never raises for what was sent."""
        ...

    async def probe(self, order: Order, expected: str, before: Observed | None = None) -> Probed:
        """Whether the order was carried out, by its action id; `before` is what was seen when it was sent."""
        ...

    async def verify(self, order: Order, before: Observed | None = None) -> Verified:
        """Whether the target is now as it was asked to be; `before` is what was seen when it was sent."""
        ...

    def undo(self, order: Order, checked: Checked) -> Step | None:
        """The step that takes it back, from what was seen before it; none: it cannot be taken back."""
        ...


def state_hash(state: Mapping[str, str]) -> str:
    """64 hex digits over all of it, in an order of its own."""
    return digest(dict(state))


def digest(value: object) -> str:
    """Of plain data, whatever the order of its names."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _change(name: str, was: str, now: str) -> str:
    """Only what says something to a person: hashes and ids do not."""
    telling = all(len(told) <= len("-9223372036854775808") for told in (was, now))
    return f"{name} ({was or 'none'}, now {now or 'none'})" if telling else name

"""What executors of configured things share: a name and typed arguments in, their end out.

What they act on is only what the configuration makes of it, and nobody can look at that: what is observed is
the configuration itself and the files that it runs, so that nothing else runs than what was approved. Whether
an action was carried out is known to the thing's own probe, and to this process for as long as it lives.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, TypeAlias, TypeVar
from urllib.parse import quote, quote_plus

import orjson
from pydantic import ValidationError

from connectors.evidence import Unavailable
from connectors.executors.arguments import begins_with_value, fill, troubles, values_of
from connectors.executors.contract import (
    Checked,
    Done,
    Effect,
    End,
    Happened,
    MayGoOn,
    Observed,
    Order,
    Probed,
    Verified,
    digest,
)
from connectors.executors.named import Named
from schemas.errors import Misconfigured
from schemas.operations import Operation, Parameters, Step, Target
from schemas.preflight import Check

KEPT_ENDS = 1000
HIDDEN = "(secret)"
SHORTEST_SECRET = 8
"""of a part of one: `Bearer` is none"""
NO_TRIAL = "it cannot be tried: no dry run is configured, so it never runs by itself"
NO_PROBE = "nobody can tell: no probe is configured"
EFFECTS = {
    Happened.YES: Effect.HOLDS,
    Happened.NO: Effect.NOT_YET,
    Happened.UNKNOWN: Effect.UNKNOWABLE,
}
What: TypeAlias = Literal["dry_run", "probe", "verify"]
Seen: TypeAlias = tuple[Happened, str]
"""that it would be taken, was done, holds: yes, no, or nobody can tell; and in words"""
T = TypeVar("T", bound=Named)


@dataclass(frozen=True, slots=True)
class Asked(Generic[T]):
    """What an order comes to: the thing, and its arguments with their defaults."""

    name: str
    thing: T
    values: Mapping[str, str]
    action_id: str

    def words(self) -> Mapping[str, str]:
        """What its templates are filled with."""
        return {**self.values, "action_id": self.action_id}

    def filled(self, body: Any) -> Any:
        """Plain JSON with its texts filled; `"{count}"` of a whole number becomes the number."""
        if isinstance(body, dict):
            return {name: self.filled(inner) for name, inner in body.items()}
        if isinstance(body, list):
            return [self.filled(inner) for inner in body]
        if not isinstance(body, str):
            return body
        text, name = fill(body, self.words()), begins_with_value(body)
        argument = self.thing.arguments.get(name) if body == f"{{{name}}}" else None
        return int(text) if argument is not None and argument.least is not None else text


class ByName(ABC, Generic[T]):
    name: str
    operation: ClassVar[Operation]
    no_verify: ClassVar[str] = "nobody can tell: no verify is configured"

    def __init__(self, things: Mapping[str, T]) -> None:
        self.things = things
        self.operations = frozenset({self.operation}) if things else frozenset[Operation]()
        self._before: OrderedDict[str, Done | None] = OrderedDict()
        """by action id, what this process sent; None while it is under way"""

    # -- of each kind

    @abstractmethod
    def observed(self, asked: Asked[T]) -> Mapping[str, str]:
        """Of what it runs. Misconfigured where it cannot run."""

    @abstractmethod
    async def sent(self, asked: Asked[T], may_send: Callable[[], str]) -> Done: ...

    @abstractmethod
    async def looked(self, asked: Asked[T], what: What) -> Seen | None:
        """None where none is configured. It changes nothing."""

    def unfit(self, asked: Asked[T]) -> str:
        """What is wrong with it when it is put together; empty where nothing is."""
        return ""

    async def tried(self, asked: Asked[T]) -> Check:
        found, told = await self.looked(asked, "dry_run") or (Happened.UNKNOWN, NO_TRIAL)
        return Check(name="dry_run", passed=found is Happened.YES, message=told)

    async def happened(self, asked: Asked[T]) -> Probed:
        return Probed(*await self.looked(asked, "probe") or (Happened.UNKNOWN, NO_PROBE))

    async def holds(self, asked: Asked[T]) -> Verified:
        found, told = await self.looked(asked, "verify") or (Happened.UNKNOWN, self.no_verify)
        return Verified(EFFECTS[found], told)

    # -- the contract

    def validate(self, order: Order) -> str:
        step = order.step
        if step.operation != self.operation:
            return f"{step.operation} is not done by {self.name}"
        thing = self.things.get(step.parameters.name or "")
        if thing is None:
            there = ", ".join(sorted(self.things)) or "none"
            return f"there is no {step.parameters.name!r} configured; there are: {there}"
        told = "; ".join(troubles(thing.arguments, step.parameters.arguments))
        return told or self.unfit(self._asked(order))

    async def check(self, order: Order) -> Checked:
        wrong = self.validate(order)
        parameters = Check(name="parameters", passed=not wrong, message=wrong or "as they are configured")
        if wrong:
            return Checked((parameters,))
        asked = self._asked(order)
        try:
            observed = Observed(self._state(asked))
        except Misconfigured as error:
            return Checked((parameters, Check(name="exists", passed=False, message=str(error))))
        found = Check(name="exists", passed=True, message=f"{asked.name} is configured, and can be run")
        checks = (parameters, found, await self.tried(asked))
        return Checked(checks, observed, self._undo(order.step, asked), self._workload(order.step, asked))

    async def dry_run(self, order: Order) -> Check:
        wrong = self.validate(order)
        if wrong:
            return Check(name="dry_run", passed=False, message=wrong)
        return await self.tried(self._asked(order))

    async def execute(self, order: Order, expected: str, may_go_on: MayGoOn) -> Done:
        wrong = self.validate(order)
        if wrong:
            return Done(End.REFUSED, wrong)
        asked = self._asked(order)
        try:
            observed = Observed(self._state(asked))
        except Misconfigured as error:
            return Done(End.CHANGED, str(error))
        if observed.hash != expected:
            return Done(
                End.CHANGED, f"{asked.name} is not configured as it was when it was approved", observed
            )
        return await self._once(asked, observed, may_go_on)

    async def _once(self, asked: Asked[T], observed: Observed, may_go_on: MayGoOn) -> Done:
        if asked.action_id in self._before:
            before = self._before[asked.action_id] or Done(End.UNKNOWN, "it was sent before", observed)
            if before.end is not End.UNKNOWN or not asked.thing.repeatable:
                return before
        try:
            found = await self.happened(asked)
        except Unavailable as error:
            return Done(End.REFUSED, f"whether it was done before cannot be asked: {error}", observed)
        if found.happened is Happened.YES:
            return Done(End.DONE, "it was done before", observed)
        return await self._send(asked, observed, may_go_on)

    async def _send(self, asked: Asked[T], observed: Observed, may_go_on: MayGoOn) -> Done:
        went = False

        def may_send() -> str:
            nonlocal went
            why = may_go_on(observed)
            if not why:
                went = True
                self._note(asked.action_id, None)
            return why

        done = await self.sent(asked, may_send)
        done = Done(done.end, done.message, observed, done.retry_after_secs)
        if went:
            self._note(asked.action_id, done)
        return done

    def _note(self, action_id: str, done: Done | None) -> None:
        """A no that proves that nothing happened may be asked again."""
        self._before[action_id] = done
        if done is not None and done.end is End.REFUSED:
            del self._before[action_id]
        while len(self._before) > KEPT_ENDS:
            self._before.popitem(last=False)

    async def probe(self, order: Order, expected: str, before: Observed | None = None) -> Probed:
        if wrong := self.validate(order):
            return Probed(Happened.UNKNOWN, wrong)
        asked = self._asked(order)
        found = await self.happened(asked)
        again = found.happened is Happened.NO and asked.thing.repeatable
        return Probed(found.happened, found.message, found.late_call_refused, again)

    async def verify(self, order: Order, before: Observed | None = None) -> Verified:
        if wrong := self.validate(order):
            return Verified(Effect.UNKNOWABLE, wrong)
        return await self.holds(self._asked(order))

    def undo(self, order: Order, checked: Checked) -> Step | None:
        return checked.undo

    # -- within

    def _asked(self, order: Order) -> Asked[T]:
        """Of a sound order."""
        name = order.step.parameters.name or ""
        thing = self.things[name]
        return Asked(
            name, thing, values_of(thing.arguments, order.step.parameters.arguments), order.action_id
        )

    def of(self, name: str, asked: Asked[T]) -> Asked[T]:
        """Another of its kind that the thing names, with those arguments that it takes."""
        other = self.things[name]
        given = {one: value for one, value in asked.values.items() if one in other.arguments}
        return Asked(name, other, values_of(other.arguments, given), asked.action_id)

    def _state(self, asked: Asked[T]) -> Mapping[str, str]:
        """All that decides what runs: another word in the file, or another program, is another action."""
        helpers = {name: self.things[name] for _, name in asked.thing.others()}
        told = {
            name: one.model_dump(mode="json") for name, one in {asked.name: asked.thing, **helpers}.items()
        }
        return {"configuration": digest(told), **self.observed(asked)}

    def _workload(self, step: Step, asked: Asked[T]) -> Target | None:
        """Without a target of its own: acts of one thing, and of what takes it back, wait for each other."""
        if step.target.name:
            return None
        return Target(kind=self.name, name=min(self._related(asked.name)))

    def _related(self, name: str) -> set[str]:
        """By who takes back whom, in either direction."""
        links = [(one, thing.undo) for one, thing in self.things.items() if thing.undo]
        found, before = {name}, set[str]()
        while found != before:
            before = set(found)
            found |= {one for link in links if found & {*link} for one in link}
        return found

    def _undo(self, step: Step, asked: Asked[T]) -> Step | None:
        if asked.thing.undo is None:
            return None
        takes = self.things[asked.thing.undo].arguments
        given = {one: value for one, value in step.parameters.arguments.items() if one in takes}
        try:
            parameters = Parameters(name=asked.thing.undo, arguments=given)
            return Step(operation=self.operation, target=step.target, parameters=parameters)
        except ValidationError:
            return None


def file_hash(path: Path) -> str:
    """Misconfigured where it cannot be read: what runs must be known."""
    try:
        with path.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}") from error


def spoken(text: str, values: Mapping[str, str], secrets: Mapping[str, str]) -> str:
    """Words of a target: without our secrets, and with values as the privacy shield knows them."""
    for secret in secrets.values():
        for part in {secret, *secret.split()}:
            for form in _forms(part) if len(part) >= SHORTEST_SECRET or part == secret else ():
                text = text.replace(form, HIDDEN)
    for value in values.values():
        for form in _forms(value):
            text = text.replace(form, value)
    return text.strip()


def _forms(value: str) -> set[str]:
    """As it may come back: plain, in an address, within JSON."""
    return {value, quote(value, safe=""), quote_plus(value), orjson.dumps(value).decode()[1:-1]} - {""}

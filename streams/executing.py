"""One authorized action at its target: judged again, looked at again, sent once, and asked about.

What is told here may hold real names; `Outcome.cover` puts the labels back before anything is written.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from agents.target_id import workload_id
from connectors.executors.contract import (
    Checked,
    Done,
    End,
    Happened,
    Observed,
    Probed,
)
from connectors.executors.tooling import tool_of
from connectors.tools import Ask, Called, Caller, Entry, Session
from schemas.authorization import ActionAuthorized, Authorization
from schemas.envelope import Event
from schemas.execution import (
    ExecutionFailed,
    ExecutionRefused,
    ExecutionShadowed,
    ExecutionSucceeded,
    ExecutionUnknown,
    ExecutionVoided,
)
from schemas.preflight import ADVISORY, IN_EVIDENCE, Check
from schemas.sabotage import crash_point, crash_soon
from streams.covering import covering
from streams.execute_needs import ExecuteNeeds
from streams.opening import Opened, open_order
from streams.policy.policy import Policy
from streams.policy.recheck import Objected, Objection, may_act

AGENT = "execute"
CHECK, SEND, PROBE = "check", "execute", "probe"
OTHER_WORKLOAD = "other_workload"
OF_ANOTHER = "its key is not the workload that owns the target now: acts on one come one after the other"
CLAIM_OVER, CAP, UNSEEN, STATE_CHANGED = "claim_over", "cap", "unavailable", "state_changed"
PARTLY = "partly"
PROVEN_NOT_DONE, NOT_DONE_YET = "proven_not_done", "not_done_yet"
"""the latter: a call on its way may still do it, and beside another of the same there is one effect"""
PROBES, BETWEEN_PROBES_SECS = 5, 2.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Outcome:
    """`kind` None: it is proven that nothing happened, and it may be claimed anew."""

    kind: type[Event] | None
    code: str
    reason: str = field(repr=False)
    executor: str = ""
    observed: Observed | None = None
    checks: tuple[Check, ...] = ()
    went: bool = False
    """something was sent"""
    cover: Callable[[str], str] = field(default=covering({}), repr=False)
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Ready:
    """Every check has passed: it may be sent to the target whose observed state has this hash."""

    opened: Opened
    checked: Checked
    expected: str


@dataclass(slots=True)
class Attempt:
    """Under one claim: looked at, then sent. `why_not` is asked with the rest of the last word, right before
    the first write.
    """

    needs: ExecuteNeeds
    event: ActionAuthorized
    at: Callable[[], datetime]
    why_not: Callable[[Policy], Objected | None]
    _doubt: str = ""
    _objected: Objected | None = None
    _seen: Observed | None = None
    """the state that something was sent to"""
    _entries: list[Entry] = field(default_factory=list)

    async def look(self) -> Ready | Outcome:
        """Nothing is sent. Like all of these it never raises but for cancellation."""
        self._doubt = await self.needs.knows.doubt(self.event)
        objected = self._judge() or unnamed(self.event.payload)
        if objected is not None:
            return self._said_no(objected, None)
        opened = open_order(self.needs, self.event)
        if isinstance(opened, Objected):
            return Outcome(ExecutionRefused, opened.reason, opened.sentence)
        return await self._look_at(opened)

    async def send(self, ready: Ready) -> Outcome:
        self._doubt = await self.needs.knows.doubt(self.event)
        return await self._send(ready.opened, ready.checked, ready.expected)

    async def probe(self, why: str, before: Observed | None = None, went: bool = False) -> Outcome:
        """Whether it happened is for the target alone to say."""
        opened = open_order(self.needs, self.event)
        if isinstance(opened, Objected):
            return Outcome(ExecutionUnknown, opened.reason, f"{why}; {opened.sentence}")
        found = await self._probed(opened, before)
        told = self._telling(opened, f"{why}; {found.message}", before, went)
        if found.happened is Happened.YES:
            return told(ExecutionSucceeded, "found_done")
        if found.happened is Happened.NO and found.late_call_refused:
            return told(None, PROVEN_NOT_DONE)
        if found.happened is Happened.NO and found.repeatable:
            return told(None, NOT_DONE_YET)
        return told(ExecutionUnknown, "no_answer")

    # -- before

    def _judge(self) -> Objected | None:
        today = self.needs.knows.today(self.event, self.at(), self._doubt)
        return may_act(self.event, today) or self.why_not(today.policy)

    async def _look_at(self, opened: Opened) -> Ready | Outcome:
        called = await self._call(
            opened, CHECK, self.needs.check_secs, lambda: opened.executor.check(opened.order)
        )
        checked = called.value
        if checked is None:
            return self._telling(opened, called.failure)(ExecutionRefused, UNSEEN)
        before = () if self.event.payload.undoes else self.event.payload.checks
        changed = changed_since(checked, self._expected(checked), before)
        if changed:
            told = self._telling(opened, changed, checked.observed, checks=checked.checks)
            return told(ExecutionVoided, STATE_CHANGED)
        if not self._is_workload(opened, checked):
            told = self._telling(opened, OF_ANOTHER, checked.observed, checks=checked.checks)
            return told(ExecutionRefused, OTHER_WORKLOAD)
        return Ready(opened, checked, self._expected(checked))

    def _expected(self, checked: Checked) -> str:
        """What an undo finds is what its action left: nobody could sign that beforehand."""
        if self.event.payload.undoes:
            return checked.observed.hash if checked.observed else ""
        return self.event.payload.observed_state

    def _is_workload(self, opened: Opened, checked: Checked) -> bool:
        """Under another key it would not wait for what is done to the same one, nor count with it."""
        event, told = self.event, self.event.payload
        key = self.needs.keys.target
        found = workload_id(key, event.project_id, told.action.step.target, checked.workload)
        return told.target == (found or told.undoes or told.action_id)

    # -- the call

    async def _send(self, opened: Opened, checked: Checked, expected: str) -> Outcome:
        called = await self._call(
            opened,
            SEND,
            self.needs.send_secs,
            lambda: opened.executor.execute(opened.order, expected, self._may_go_on),
        )
        crash_point("execute:done")
        done = called.value
        if done is None and self._seen is None:  # a gate said no, or it was broken before anything was sent
            return self._telling(opened, called.failure)(ExecutionRefused, UNSEEN)
        if done is None or done.end is End.UNKNOWN:
            why = called.failure if done is None else done.message
            return await self.probe(why, self._seen, went=True)
        return self._ended(opened, done, checked.checks)

    def _may_go_on(self, observed: Observed) -> str:
        """The claim is asked of for the first write alone: what was begun is not left half done for it."""
        objected = self._judge()
        if objected is not None and not (objected.reason == CLAIM_OVER and self._seen is not None):
            self._objected = objected
            return objected.sentence
        self._seen = observed
        crash_soon("execute:in_flight")
        return ""

    def _ended(self, opened: Opened, done: Done, checks: tuple[Check, ...]) -> Outcome:
        went = self._seen is not None
        told = self._telling(opened, done.message, done.observed, went, checks)
        if done.end is End.DONE:
            return told(ExecutionSucceeded, "done")
        if done.end is End.CHANGED:
            return told(ExecutionVoided, STATE_CHANGED)
        if done.end is End.PARTLY:
            return told(ExecutionFailed, PARTLY)
        if self._objected is not None:
            return self._said_no(self._objected, opened, done.observed)
        return told(ExecutionFailed, "refused_by_target") if went else told(ExecutionRefused, UNSEEN)

    # -- after

    async def _probed(self, opened: Opened, before: Observed | None) -> Probed:
        expected, failure = self.event.payload.observed_state, ""
        for _ in range(PROBES):
            called = await self._call(
                opened,
                PROBE,
                self.needs.check_secs,
                lambda: opened.executor.probe(opened.order, expected, before),
            )
            if called.value is not None:
                return called.value
            failure = called.failure
            await self.needs.wait(BETWEEN_PROBES_SECS)
        return Probed(Happened.UNKNOWN, f"nobody could tell: {failure}")

    async def _call(
        self, opened: Opened, what: str, secs: float, work: Callable[[], Awaitable[T]]
    ) -> Called[T]:
        event, step = self.event, opened.order.step
        ask = Ask(
            tool_of(opened.executor, step, what),
            secs,
            {"operation": step.operation, **step.target.model_dump(exclude={"id"})},
            resources=frozenset({"namespace", "name"}),
            approval=event.payload.approval_id or event.event_id,
        )
        caller = Caller(event.run_id, AGENT, AGENT, event.project_id)
        called = await Session(self.needs.gateway, caller, self.needs.clock).call(ask, work)
        self._entries.append(called.entry)
        return called

    def _said_no(self, why: Objected, opened: Opened | None, observed: Observed | None = None) -> Outcome:
        told = self._telling(opened, why.sentence, observed)
        if why.reason == CLAIM_OVER:
            return told(None, CLAIM_OVER)
        kind = ExecutionShadowed if why.reason == Objection.SHADOW_MODE else ExecutionRefused
        return told(kind, why.reason)

    def _telling(
        self,
        opened: Opened | None,
        reason: str,
        observed: Observed | None = None,
        went: bool = False,
        checks: tuple[Check, ...] = (),
    ) -> Callable[[type[Event] | None, str], Outcome]:
        name, cover = (opened.executor.name, opened.cover) if opened else ("", covering({}))

        def tell(kind: type[Event] | None, code: str) -> Outcome:
            return Outcome(kind, code, reason, name, observed, checks, went, cover, tuple(self._entries))

        return tell


def unnamed(told: Authorization) -> Objected | None:
    """What evidence never named is not acted on, whoever signed it. (What nobody had seen is voided.)"""
    named = [check.passed for check in told.checks if check.name == IN_EVIDENCE]
    if all(named) and (named or not told.observed_state):
        return None
    return Objected("not_in_evidence", "its target never appeared in the evidence")


def changed_since(checked: Checked, expected: str, before: Sequence[Check]) -> str:
    """What is other than when it was approved; empty where nothing is."""
    failed = [one for one in checked.checks if not one.passed and one.name not in ADVISORY]
    passed = {one.name for one in before if one.passed}
    if checked.observed is None:
        return failed[-1].message if failed else "it is gone"
    if checked.observed.hash != expected:
        return "the target is not as it was when it was approved" if expected else "nobody had seen its state"
    return "; ".join(f"{one.name} had passed: {one.message}" for one in failed if one.name in passed)

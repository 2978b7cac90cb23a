"""Executes what was authorized, at most once. Slow. Key: workload: acts on one come one after the other.

An action is claimed in the log, and only whose claim is read back as the first goes on, for as long as it
is valid by its own clock. Any other claim may be of a process that acts at this moment: it is waited for
until it is over, then the target is asked. What nobody can tell is UNKNOWN, and is not tried again.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from prometheus_client import Counter

from schemas import ids
from schemas.authorization import ActionAuthorized, ActionWithdrawn
from schemas.envelope import Event, from_millis, to_millis
from schemas.errors import BadPayload, Never
from schemas.execution import (
    Claim,
    Execution,
    ExecutionClaimed,
    ExecutionFailed,
    ExecutionRefused,
    ExecutionShadowed,
    ExecutionStarted,
    ExecutionSucceeded,
    ExecutionUnknown,
    ExecutionVoided,
    Result,
)
from schemas.outcome import DecisionMade, Outcome
from schemas.sabotage import crash_point
from schemas.tool import ToolCalled
from schemas.trust import Earned, TrustObserved, TrustOutcome
from streams.execute_needs import ExecuteNeeds
from streams.executing import CAP, CLAIM_OVER, NOT_DONE_YET, PARTLY, Attempt, Ready
from streams.executing import Outcome as Ended
from streams.policy.authorizations import as_decision, undo_id_of
from streams.policy.policy import Policy
from streams.policy.recheck import Objected
from streams.runner import stage_failed
from streams.stage import Events, Keyed, KeyedBase, Now, Record, about_run
from streams.stages import execute_row
from streams.stages.execute_row import KEPT_AFTER_EXPIRY, KEPT_WITHOUT, Acts, Held

MOST_ATTEMPTS = 5
MOST_VALID_SECS = 300
"""whatever a claim says of itself"""
KEPT = ActionAuthorized | ActionWithdrawn | ExecutionClaimed
WITHDRAWN = "withdrawn"
NOTHING_TO_UNDO = "nothing_to_undo"
RESULTS: dict[type[Event], Result] = {
    ExecutionFailed: Result.FAILED,
    ExecutionRefused: Result.REFUSED,
    ExecutionShadowed: Result.REFUSED,
    ExecutionVoided: Result.VOIDED,
    ExecutionUnknown: Result.UNKNOWN,
}
"""what was done has none before it is verified"""
EXECUTIONS = Counter("awoooi_executions_total", "Authorized actions, by how they ended", ["end"])


class Execute(KeyedBase[Acts]):
    name = "execute"
    reads: tuple[str, ...] = ("authorizations", "executions.claims")

    def __init__(self, needs: ExecuteNeeds | None, epoch: str = "") -> None:
        self._needs, self._epoch = needs, epoch
        self._mine: dict[str, float] = {}
        """our claims that were not taken up yet, and when each was made"""
        self._acting = 0

    def load(self, key: bytes, row: bytes | None) -> Acts:
        return Acts.of_row(row)

    def dump(self, state: Acts) -> bytes | None:
        return state.row()

    def due(self, row: bytes) -> int | None:
        return execute_row.due(row)

    async def wake(self, state: Acts, now: Now) -> Events:
        state.forget(now.millis)
        return ()

    async def handle(self, record: Record, state: Acts, now: Now) -> Events:
        return [event async for part in self.in_parts(record, state, now) for event in part]

    async def in_parts(self, record: Record, state: Acts, now: Now) -> AsyncGenerator[Events]:
        """That it begins is durable before anything is sent."""
        event, needs = record.event, self._needs
        if isinstance(event, KEPT) and needs is not None:
            if event.payload.target.encode() != record.key:
                raise BadPayload("is not the record's key: an action has one place", field="target")
            held = state.held.setdefault(event.payload.action_id, Held())
            if isinstance(event, ActionAuthorized):
                goes_on = self._authorized(event, held)
                if held.authorized is event and not goes_on:
                    yield [self._claim(needs, event, held, now)]
            elif isinstance(event, ExecutionClaimed):
                goes_on = self._claimed(event, held, now)
            else:
                goes_on = self._withdrawn(event, held, now)
            if goes_on and held.authorized is not None:
                async with aclosing(self._go(needs, held.authorized, held, state, now)) as parts:
                    async for part in parts:
                        yield part
        self.note(record, state)

    # -- who carries it out

    def _authorized(self, event: ActionAuthorized, held: Held) -> bool:
        """Whether it goes on at once: its claim was read before it."""
        if held.authorized is not None or held.ended:
            return False
        held.authorized = event
        held.forget_at = to_millis(event.payload.expires_at) + KEPT_AFTER_EXPIRY
        return bool(held.claim)

    def _claimed(self, event: ExecutionClaimed, held: Held, now: Now) -> bool:
        """The first of an attempt has it, whoever reads it."""
        if held.ended or event.payload.attempt != held.attempt or held.claim:
            return False
        held.claim = event.event_id
        held.valid_secs = max(0, min(event.payload.valid_secs, MOST_VALID_SECS))
        if held.authorized is None:
            held.forget_at = max(held.forget_at, now.millis + KEPT_WITHOUT)
        return True

    def _withdrawn(self, event: ActionWithdrawn, held: Held, now: Now) -> bool:
        """In the order of the log: what has begun goes on."""
        held.withdrawn = event.payload.reason
        held.forget_at = max(held.forget_at, now.millis + KEPT_WITHOUT)
        return False

    async def _go(
        self, needs: ExecuteNeeds, event: ActionAuthorized, held: Held, state: Acts, now: Now
    ) -> AsyncGenerator[Events]:
        """Taken up once: whoever comes back to a claim, we ourselves among them, only asks."""
        began, made = needs.clock(), self._mine.pop(held.claim, None)

        def at() -> datetime:
            return from_millis(now.millis + round((needs.clock() - began) * 1000))

        def why_not(policy: Policy) -> Objected | None:
            if made is None or needs.clock() >= made + held.valid_secs:
                return Objected(CLAIM_OVER, "its claim is no longer valid")
            if held.withdrawn:
                return Objected(WITHDRAWN, held.withdrawn)
            return self._not_undone(event, state) or self._over_cap(event, policy, state, now)

        attempt = Attempt(needs, event, at, why_not)
        if made is None:
            await needs.wait(held.valid_secs)
            ended = await attempt.probe("another process had claimed it, and did not tell how it ended")
        else:
            async with self._under_way():
                found = await attempt.look()
                if isinstance(found, Ready):
                    yield [self._started(event, found, held, Now(to_millis(at())))]
                    found = await attempt.send(found)
            ended = await self._late(attempt, found) if held.late else found
            if not ended.went and needs.clock() >= made + held.valid_secs:
                ended = replace(ended, kind=None, code=CLAIM_OVER)  # others may have claimed it anew
        yield list(self._told(needs, event, ended, held, state, Now(to_millis(at()))))

    async def _late(self, attempt: Attempt, ended: Ended) -> Ended:
        """The call of an earlier attempt may have arrived meanwhile, and be what forbids this one."""
        if ended.kind in (None, ExecutionSucceeded, ExecutionUnknown):
            return ended
        found = await attempt.probe(f"this attempt was not carried out: {ended.reason}")
        return found if found.kind is ExecutionSucceeded else ended

    @asynccontextmanager
    async def _under_way(self) -> AsyncIterator[None]:
        crash_point("execute:claimed")
        self._acting += 1
        try:
            yield
        finally:
            self._acting -= 1

    def _not_undone(self, event: ActionAuthorized, state: Acts) -> Objected | None:
        why = state.why_not_undone(event.payload.undoes) if event.payload.undoes else ""
        return Objected(NOTHING_TO_UNDO, why) if why else None

    def _over_cap(self, event: ActionAuthorized, policy: Policy, state: Acts, now: Now) -> Objected | None:
        """What takes an act back is never one too many."""
        if event.payload.undoes:
            return None
        caps, lately = policy.caps, len(state.lately(now.millis))
        if lately >= caps.actions_per_workload_and_hour:
            return Objected(CAP, f"{lately} actions on this workload within an hour: policy allows no more")
        if self._acting > caps.actions_at_once:
            return Objected(CAP, f"{self._acting - 1} actions are under way: policy allows no more")
        return None

    def _claim(self, needs: ExecuteNeeds, event: ActionAuthorized, held: Held, now: Now) -> Event:
        told = event.payload
        claim_id = ids.derive_id("execution.claimed", told.action_id, str(held.attempt), needs.name)
        self._mine.setdefault(claim_id, needs.clock())
        return ExecutionClaimed(
            **about_run(event, self.name, now),
            event_id=claim_id,
            causes=(event.event_id,),
            payload=Claim(
                target=told.target,
                action_id=told.action_id,
                attempt=held.attempt,
                claimed_by=needs.name,
                valid_secs=needs.claim_secs,
            ),
        )

    # -- what is told

    def _told(
        self,
        needs: ExecuteNeeds,
        event: ActionAuthorized,
        ended: Ended,
        held: Held,
        state: Acts,
        now: Now,
    ) -> Iterator[Event]:
        yield from self._calls(event, ended, held, now)
        held.late = held.late or ended.code == NOT_DONE_YET
        if ended.kind is None and held.attempt < MOST_ATTEMPTS:
            held.attempt, held.claim = held.attempt + 1, ""
            yield self._claim(needs, event, held, now)
            return
        ended = _certain(ended, held)
        done = ended.went or ended.kind in (ExecutionSucceeded, ExecutionUnknown)
        if done:
            state.sent(now.millis)
        about = _about(event, self.name, now)
        kind = ended.kind or ExecutionRefused
        told = _execution(event, ended, held.attempt, RESULTS.get(kind))
        held.ended, held.acted_at = True, now.millis if done else 0
        EXECUTIONS.labels(kind.type_name()).inc()
        yield kind(**about, event_id=ids.ending_id("execution", told.action_id), payload=told)
        if kind is ExecutionVoided and not told.undoes:
            decision_id = ids.ending_id("execution decision", told.action_id)
            decision = as_decision(event.payload, Outcome.VOIDED, told.code, told.reason)
            yield DecisionMade(**about, event_id=decision_id, payload=decision)
        if kind is ExecutionFailed and told.trust_key:
            yield observed(told, Earned.FAILED, about)

    def _started(self, event: ActionAuthorized, ready: Ready, held: Held, now: Now) -> Event:
        opened, checked = ready.opened, ready.checked
        going = Ended(
            None, "", "", opened.executor.name, checked.observed, checked.checks, cover=opened.cover
        )
        started = ids.derive_id("execution.started", event.payload.action_id)
        told = _execution(event, going, held.attempt)
        return ExecutionStarted(**_about(event, self.name, now), event_id=started, payload=told)

    def _calls(self, event: ActionAuthorized, ended: Ended, held: Held, now: Now) -> Iterator[Event]:
        for number, entry in enumerate(ended.entries):
            yield ToolCalled(
                **about_run(event, self.name, now),
                event_id=ids.derive_id("tool.called", entry.call_id, str(held.attempt), str(number)),
                causes=(event.event_id,),
                payload=entry.payload(ended.cover),
            )

    def dead_letter(self, record: Record, error: Never, now: Now) -> Event:
        return stage_failed(self.name, record, error, now, self._epoch)


def _certain(ended: Ended, held: Held) -> Ended:
    """That nothing was done is said only where no earlier call can arrive any more."""
    if not held.late or ended.kind in (ExecutionSucceeded, ExecutionUnknown):
        return ended
    reason = f"an earlier attempt may have been carried out; the latest was not: {ended.reason}"
    return replace(ended, kind=ExecutionUnknown, reason=reason)


def _about(event: ActionAuthorized, stage: str, now: Now) -> dict[str, Any]:
    return {**about_run(event, stage, now), "causes": (event.event_id,), "sealed": event.sealed}


def _execution(
    event: ActionAuthorized, ended: Ended, attempt: int, result: Result | None = None
) -> Execution:
    told, seen = event.payload, ended.observed
    undo = undo_id_of(told.approval_id or event.run_id) if told.action.undo and not told.undoes else ""
    half_done = ended.kind is ExecutionFailed and ended.code == PARTLY
    checks = tuple(one.model_copy(update={"message": ended.cover(one.message)}) for one in ended.checks)
    return Execution(
        target=told.target,
        action_id=told.action_id,
        approval_id=told.approval_id,
        attempt=attempt,
        executor=ended.executor,
        action=told.action,
        action_hash=told.action_hash,
        trust_key="" if told.undoes else told.assessment.trust_key,
        code=ended.code,
        reason=ended.cover(ended.reason),
        observed_state=told.observed_state,
        observed_now=seen.hash if seen else "",
        state_now=dict(seen.state) if seen else {},
        checks=checks,
        result=result,
        undoes=told.undoes,
        undo_id=undo if half_done else "",
        authorization=told if undo and (half_done or ended.kind is ExecutionSucceeded) else None,
    )


def observed(told: Execution, outcome: Earned, about: dict[str, Any]) -> TrustObserved:
    """What trust is raised by, or lost by at once."""
    event_id = ids.derive_id("trust.observed", told.action_id, outcome)
    payload = TrustOutcome(trust_key=told.trust_key, outcome=outcome, reason=told.reason)
    return TrustObserved(**about, event_id=event_id, payload=payload)


def check_contract(stage: Execute) -> Keyed[Acts]:
    return stage

"""Whether what was done became what was asked for, and stays so. Key: incident.

First the executor looks, then the playbook's query is asked, then it is seen whether the alert resolves: that
changes no result. What failed is taken back, where its undo was signed with it; an undo is not undone again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from prometheus_client import Counter

from agents.render import command
from connectors.executors.contract import Effect
from schemas import ids
from schemas.envelope import Event, to_millis
from schemas.errors import Never
from schemas.execution import (
    Execution,
    ExecutionFailed,
    ExecutionRelapsed,
    ExecutionSettled,
    ExecutionSucceeded,
    ExecutionUndone,
    ExecutionUnverified,
    ExecutionVerified,
    Result,
)
from schemas.incident import IncidentExpired, IncidentReopened, IncidentResolved
from schemas.outcome import DecisionMade, Outcome
from schemas.tool import ToolCalled
from schemas.trust import Earned
from streams import windows
from streams.execute_needs import ExecuteNeeds
from streams.policy.authorizations import as_authorized, as_decision, taken_back, undo_id_of
from streams.policy.proof import is_proven
from streams.runner import stage_failed
from streams.stage import Events, Keyed, KeyedBase, Now, Record, about_run
from streams.stages import verify_row
from streams.stages.execute import observed
from streams.stages.verify_look import Looked, Looking, Looks
from streams.stages.verify_row import Verifying, Watch

RESULTS = {
    Effect.HOLDS: Result.SUCCEEDED,
    Effect.FAILED: Result.FAILED,
    Effect.NOT_YET: Result.FAILED,
    Effect.UNKNOWABLE: Result.UNVERIFIED,
}
EARNED = {Result.SUCCEEDED: Earned.VERIFIED, Result.FAILED: Earned.FAILED}
"""what trust is earned or lost by; what nobody can tell changes nothing"""
KINDS: dict[Result, type[Event]] = {
    Result.SUCCEEDED: ExecutionVerified,
    Result.FAILED: ExecutionFailed,
    Result.UNVERIFIED: ExecutionUnverified,
}
UNDO = "undo"
CLOSED_BEFORE, ALERT_LASTS, ALERT_RETURNED = "closed_before", "alert_lasts", "alert_returned"
RELAPSE_MS = windows.HOUR
CLOSES, REOPENS = (IncidentResolved, IncidentExpired), (IncidentReopened,)
BY_HEADER = frozenset(
    kind.type_name().encode() for kind in (ExecutionSucceeded, ExecutionFailed, *CLOSES, *REOPENS)
)
"""what else stands on these topics, repeats above all, is not even decoded"""
VERIFICATIONS = Counter(
    "awoooi_verifications_total", "What was done, by how its verification came out", ["result"]
)


class Verify(KeyedBase[Verifying]):
    name = "verify"
    reads: tuple[str, ...] = ("executions", "incidents")

    def __init__(self, needs: ExecuteNeeds | None, epoch: str = "", looks: Looks | None = None) -> None:
        self._needs, self._epoch = needs, epoch
        self._looks = looks or (Looking(needs) if needs else None)

    # -- the row

    def load(self, key: bytes, row: bytes | None) -> Verifying:
        return Verifying.of_row(row)

    def dump(self, state: Verifying) -> bytes | None:
        return state.row()

    def due(self, row: bytes) -> int | None:
        return verify_row.due(row)

    # -- what is read

    async def handle(self, record: Record, state: Verifying, now: Now) -> Events:
        if record.header("ce_type") not in (None, *BY_HEADER) or self._needs is None:
            return ()
        event, at = record.event, min(record.timestamp, now.millis)
        if isinstance(event, ExecutionSucceeded | ExecutionFailed):
            self.note(record, state)
            return list(self._done(self._needs, event, state, now))
        if isinstance(event, CLOSES) and not state.closed_at:
            self.note(record, state)
            state.closed_at = at
            return [
                told
                for name in state.watches
                for told in self._settled(name, event.payload.reason, state, now)
            ]
        if isinstance(event, REOPENS) and (state.closed_at or state.watches):
            self.note(record, state)
            state.closed_at = 0
            return [
                told for name in list(state.watches) for told in self._relapsed(name, event, at, state, now)
            ]
        return ()

    def _done(
        self, needs: ExecuteNeeds, event: ExecutionSucceeded | ExecutionFailed, state: Verifying, now: Now
    ) -> Iterator[Event]:
        told = event.payload
        if event.stage == self.name or state.knows(told.action_id):
            return
        if isinstance(event, ExecutionSucceeded):
            state.looks[told.action_id] = event.model_dump_json()
            self._found(event, now)
        elif told.undo_id:
            state.ended[told.action_id] = now.millis
            yield from self._undo(needs, event, now)

    def _found(self, event: ExecutionSucceeded, now: Now) -> Looked | None:
        return self._looks.found(event, now.millis) if self._looks else None

    # -- what time brings

    async def wake(self, state: Verifying, now: Now) -> Events:
        events = list[Event]()
        for name, kept in list(state.looks.items()):
            event = ExecutionSucceeded.model_validate_json(kept)
            looked = self._found(event, now)
            if looked is not None and self._needs is not None:
                del state.looks[name]
                state.ended[name], state.changed = now.millis, True
                events += self._told(self._needs, event, looked, state, now)
        over = [name for name, one in state.watches.items() if 0 < one.settle_at <= now.millis]
        events += [told for name in over for told in self._settled(name, ALERT_LASTS, state, now)]
        if state.row() is not None and state.due() <= now.millis and not state.looks:
            state.forget(now.millis)
        return events

    def _told(
        self, needs: ExecuteNeeds, done: ExecutionSucceeded, looked: Looked, state: Verifying, now: Now
    ) -> Iterator[Event]:
        yield from self._calls(done, looked, now)
        result = RESULTS[looked.effect]
        undo = self._undo(needs, done, now, looked.reason) if result is Result.FAILED else []
        told = done.payload.model_copy(
            update={
                "code": looked.effect,
                "reason": looked.reason,
                "result": result,
                "undo_id": undo_id_of(done.payload.approval_id or done.run_id) if undo else "",
                "authorization": None,
            }
        )
        VERIFICATIONS.labels(result).inc()
        kind = ExecutionUndone if told.undoes and result is Result.SUCCEEDED else KINDS[result]
        about = {**about_run(done, self.name, now), "causes": (done.event_id,)}
        verified = kind(**about, event_id=ids.ending_id("verification", told.action_id), payload=told)
        yield verified
        if result in EARNED and told.trust_key:
            yield observed(told, EARNED[result], about)
        yield from undo
        if kind is ExecutionVerified:
            yield from self._watch(verified, told.action_id, state, now)

    def _calls(self, done: ExecutionSucceeded, looked: Looked, now: Now) -> Iterator[Event]:
        for entry in looked.entries:
            yield ToolCalled(
                **about_run(done, self.name, now),
                event_id=ids.derive_id("tool.called", entry.call_id, done.payload.action_id),
                causes=(done.event_id,),
                payload=entry.payload(looked.cover),
            )

    # -- the way back

    def _undo(
        self, needs: ExecuteNeeds, event: ExecutionSucceeded | ExecutionFailed, now: Now, reason: str = ""
    ) -> list[Event]:
        """Of what was allowed by whoever decides here: a failure that somebody made up undoes nothing."""
        told = event.payload
        if told.authorization is None or told.undoes or told.authorization.action.undo is None:
            return []
        done = as_authorized(event, told.authorization)
        key = needs.knows.today(done, now.moment, "").key
        if not is_proven(done, key) or done.payload.action_id != told.action_id:
            return []
        about = {**about_run(event, self.name, now), "causes": (event.event_id,), "sealed": event.sealed}
        undo = taken_back(done, about, key)
        return [undo, self._decided(undo.payload.action_id, told, reason or told.reason, about)]

    def _decided(self, undo_id: str, told: Execution, reason: str, about: dict[str, Any]) -> Event:
        """People see that it is taken back; who signed the action signed this with it."""
        allowed = told.authorization
        assert allowed is not None
        action, undo = allowed.action, allowed.action.undo
        assert undo is not None  # asked before
        back = {
            "step": undo,
            "undo": None,
            "description": f"Take back: {action.description}",
            "command": command(undo),
        }
        outcome = Outcome.APPROVED if allowed.approval_id else Outcome.AUTO_APPROVED
        sentence = f"what was done failed and is taken back: {reason}"
        decision = as_decision(allowed, outcome, UNDO, sentence)
        payload = decision.model_copy(update={"action": action.model_copy(update=back)})
        return DecisionMade(**about, event_id=ids.derive_id("decision.made", undo_id), payload=payload)

    # -- whether the alert goes, and stays away

    def _watch(self, verified: Any, action_id: str, state: Verifying, now: Now) -> Iterator[Event]:
        assert self._needs is not None  # it was looked at
        wait = self._needs.times.alert_secs * 1000
        state.watches[action_id] = Watch(
            verified.model_dump_json(), now.millis + wait, now.millis + RELAPSE_MS
        )
        if state.closed_at:
            yield from self._settled(action_id, CLOSED_BEFORE, state, now)

    def _settled(self, action_id: str, code: str, state: Verifying, now: Now) -> Iterator[Event]:
        watch = state.watches[action_id]
        if not watch.settle_at:
            return
        state.watches[action_id], state.changed = replace(watch, settle_at=0), True
        verified = ExecutionVerified.model_validate_json(watch.event)
        secs = (now.millis - to_millis(verified.recorded_at)) // 1000
        reason = (
            f"the alert fires still, {secs} s after"
            if code == ALERT_LASTS
            else f"the incident closed, {code}"
        )
        yield self._later(ExecutionSettled, verified, code, reason, Result.SUCCEEDED, now)

    def _relapsed(
        self, action_id: str, event: IncidentReopened, at: int, state: Verifying, now: Now
    ) -> Iterator[Event]:
        watch = state.watches.pop(action_id)
        if at >= watch.until:
            return
        verified = ExecutionVerified.model_validate_json(watch.event)
        secs = (at - to_millis(verified.recorded_at)) // 1000
        reason = f"the alert came back {secs} s after it was verified"
        relapsed = self._later(ExecutionRelapsed, verified, ALERT_RETURNED, reason, Result.FAILED, now, event)
        yield relapsed
        if relapsed.payload.trust_key:
            about = {**about_run(verified, self.name, now), "causes": (relapsed.event_id,)}
            yield observed(relapsed.payload, Earned.FAILED, about)

    def _later(
        self,
        kind: type[ExecutionSettled] | type[ExecutionRelapsed],
        verified: ExecutionVerified,
        code: str,
        reason: str,
        result: Result,
        now: Now,
        *because: Event,
    ) -> ExecutionSettled | ExecutionRelapsed:
        payload = verified.payload.model_copy(update={"code": code, "reason": reason, "result": result})
        return kind(
            **about_run(verified, self.name, now),
            event_id=ids.derive_id(kind.type_name(), payload.action_id),
            causes=(verified.event_id, *(event.event_id for event in because)),
            payload=payload,
        )

    def dead_letter(self, record: Record, error: Never, now: Now) -> Event:
        return stage_failed(self.name, record, error, now, self._epoch)


def check_contract(stage: Verify) -> Keyed[Verifying]:
    return stage

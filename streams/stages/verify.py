"""Whether what was done became what was asked for, by the executor's own look. Slow; keeps nothing."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.evidence import Unavailable
from connectors.executors.contract import Effect, Observed, Verified
from schemas import ids
from schemas.envelope import Event
from schemas.errors import Never
from schemas.execution import Execution, ExecutionSucceeded, ExecutionUnverified, ExecutionVerified
from schemas.trust import Earned
from streams.executing import ExecuteNeeds, Opened, open_step
from streams.policy.recheck import Objected
from streams.runner import stage_failed
from streams.stage import Events, Now, Record, Transform, about_run
from streams.stages.execute import observed

BETWEEN_LOOKS_SECS = 2.0
OUTCOMES = {Effect.HOLDS: Earned.VERIFIED, Effect.FAILED: Earned.FAILED, Effect.NOT_YET: Earned.FAILED}
"""what trust is earned or lost by; what nobody can tell changes nothing"""


class Verify:
    name = "verify"
    reads: tuple[str, ...] = ("executions",)

    def __init__(self, needs: ExecuteNeeds | None, epoch: str = "") -> None:
        self._needs, self._epoch = needs, epoch

    async def handle(self, record: Record, now: Now) -> Events:
        """By its header first: most of what stands there are other ends."""
        if record.header("ce_type") not in (None, ExecutionSucceeded.type_name().encode()):
            return ()
        event = record.event
        if not isinstance(event, ExecutionSucceeded) or self._needs is None:
            return ()
        began = self._needs.clock()
        opened = open_step(self._needs, event, event.payload.action.step, event.payload.action_id)
        if isinstance(opened, Objected):
            found, told = Verified(Effect.UNKNOWABLE), opened.sentence
        else:
            found = await self._look(self._needs, opened, event.payload)
            told = opened.cover(found.message)
        at = Now(now.millis + round((self._needs.clock() - began) * 1000))
        return list(self._told(event, found.effect, told, at))

    async def _look(self, needs: ExecuteNeeds, opened: Opened, done: Execution) -> Verified:
        """Until it holds or has failed, and not for ever."""
        before = Observed(done.state_now) if done.state_now else None
        until = needs.clock() + needs.verify_secs
        while True:
            try:
                found = await opened.executor.verify(opened.order, before)
            except Unavailable as error:
                found = Verified(Effect.UNKNOWABLE, str(error))
            if found.effect in (Effect.HOLDS, Effect.FAILED) or needs.clock() >= until:
                return found
            await needs.wait(BETWEEN_LOOKS_SECS)

    def _told(self, done: ExecutionSucceeded, effect: Effect, reason: str, at: Now) -> Iterator[Event]:
        about = {**about_run(done, self.name, at), "causes": (done.event_id,)}
        kind = ExecutionVerified if effect is Effect.HOLDS else ExecutionUnverified
        told = done.payload.model_copy(update={"code": effect, "reason": reason})
        yield kind(**about, event_id=ids.ending_id("verification", told.action_id), payload=told)
        if effect in OUTCOMES and told.trust_key:
            yield observed(told, OUTCOMES[effect], about)

    def dead_letter(self, record: Record, error: Never, now: Now) -> Event:
        return stage_failed(self.name, record, error, now, self._epoch)


def check_contract(stage: Verify) -> Transform:
    return stage

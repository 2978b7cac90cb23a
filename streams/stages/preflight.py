"""Checks what is recommended before anyone is asked. Keeps nothing.

Nothing here can look at a cluster under the executor's identity yet, so it says that it is unavailable, which
is never automatic. It runs with the policy stages until there is an executor.
"""

from __future__ import annotations

from schemas import ids
from schemas.decision import RcaDecided
from schemas.envelope import Event
from schemas.errors import Never
from schemas.preflight import Preflight, PreflightChecked, PreflightStatus
from streams.runner import stage_failed
from streams.stage import Events, Now, Record, Transform, about_run

NOBODY = "there is no executor that could check it"


class PreflightStage:
    name = "preflight"
    reads: tuple[str, ...] = ("rca.decisions",)

    def __init__(self, epoch: str = "") -> None:
        self._epoch = epoch

    async def handle(self, record: Record, now: Now) -> Events:
        event = record.event
        if not isinstance(event, RcaDecided) or event.payload.recommended_action is None:
            return ()
        checked = Preflight(
            status=PreflightStatus.UNAVAILABLE, action=event.payload.recommended_action.id, reason=NOBODY
        )
        return [
            PreflightChecked(
                **about_run(event, self.name, now),
                event_id=ids.derive_id("preflight.checked", event.run_id),
                causes=(event.event_id,),
                payload=checked,
            )
        ]

    def dead_letter(self, record: Record, error: Never, now: Now) -> Event:
        return stage_failed(self.name, record, error, now, self._epoch)


def check_contract(stage: PreflightStage) -> Transform:
    return stage

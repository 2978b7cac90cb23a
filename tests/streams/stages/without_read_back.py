"""The stage execute without its guard: what comes of it shows what the guard is for."""

from __future__ import annotations

from typing import Any

from schemas.authorization import ActionAuthorized
from schemas.envelope import Event
from streams.executing import ExecuteNeeds
from streams.stage import Now
from streams.stages.execute import Execute
from streams.stages.execute_row import Acts, Held


class WithoutReadBack(Execute):
    """The negative control: its own claim is believed before the log has it."""

    async def _authorized(
        self, needs: ExecuteNeeds, event: ActionAuthorized, held: Held, state: Acts, now: Now
    ) -> list[Event]:
        claim: Any = self._claim(needs, event, held, now)
        held.authorized, held.claim, held.valid_secs = event, claim.event_id, claim.payload.valid_secs
        return [claim, *await self._go(needs, event, held, state, now)]

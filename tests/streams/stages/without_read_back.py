"""The stage execute without its guard: what comes of it shows what the guard is for."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from schemas.authorization import ActionAuthorized
from streams.stage import Events, Now, Record
from streams.stages.execute import Execute
from streams.stages.execute_row import Acts, Held


class WithoutReadBack(Execute):
    """The negative control: its own claim is believed before the log has it."""

    async def in_parts(self, record: Record, state: Acts, now: Now) -> AsyncGenerator[Events]:
        event: Any = record.event
        if isinstance(event, ActionAuthorized) and self._needs is not None:
            held = state.held.setdefault(event.payload.action_id, Held())
            claim: Any = self._claim(self._needs, event, held, now)
            held.authorized, held.ended = None, False
            held.claim, held.valid_secs = claim.event_id, claim.payload.valid_secs
            yield [claim]
        async for part in super().in_parts(record, state, now):
            yield part

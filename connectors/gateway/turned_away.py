"""What the door refuses of signed approvals, as events: bounded, since anybody may knock.

The first refusals of a minute stand in the log one by one, a few for each sender; the others are counted,
and told once a minute for each reason. So the log takes so many records a minute, whoever sends how much.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import structlog

from connectors.gateway.callers import Callers, network_of
from connectors.gateway.problems import Refused
from connectors.gateway.webhooks import Publish
from schemas import ids
from schemas.catalog import key_of, topic_of
from schemas.envelope import Event, from_millis
from schemas.errors import Never, NotNow
from schemas.headers import Headers
from schemas.vote import TurnedAway, VoteTurnedAway

log = structlog.get_logger(__name__)

STAGE = "gateway"
MINUTE_MS = 60_000
SENDERS_AT_LEAST = 3
"""so many senders find room in a minute, however much one of them sends"""


class Encode(Protocol):
    def __call__(self, event: Event) -> tuple[bytes, Headers]:
        """NotNow while it cannot be told how."""
        ...


@dataclass(frozen=True, slots=True)
class Knock:
    """What was sent to the door, as far as it was read."""

    approval_id: str
    """empty where the path holds none"""
    address: str
    body: bytes = b""


class Doorkeeper:
    """Keeps what was turned away until it stands in the log; at the end of the process `tell` once more."""

    def __init__(
        self, publish: Publish, encode: Encode, key: bytes, a_minute: int, now_ms: Callable[[], int]
    ) -> None:
        """`key` hides senders' addresses; they are the same for all gateways that share it."""
        self._publish, self._encode, self._key, self._now_ms = publish, encode, key, now_ms
        self._room = Callers(max(1, a_minute // SENDERS_AT_LEAST), a_minute)
        self._name, self._numbers = secrets.token_hex(8), itertools.count()
        self._counted: dict[str, TurnedAway] = {}
        """by reason"""
        self._telling: asyncio.Task[None] | None = None

    async def note(self, refused: Refused, knock: Knock) -> None:
        """Durable when it returns, or counted."""
        told = self._told(refused, knock)
        if self._room.take(knock.address) == 0 and await self._write(told):
            return
        self._count(told)
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell_soon(), name="turned away")

    async def tell(self) -> None:
        """All that was only counted so far; what the log does not take is kept."""
        for reason in list(self._counted):
            told, written = self._counted.pop(reason), False
            try:
                written = await self._write(told)
            finally:
                if not written:
                    self._count(told)

    async def close(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
            with suppress(asyncio.CancelledError):
                await self._telling
        await self.tell()

    def _told(self, refused: Refused, knock: Knock) -> TurnedAway:
        network = network_of(knock.address).encode()
        return TurnedAway(
            refusal=refused.reason,
            sentence=refused.detail,
            approval_id=knock.approval_id,
            signature=hashlib.sha256(knock.body).hexdigest() if knock.body else "",
            size=len(knock.body),
            sender=hmac.digest(self._key, b"sender " + network, "sha256").hex()[:16],
            first_at=from_millis(self._now_ms()),
        )

    def _count(self, told: TurnedAway) -> None:
        known = self._counted.get(told.refusal)
        times, first = (known.times, known.first_at) if known else (0, told.first_at)
        alone = TurnedAway(
            refusal=told.refusal,
            sentence="more of the same, which were only counted",
            times=times + told.times,
            first_at=min(first, told.first_at),
        )
        self._counted[told.refusal] = alone

    async def _tell_soon(self) -> None:
        while self._counted:
            await asyncio.sleep(MINUTE_MS / 1000)
            await self.tell()

    # -- the event

    def _event(self, told: TurnedAway) -> VoteTurnedAway:
        return VoteTurnedAway(
            event_id=ids.derive_id("vote.turned_away", self._name, str(next(self._numbers))),
            project_id="",
            incident_id=told.approval_id.rpartition("-A")[0],
            occurred_at=told.first_at,
            recorded_at=from_millis(self._now_ms()),
            stage=STAGE,
            payload=told,
        )

    async def _write(self, told: TurnedAway) -> bool:
        event = self._event(told)
        try:
            value, headers = self._encode(event)
            await self._publish(topic_of(type(event)).name, key_of(event), value, headers)
        except NotNow:
            return False  # the log is away: /readyz says so
        except Never as error:
            log.warning("turned_away_not_written", reason=error.reason, detail=str(error))
            return False
        return True

"""What the gateway follows of the reference data: the switches, as every process, and the signers.

A person's own key is taken in beside them, as a wish: an admin confirms it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry

from awoooi.events import codec_of, encoded, there
from awoooi.own_keys import OwnKeyDesk
from awoooi.reading_desk import reading_desk
from awoooi.reference_desk import TOPICS, ReferenceDesk
from awoooi.rejected_desk import RejectedRecords
from awoooi.settings import Settings
from awoooi.silence_desk import SilenceView
from awoooi.sql_desk import sql_box
from awoooi.switch_view import measured
from connectors.gateway.acting import STAGE
from connectors.gateway.desks import Desks
from connectors.gateway.enrolments import Conflict
from connectors.gateway.serve import Views
from schemas import ids
from schemas.codec import Codec
from schemas.envelope import from_millis
from schemas.errors import BadPayload, BrokerAway
from schemas.headers import Headers
from schemas.signer import PublicJwk, SignerKey, SignerKeyAdded
from streams.policy.jwk import HS256, id_of, public_parts, read_jwk
from streams.policy.recorded_signers import TOPIC as SIGNERS
from streams.policy.recorded_signers import Recorded, recorded
from streams.policy.silenced import TOPIC as SILENCES
from streams.reference import Reference

MOST_WAITING = 5
"""keys of one person that nobody has confirmed yet: the topic is small, and stays so"""
ANY_ID = "any"


class SignersView:
    """The gateway's KeyDesk."""

    def __init__(self, reference: Reference, codec: Codec | None = None) -> None:
        self._reference = reference
        self.codec = codec
        """None until it is there"""

    def unready(self) -> str:
        if self.codec is None:
            return "the schema registry is away"
        return "" if self._reference.ready.is_set() else "is being read"

    def enrolment(self, person: str, jwk: Mapping[str, Any], now_ms: int) -> SignerKeyAdded:
        """Under its thumbprint, whatever id it came with: no two people can claim one id."""
        key = read_jwk({**jwk, "kid": ANY_ID})
        if key.algorithm == HS256:
            raise BadPayload("a shared secret is no public key", field="kty")
        kid = id_of(key.thumbprint)
        _must_be_new(self.said(), person, kid, key.thumbprint)
        parts = {**public_parts(key.key, key.algorithm), "kid": kid}
        now = from_millis(now_ms)
        return SignerKeyAdded(
            event_id=ids.derive_id("enrolled", person, key.thumbprint),
            project_id="",
            occurred_at=now,
            recorded_at=now,
            stage=STAGE,
            actor=person,
            payload=SignerKey.of(person=person, jwk=PublicJwk(**parts), enrolled=True),
        )

    def has_gone(self, person: str) -> bool:
        """By the topic alone; of a person of whom it says nothing, it does not."""
        key = f"person/{person}".encode()
        value = self._values().get(key)
        if value is None:
            return False
        return recorded(self._known_codec(), {key: value}).people[person].removed is not None

    def encode(self, event: SignerKeyAdded, traceparent: bytes) -> tuple[bytes, Headers]:
        return encoded(self._known_codec(), event, traceparent)

    def said(self, *, gives: bool = True) -> Recorded:
        values = self._values()
        return recorded(self._known_codec(), values, gives=gives)

    def _values(self) -> Mapping[bytes, bytes]:
        values = self._reference.current(SIGNERS)
        if values is None:
            raise BrokerAway("who may sign is not known at the moment")
        return values

    def _known_codec(self) -> Codec:
        return there(self.codec)


def _must_be_new(said: Recorded, person: str, kid: str, thumbprint: str) -> None:
    if thumbprint in said.revoked:
        raise Conflict("this key is revoked, and nothing takes that back: make a new one")
    if (person, kid) in said.keys:
        raise Conflict(f"this key of yours is registered already, as {kid}")
    waiting = [of for of, entry in said.keys.items() if of[0] == person and _waits(said, of, entry.enrolled)]
    if len(waiting) >= MOST_WAITING:
        raise Conflict(f"{len(waiting)} keys of yours wait for an admin already; the most is {MOST_WAITING}")


def _waits(said: Recorded, of: tuple[str, str], enrolled: object) -> bool:
    return enrolled is not None and of not in said.confirmed and of[1] not in said.revoked


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@asynccontextmanager
async def gateway_views(settings: Settings, registry: CollectorRegistry) -> AsyncIterator[Views]:
    """Not ready before both were read to their end; alerts are taken meanwhile, whatever is away."""
    reference = Reference(settings.kafka, topics=(*TOPICS, SIGNERS, SILENCES))
    keys = SignersView(reference)
    desk = ReferenceDesk(reference, _now_ms, lambda: keys.codec)
    signing = settings.approvals
    said = partial(keys.said, gives=signing.topic_gives)
    own = OwnKeyDesk(signing.signers_file, said, signing.environment)

    async def learn(opened: AsyncExitStack) -> None:
        """A schema registry, where there is one, is waited for."""
        codec, _ = await opened.enter_async_context(codec_of(settings))
        opened.enter_context(measured(registry, codec, reference))
        keys.codec = codec

    async with AsyncExitStack() as opened:
        record = await opened.enter_async_context(reading_desk(settings))
        sql = await opened.enter_async_context(sql_box(settings))
        learning = asyncio.create_task(learn(opened), name="gateway views")
        await reference.start()
        try:
            rejected = RejectedRecords(settings, record.told, lambda: keys.codec)
            longest = settings.gateway.silence_days
            silences = SilenceView(reference, lambda: keys.codec, record.told, longest)
            desks = Desks(
                switches=desk,
                trust=desk,
                keys=own,
                sql=sql,
                rejected=rejected,
                silences=silences,
                record=record,
            )
            yield Views({"reference": keys.unready}, keys, desks)
        finally:
            learning.cancel()
            with suppress(asyncio.CancelledError):
                await learning
            await reference.stop()

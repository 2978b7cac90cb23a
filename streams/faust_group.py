"""The thread that Faust's Kafka consumer lives in: what the group knows of us, and where a log ends.

- it notes when the group answered last: a frozen worker must not write for partitions that others have
- the high watermark of a changelog comes from a fetch: the embedded broker's ListOffsets is too low
- a recovery that got no answer ends the worker instead of going on without rows
- no busy loop while no broker answers
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import Any

import aiokafka
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from connectors.kafka.patience import patient

HIGHWATER_SECS = 15.0
FETCH_WAIT_MS = 200
"""a partition whose buffered records wait for room leaves the others out of the fetch that is under way"""
STEP_SECS = 30.0
"""for each question of a recovery; after 60 s Faust itself goes on in silence without the answer"""


class GroupThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """Knows when the group heard of us last; takes high watermarks from a fetch; never waits in silence."""

    _assigned_as: object = None
    """what the client answered when `_assigned` was made of it: it makes another at each rebalance"""
    _assigned: frozenset[TP] = frozenset()

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        patient(consumer._client)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        return consumer

    async def on_start(self) -> None:
        await super().on_start()
        self._note_heartbeats(self._ensure_consumer()._coordinator)

    def _note_heartbeats(self, coordinator: Any) -> None:
        beat = coordinator._do_heartbeat

        async def noted_beat() -> bool:
            sent_at = time.monotonic()
            known: bool = await beat()
            if known:
                self.consumer.heard_at = sent_at
            return known

        coordinator._do_heartbeat = noted_beat

    def assignment(self) -> frozenset[TP]:
        """Made once for each rebalance: every tick asks for it, and a commit once for each partition."""
        assigned = self._ensure_consumer().assignment()
        if assigned is not self._assigned_as:
            self._assigned_as, self._assigned = assigned, frozenset(TP(*tp) for tp in assigned)
        return self._assigned

    def positions(self, tps: Iterable[TP]) -> dict[TP, int]:
        """How far each partition was read; those that nobody has looked at yet are left out."""
        assigned = self._ensure_consumer()._subscription.subscription.assignment
        states = {tp: assigned.state_value(aiokafka.TopicPartition(*tp)) for tp in tps}
        return {TP(*tp): state.position for tp, state in states.items() if state and state.has_valid_position}

    # Recovery takes a step that ran into its time-out for one that is done, and goes on with no rows at all.

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        async with asyncio.timeout(STEP_SECS):
            return dict(await super().highwaters(*partitions))

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        async with asyncio.timeout(STEP_SECS):
            return dict(await super().earliest_offsets(*partitions))

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        async with asyncio.timeout(STEP_SECS):
            await super().seek_wait(partitions)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        async with asyncio.timeout(STEP_SECS):
            return dict(await super().seek_to_committed())

    async def seek_to_beginning(self, *partitions: TP) -> None:
        async with asyncio.timeout(STEP_SECS):
            await super().seek_to_beginning(*partitions)

    async def _highwaters(self, partitions: list[TP]) -> Mapping[TP, int]:
        ends: dict[TP, int] = dict(await super()._highwaters(partitions))
        probed = {aiokafka.TopicPartition(*tp): tp for tp, end in ends.items() if end}
        if probed:
            fetched = await self._probe({atp: ends[tp] - 1 for atp, tp in probed.items()})
            for atp, tp in probed.items():
                ends[tp] = max(ends[tp], fetched[atp])
        return ends

    async def _probe(self, starts: Mapping[Any, int]) -> dict[Any, int]:
        auth = driver.credentials_to_aiokafka_auth(
            self.app.conf.broker_credentials, self.app.conf.ssl_context
        )
        consumer = aiokafka.AIOKafkaConsumer(
            bootstrap_servers=driver.server_list(self.transport.url, self.transport.default_port),
            enable_auto_commit=False,
            **auth,
        )
        await consumer.start()
        try:
            consumer.assign(list(starts))
            for tp, offset in starts.items():
                consumer.seek(tp, offset)
            deadline = time.monotonic() + HIGHWATER_SECS
            while any(consumer.highwater(tp) is None for tp in starts):
                if time.monotonic() > deadline:
                    raise TimeoutError("no high watermark from the broker's fetch")
                await consumer.getmany(timeout_ms=100)
            return {tp: consumer.highwater(tp) for tp in starts}
        finally:
            await consumer.stop()

"""When the engine is not sure: of its membership, of its rows, of its producer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from structlog.testing import capture_logs

from connectors.kafka.config import KafkaConfig
from streams import faust_group
from streams.sender import ProducerDied
from tests.peers.waiting import wait_until_async
from tests.streams.engines import Counting, counts, engine_of, make_topics, placed, put

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]


async def test_nothing_is_written_while_the_group_may_have_given_our_partitions_away(
    broker: KafkaConfig,
) -> None:
    """As after a freeze: the first thing that is known again is that nobody has heard of us for long."""
    await make_topics(broker, "unsure.in")
    async with engine_of(broker, "unsure", placed(Counting(("unsure.in",)))) as engine:
        with capture_logs() as lines:
            beat = silence(engine)
            await put(broker, "unsure.in", [(b"k", b"")], partition=0)
            await wait_until_async(lambda: any("group has not" in str(line.get("why")) for line in lines), 20)
            assert counts(engine) == {}
            engine.app.consumer._thread._consumer._coordinator._do_heartbeat = beat
            await wait_until_async(lambda: counts(engine) == {b"k": 1}, 20)


def silence(engine: Any) -> Callable[[], Coroutine[Any, Any, bool]]:
    """No heartbeat is noted any more; the way back."""
    coordinator = engine.app.consumer._thread._consumer._coordinator
    noted: Callable[[], Coroutine[Any, Any, bool]] = coordinator._do_heartbeat

    async def unnoted() -> bool:
        before = engine.app.consumer.heard_at
        known = await noted()
        engine.app.consumer.heard_at = before
        return known

    coordinator._do_heartbeat = unnoted
    engine.app.consumer.heard_at = time.monotonic() - 1000
    return noted


async def test_rows_whose_end_cannot_be_learnt_are_not_taken_for_none(
    broker: KafkaConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stock recovery waits for an answer, then goes on as if there were no rows."""
    await make_topics(broker, "endless.in")
    async with engine_of(broker, "endless", placed(Counting(("endless.in",)))) as engine:
        await put(broker, "endless.in", [(b"k", b"")], partition=0)
        await wait_until_async(lambda: counts(engine) == {b"k": 1}, 20)
    monkeypatch.setattr(faust_group, "STEP_SECS", 1.0)
    monkeypatch.setattr(faust_group.GroupThread, "_highwaters", never_answers)
    async with engine_of(broker, "endless", placed(Counting(("endless.in",))), ready=False) as engine:
        engine.app.conf.broker_request_timeout = 3.0
        await wait_until_async(lambda: engine.ready or engine.app.should_stop, 30)
        assert not engine.ready
        assert isinstance(engine.app.crash_reason, TimeoutError)


async def never_answers(*_: object) -> None:
    await asyncio.Event().wait()


async def test_a_producer_that_has_died_ends_the_worker(broker: KafkaConfig) -> None:
    await make_topics(broker, "dead.in")
    async with engine_of(broker, "dead", placed(Counting(("dead.in",)))) as engine:
        sender = engine.app.producer._producer._sender
        sender._send_produce_req = fault
        await put(broker, "dead.in", [(b"k", b"")], partition=0)
        await asyncio.wait_for(engine.app.wait_until_stopped(), 20)
        assert isinstance(engine.app.crash_reason, ProducerDied)


async def fault(*_: object) -> None:
    raise ZeroDivisionError("a fault of aiokafka's own")

"""Reference data on a real broker: read in full, followed, and certain of its end or nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from connectors.kafka.admin import apply_topics
from connectors.kafka.config import KafkaConfig
from connectors.kafka.producer import Publisher
from schemas.catalog import TOPICS, reference_topic
from schemas.codec import Codec
from schemas.errors import BrokerAway, Misconfigured
from schemas.switch import SwitchKind
from streams.policy.recorded_signers import RecordedSigners
from streams.policy.refusals import Refusal
from streams.policy.switches import Switches, engaged_now
from streams.policy.verifier import Verifier
from streams.reference import OUT_OF_DATE_SECS, REFERENCE_TOPICS, Reference, restore, save
from tests.peers.kafka import KafkaPeer
from tests.peers.waiting import wait_until_async
from tests.streams.engines import put
from tests.streams.policy.signer_facts import BOB_SET, revoked
from tests.streams.policy.signing import RULES
from tests.streams.policy.test_recorded_signers import reason as refused
from tests.streams.policy.test_switches import said

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]


@pytest.fixture
def broker(kafka: KafkaPeer) -> KafkaConfig:
    return KafkaConfig(bootstrap_servers=kafka.bootstrap)


@asynccontextmanager
async def following(kafka: KafkaConfig, *topics: str, make: bool = True) -> AsyncIterator[Reference]:
    if make:
        await apply_topics(kafka, [reference_topic(name, "a test's") for name in topics], 4)
    reference = Reference(kafka, topics)
    await reference.start()
    try:
        yield reference
    finally:
        await reference.stop()


async def ready(reference: Reference) -> None:
    await asyncio.wait_for(reference.ready.wait(), 20)


def test_every_reference_topic_of_the_catalogue_is_followed() -> None:
    of_the_catalogue = {topic.name for topic in TOPICS if topic.compacted and not topic.keyed}
    assert set(REFERENCE_TOPICS) == of_the_catalogue - {"audit.heads"}


async def test_read_in_full_before_ready_then_followed(broker: KafkaConfig) -> None:
    await apply_topics(broker, [reference_topic("ref.full", "a test's")], 4)
    await put(broker, "ref.full", [(b"k%d" % (number % 500), b"%d" % number) for number in range(5000)])
    async with following(broker, "ref.full", make=False) as reference:
        await ready(reference)
        assert len(reference.values("ref.full")) == 500, "all of it, at once"
        assert reference.values("ref.full")[b"k499"] == b"4999"
        assert reference.offset("ref.full") == 5000
        await put(broker, "ref.full", [(b"k0", b"new"), (b"k1", None)])
        await wait_until_async(lambda: reference.offset("ref.full") == 5002)
        assert reference.values("ref.full")[b"k0"] == b"new"
        assert b"k1" not in reference.values("ref.full")


async def test_the_end_is_reached_with_what_was_written_just_before(broker: KafkaConfig) -> None:
    async with following(broker, "ref.end") as reference:
        await ready(reference)
        for number in range(20):
            [offset] = await put(broker, "ref.end", [(b"kill", b"%d" % number)])
            assert await reference.reached_end("ref.end") == offset + 1
            assert reference.values("ref.end")[b"kill"] == b"%d" % number


async def test_the_end_is_told_while_a_fetch_waits_for_records(broker: KafkaConfig) -> None:
    """Where nothing is written a fetch waits for a second, and an execution asks twice."""
    async with following(broker, "ref.quiet") as reference:
        await ready(reference)
        began = time.monotonic()
        for _ in range(5):
            assert await reference.reached_end("ref.quiet") == 0
        assert time.monotonic() - began < 2.0


async def test_whoever_needs_the_end_waits_for_a_view_that_lags(broker: KafkaConfig) -> None:
    async with following(broker, "ref.lags") as reference:
        await ready(reference)
        asked, arrived, go = asyncio.Event(), asyncio.Event(), asyncio.Event()
        fetch = reference._consumer.getmany

        async def held_back(**options: Any) -> Any:
            asked.set()
            found = await fetch(**options)
            if found:
                arrived.set()
                await go.wait()
            return found

        reference._consumer.getmany = held_back
        await asyncio.wait_for(asked.wait(), 20)
        [offset] = await put(broker, "ref.lags", [(b"kill", b"on")])
        await asyncio.wait_for(arrived.wait(), 20)
        ends = reference._ends

        async def then_go(topics: list[str]) -> dict[str, int]:
            found = await ends(topics)
            asyncio.get_running_loop().call_soon(go.set)
            return found

        reference._ends = then_go  # type: ignore[method-assign] # the view moves on once the end is known
        assert await reference.reached_end("ref.lags") == offset + 1
        assert reference.values("ref.lags")[b"kill"] == b"on"


async def test_a_kill_switch_that_a_lagging_view_has_not_seen_stops_the_next_execution(
    broker: KafkaConfig,
) -> None:
    """It waits until the view has reached the end; where that does not come, it counts as engaged."""
    codec = Codec()
    async with following(broker, "switches") as reference:
        await ready(reference)
        await put(broker, "switches", [said(SwitchKind.KILL_SWITCH, "*", "off")])
        assert await engaged_now(codec, reference, "shop") == ""

        asked, go, fetch = asyncio.Event(), asyncio.Event(), reference._consumer.getmany

        async def held_back(**options: Any) -> Any:
            asked.set()
            found = await fetch(**options)
            if found:
                await go.wait()
            return found

        reference._consumer.getmany = held_back
        await asyncio.wait_for(asked.wait(), 20)
        await put(broker, "switches", [said(SwitchKind.KILL_SWITCH, "*", "on")])

        lagging = Switches(codec, lambda: reference.values("switches"))
        assert lagging.engaged("shop") == "", "what the view holds is not what holds"
        assert "counts as engaged" in await engaged_now(codec, reference, "shop", timeout_secs=0.5)
        asking = asyncio.create_task(engaged_now(codec, reference, "shop"))
        asyncio.get_running_loop().call_soon(go.set)
        assert await asking == "the kill switch is engaged"


async def test_a_view_is_current_while_the_broker_says_that_there_is_no_more(broker: KafkaConfig) -> None:
    async with following(broker, "ref.current") as reference:
        assert reference.current("ref.current") is None
        await ready(reference)
        assert reference.current("ref.current") == {}
        late = time.monotonic() + 5 * OUT_OF_DATE_SECS
        reference._clock = lambda: late
        assert reference.current("ref.current") is None
        await wait_until_async(lambda: reference.current("ref.current") is not None, 10)


async def test_whoever_verifies_follows_the_signers(broker: KafkaConfig) -> None:
    async with following(broker, "signers") as reference:
        log = RecordedSigners(
            Codec(), lambda: reference.current("signers"), lambda: reference.offset("signers")
        )
        verifier = Verifier(RULES, log=log)
        assert await refused(verifier) is Refusal.SIGNERS_IN_DOUBT, "not read yet"
        await ready(reference)
        assert await refused(verifier) is Refusal.UNKNOWN_KEY

        await put(broker, "signers", [*BOB_SET])
        await reference.reached_end("signers")
        assert await refused(verifier) is None
        await put(broker, "signers", [revoked("bob-1")])
        durable = time.monotonic()
        await wait_until_async(lambda: verifier.offset() == 3, 5, every=0.01)
        assert time.monotonic() - durable < 1
        assert await refused(verifier) is Refusal.REVOKED_KEY

        late = time.monotonic() + 5 * OUT_OF_DATE_SECS
        reference._clock = lambda: late
        assert await refused(verifier) is Refusal.SIGNERS_IN_DOUBT, "nobody can tell who was removed since"


async def test_a_broker_that_has_forgotten_is_not_up_to_date(broker: KafkaConfig) -> None:
    """The view is of another log: what it holds may have been taken back since."""
    async with following(broker, "ref.forgot") as reference:
        await ready(reference)
        reference._views["ref.forgot"].next_offset = 7
        with pytest.raises(BrokerAway, match="is another"):
            await reference.reached_end("ref.forgot")


async def test_not_ready_while_a_topic_is_missing(broker: KafkaConfig) -> None:
    async with following(broker, "ref.missing", make=False) as reference:
        with pytest.raises(BrokerAway, match=r"ref\.missing"):
            await reference.reached_end("ref.missing", timeout_secs=1.0)
        assert not reference.ready.is_set()
        await apply_topics(broker, [reference_topic("ref.missing", "a test's")], 4)
        await ready(reference)


async def test_when_kafka_is_away_the_end_is_not_known_and_later_it_is(fresh_kafka: KafkaPeer) -> None:
    broker = KafkaConfig(bootstrap_servers=fresh_kafka.bootstrap, request_timeout_secs=2.0)
    async with following(broker, "ref.away") as reference:
        await ready(reference)
        await put(broker, "ref.away", [(b"k", b"before")])
        assert await reference.reached_end("ref.away") == 1
        await asyncio.to_thread(fresh_kafka.kill)
        with pytest.raises(BrokerAway):
            await reference.reached_end("ref.away", timeout_secs=3.0)
        assert reference.values("ref.away")[b"k"] == b"before", "what was known is still known"
        late = time.monotonic() + 2 * OUT_OF_DATE_SECS
        reference._clock = lambda: late
        assert reference.current("ref.away") is None, "and nobody can tell whether it still holds"
        await asyncio.to_thread(fresh_kafka.start)
        await put(broker, "ref.away", [(b"k", b"after")])

        async def again() -> bool:
            try:
                return await reference.reached_end("ref.away", timeout_secs=3.0) == 2
            except BrokerAway:
                return False

        await wait_until_async(again, 30)
        assert reference.values("ref.away")[b"k"] == b"after"


async def test_the_copy_gives_a_broker_back_what_it_forgot(broker: KafkaConfig, tmp_path: Path) -> None:
    copy = tmp_path / "reference.json"
    async with following(broker, "ref.copy") as reference:
        await put(
            broker, "ref.copy", [(b"\xff\x00", b"{}"), (b"b", b"\xfe"), (b"gone", b"1"), (b"gone", None)]
        )
        await ready(reference)
        await reference.reached_end("ref.copy")
        save(reference, copy, ["ref.copy"])
    moved = tmp_path / "moved.json"
    moved.write_text(copy.read_text().replace("ref.copy", "ref.back"))
    publisher = Publisher(broker)
    await publisher.start()
    try:
        async with following(broker, "ref.back") as reference:
            assert await restore(moved, publisher) == 2
            await reference.reached_end("ref.back")
            assert dict(reference.values("ref.back")) == {b"\xff\x00": b"{}", b"b": b"\xfe"}
    finally:
        await publisher.stop()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"switches": [["!", ""]]}', '{"switches": [1]}'])
async def test_a_copy_that_cannot_be_read_is_no_empty_one(content: str, tmp_path: Path) -> None:
    copy = tmp_path / "reference.json"
    copy.write_text(content)

    with pytest.raises(Misconfigured, match="what was revoked must be revoked again"):
        await restore(copy, Publisher(KafkaConfig()))


async def test_no_copy_is_nothing_to_restore(tmp_path: Path) -> None:
    assert await restore(tmp_path / "none.json", Publisher(KafkaConfig())) == 0


async def test_what_was_just_written_is_waited_for_and_no_longer_than_told() -> None:
    view = Reference(KafkaConfig(), ("switches",))
    waiting = asyncio.create_task(view.passed("switches", 0, 30))
    await asyncio.sleep(0)
    assert not waiting.done()

    view._views["switches"].take(b"key", b"value", 0)
    view._moved.set()
    await asyncio.wait_for(waiting, 5)

    await view.passed("switches", 7, 0.01)

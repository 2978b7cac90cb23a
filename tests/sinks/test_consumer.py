"""From the log into the record: everything once, and what is in the way is named."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiokafka.consumer import fetcher
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from structlog.testing import capture_logs

from connectors.kafka.config import KafkaConfig
from schemas.codec import Codec
from schemas.errors import Misconfigured, Never, RegistryAway
from sinks.clickhouse.client import Client
from sinks.clickhouse.rows import EventRow, hash_of
from sinks.config import SinkConfig
from streams.lean_fetch import LeanRecords
from tests.peers import KafkaPeer, TansuPeer, free_port, wait_until_async
from tests.sinks.clickhouse_peer import ClickHousePeer
from tests.sinks.harness import Log, reaches, ready, running, stored, total, troubles
from tests.sinks.samples import every_event, hit, normalized

pytestmark = pytest.mark.kafka


@pytest.fixture
async def log(kafka: KafkaPeer) -> AsyncIterator[Log]:
    async with Log.made(kafka.bootstrap) as made:
        yield made


@pytest.mark.parametrize("records", [fetcher.PartitionRecords, LeanRecords], ids=["alone", "beside workers"])
async def test_every_kind_of_event_lands(
    log: Log, store: ClickHousePeer, clickhouse: Client, records: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetcher, "PartitionRecords", records)
    events = every_event()
    await log.send(*events)
    async with running(log.sink(store.config(), epoch="e1")):
        await reaches(clickhouse, len(events))
        await log.caught_up()
    assert await stored(clickhouse) == Counter(event.type for event in events)
    rows = await clickhouse.ask("SELECT * FROM events FINAL")
    assert {row["log_epoch"] for row in rows} == {"e1"}
    assert {row["type"]: row["causes"] != [] for row in rows}["incident.hit"]
    for table in ("alerts", "incidents", "rejected", "v_alerts", "v_incidents", "v_rejected"):
        (found,) = await clickhouse.ask(f"SELECT count() AS rows FROM {table}")
        assert found["rows"], table


async def test_a_row_read_back_still_has_its_hash(
    log: Log, store: ClickHousePeer, clickhouse: Client
) -> None:
    await log.send(*every_event())
    async with running(log.sink(store.config())):
        await reaches(clickhouse, len(every_event()))
    times = {
        "occurred_at": "toUnixTimestamp64Milli(occurred_at)",
        "recorded_at": "toUnixTimestamp64Milli(recorded_at)",
    }
    asked = ", ".join(f"{times.get(name, name)} AS {name}_" for name in EventRow._fields)
    for found in await clickhouse.ask(f"SELECT {asked} FROM events FINAL"):
        values = {name.removesuffix("_"): value for name, value in found.items()}
        plain = values | {
            "event_id": str(values["event_id"]),
            "causes": [str(cause) for cause in values["causes"]],
            "payload": values["payload"].encode(),
        }
        assert hash_of(EventRow(**plain)) == values["hash"]
        assert values["trace_id"] == plain["event_id"].replace("-", ""), "of its header"


async def test_a_repeat_is_one_event_and_the_first_wins(
    log: Log, store: ClickHousePeer, clickhouse: Client
) -> None:
    first = hit(1, actor="first")
    for actor in ("second", "third"):
        await log.send(first, hit(1, actor=actor), *(normalized(number) for number in range(50)))
    async with running(log.sink(store.config())):
        await log.caught_up()
        await log.send(hit(1, actor="fourth"), normalized(3))
        await log.caught_up()
    assert await stored(clickhouse) == {"incident.hit": 1, "alert.normalized": 50}
    (row,) = await clickhouse.ask("SELECT actor FROM events FINAL WHERE type = 'incident.hit'")
    assert row["actor"] == "first"


async def test_poison_is_set_aside_and_the_others_are_stored(
    log: Log, store: ClickHousePeer, clickhouse: Client
) -> None:
    registry = CollectorRegistry()
    await log.send_all(normalized(number) for number in range(20))
    places = [await log.send_bytes("incidents", value) for value in (b"poison", b"\xc3\x01unknown!x", None)]
    await log.send_bytes("signers", None)  # a tombstone: the key of a compacted topic was deleted
    await log.send(hit())
    with capture_logs() as lines:
        async with running(log.sink(store.config(), registry, epoch="e1")):
            await log.caught_up()
    told = [line for line in lines if line["event"] == "set_aside"]
    known = {"event", "log_level", "log_epoch", "topic", "kafka_partition", "kafka_offset", "reason"}
    assert [(line.keys(), line["kafka_offset"]) for line in told] == [(known, offset) for offset in places]
    assert await stored(clickhouse) == {"alert.normalized": 20, "incident.hit": 1}
    rows = await clickhouse.ask("SELECT * FROM set_aside FINAL ORDER BY kafka_offset")
    assert [(row["topic"], row["kafka_partition"], row["kafka_offset"]) for row in rows] == [
        (log.prefix + "incidents", 0, offset) for offset in places
    ]
    assert [row["reason"].split(":")[0] for row in rows] == ["unreadable", "unknown_schema", "unreadable"]
    assert {row["log_epoch"] for row in rows} == {"e1"}
    labels = {"topic": log.prefix + "incidents", "reason": "unreadable"}
    assert registry.get_sample_value("awoooi_sink_set_aside_total", labels) == 2


async def test_a_row_that_clickhouse_refuses_is_set_aside(
    log: Log, store: ClickHousePeer, clickhouse: Client
) -> None:
    events = [normalized(number) for number in range(40)]
    events[17] = events[17].model_copy(update={"schema_version": 70_000})  # more than its column takes
    await log.send(*events)
    with capture_logs() as lines:
        async with running(log.sink(store.config())):
            await log.caught_up()
    (told,) = [line for line in lines if line["event"] == "set_aside"]
    assert (told["project_id"], told["event_id"]) == ("shop", events[17].event_id)
    assert await stored(clickhouse) == {"alert.normalized": 39}
    (row,) = await clickhouse.ask("SELECT * FROM set_aside FINAL")
    assert row["event_id"] == events[17].event_id
    assert row["project_id"] == "shop"
    assert row["reason"].startswith("refused_by_clickhouse: ")


class Registry:
    """Away at first, then knows one schema."""

    def __init__(self, codec: Codec) -> None:
        self.codec, self.asked = codec, Counter[int]()

    async def learn(self, number: int) -> None:
        self.asked[number] += 1
        if number != 42:
            raise Never(f"schema {number} is not known")
        if self.asked[number] == 1:
            raise RegistryAway("the schema registry does not answer")
        self.codec.learn(number, schema_of_hit())


def schema_of_hit() -> dict[str, Any]:
    import json

    from schemas.codec import schema_text

    schema: dict[str, Any] = json.loads(schema_text(type(hit())))
    return schema


async def test_a_schema_is_learned_and_the_registry_waited_for(
    log: Log, store: ClickHousePeer, clickhouse: Client
) -> None:
    codec = Codec()
    registry = Registry(codec)
    ours = Codec(registry_ids={type(hit()): 42})
    await log.send_bytes("incidents", ours.encode(hit(1)))
    await log.send_bytes("incidents", b"\x00\x00\x00\x00\x07abc")
    await log.send_bytes("incidents", ours.encode(hit(2)))
    async with running(log.sink(store.config(), codec=codec, learn=registry.learn)):
        await log.caught_up()
    assert await stored(clickhouse) == {"incident.hit": 2}
    assert registry.asked == {42: 2, 7: 1}
    (row,) = await clickhouse.ask("SELECT reason FROM set_aside FINAL")
    assert "schema 7 is not known" in row["reason"]


async def test_what_was_read_is_stored_and_committed_at_the_end(
    log: Log, store: ClickHousePeer, clickhouse: Client
) -> None:
    """The batch would stay open for a minute; being asked to end closes it."""
    registry = CollectorRegistry()
    sink = log.sink(store.config(), registry, config={"batch": {"max_age_secs": 60}})
    await log.send_all(normalized(number) for number in range(100))
    async with running(sink):
        await wait_until_async(lambda: len(sink._batch.rows) == 100, what="all read")
        assert await total(clickhouse) == 0
    assert await total(clickhouse) == 100
    assert await log.lag() == 0
    topic = {"topic": log.prefix + "alerts.normalized"}
    assert registry.get_sample_value("awoooi_sink_rows_total", topic) == 100
    assert registry.get_sample_value("awoooi_sink_delay_seconds_count") == 1


async def test_two_sinks_share_the_log_and_hand_it_over(
    log: Log, store: ClickHousePeer, clickhouse: Client
) -> None:
    fives = iter(range(0, 2000, 500))

    async def send_500() -> None:
        first = next(fives)
        await log.send_all(normalized(number) for number in range(first, first + 500))

    async with running(log.sink(store.config())):
        await send_500()
        await reaches(clickhouse, 1)
        second = log.sink(store.config())
        async with running(second):
            await send_500()
            await ready(second)
            await send_500()
            await log.caught_up()
        await send_500()
        await log.caught_up()
    assert await stored(clickhouse) == {"alert.normalized": 2000}


async def test_lag_is_told(log: Log, store: ClickHousePeer, clickhouse: Client) -> None:
    registry = CollectorRegistry()
    topic = {"topic": log.prefix + "alerts.normalized"}

    def lag() -> float | None:
        return registry.get_sample_value("awoooi_sink_lag", topic)

    sink = log.sink(store.config(), registry, config={"batch": {"max_age_secs": 2}})
    async with running(sink):
        await ready(sink)
        await log.send_all(normalized(number) for number in range(300))
        await wait_until_async(lambda: lag() == 300, what="a lag of 300", every=0.01)
        await wait_until_async(lambda: lag() == 0, what="no lag")


async def test_a_broker_that_is_away_is_told_once_by_us_alone(
    log: Log, store: ClickHousePeer, clickhouse: Client, caplog: pytest.LogCaptureFixture
) -> None:
    address = f"127.0.0.1:{free_port()}"
    away = f"Kafka at {address} does not answer (connection refused)"
    sink = log.sink(store.config(), kafka=KafkaConfig(bootstrap_servers=address))
    tries = 0

    class Counted(logging.Filter):
        """Sees each attempt that aiokafka would tell of."""

        def filter(self, record: logging.LogRecord) -> bool:
            nonlocal tries
            tries += 1
            return True

    counted = Counted()
    aiokafka = logging.getLogger("aiokafka")
    aiokafka.filters.insert(0, counted)
    try:
        with capture_logs() as lines:
            async with running(sink):
                await wait_until_async(lambda: tries > 2)
                assert troubles(sink)["kafka"] == away
    finally:
        aiokafka.removeFilter(counted)
    assert [line["detail"] for line in lines if line["event"] == "sink_kafka_away"] == [away]
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_the_group_is_ours_on_a_shared_cluster() -> None:
    assert SinkConfig().group == "awoooi-sink"


async def test_a_wrong_password_stops_the_start(log: Log, own_store: ClickHousePeer) -> None:
    config = own_store.config(password=SecretStr("wrong secret"))
    with pytest.raises(Misconfigured, match="does not let user 'writer' in") as caught:
        await log.sink(config).run()
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("part", ["kafka", "clickhouse"])
async def test_what_is_away_at_the_start_is_waited_for(
    log: Log, own_store: ClickHousePeer, part: str
) -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    kafka = KafkaConfig(bootstrap_servers=nowhere) if part == "kafka" else log.kafka
    clickhouse = own_store.config(**({"url": f"http://{nowhere}"} if part == "clickhouse" else {}))
    sink = log.sink(clickhouse, kafka=kafka)
    says: Callable[[], str] = sink.checks()[part]
    async with running(sink) as task:
        await wait_until_async(lambda: "not" in says() or "Unable" in says(), what="trouble is told")
        await wait_until_async(lambda: nowhere.split(":")[1] in says(), what="the address is told")
        assert not task.done()


async def test_on_the_embedded_broker(tansu: TansuPeer, store: ClickHousePeer, clickhouse: Client) -> None:
    async with Log.made(tansu.bootstrap) as log:
        await log.send_all(normalized(number) for number in range(300))
        sink = log.sink(store.config(), config={"embedded": True})
        async with running(sink):
            await reaches(clickhouse, 300)
            await log.send_all(hit(number) for number in range(1, 51))
            await reaches(clickhouse, 350)
            assert not any(troubles(sink).values())
    assert await stored(clickhouse) == {"alert.normalized": 300, "incident.hit": 50}


async def test_a_second_start_goes_on_where_the_first_ended(
    log: Log, store: ClickHousePeer, clickhouse: Client
) -> None:
    for start in range(3):
        await log.send_all(normalized(number) for number in range(start * 100, start * 100 + 100))
        async with running(log.sink(store.config())):
            await log.caught_up()
    (raw,) = await clickhouse.ask("SELECT count() AS rows FROM events")  # not even stored twice
    assert raw["rows"] == await total(clickhouse) == 300

"""What was rejected, over the API: to its project alone; sent again as it came, in a person's name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaProducer
from prometheus_client import CollectorRegistry

from awoooi.reading_desk import reading_desk
from awoooi.rejected_desk import RejectedRecords
from connectors.gateway.app import create_app
from connectors.gateway.config import GatewayConfig
from connectors.gateway.desks import Desks
from connectors.gateway.stamp import STAMP_HEADER, stamp
from connectors.http import HttpClient, Reply
from connectors.kafka.admin import apply_topics
from connectors.tokens import TokenFile, new_personal_token
from schemas import ids
from schemas.alert import AlertRejected, AlertReplayed, Rejection
from schemas.catalog import topic_of
from schemas.codec import Codec
from schemas.envelope import Event
from schemas.failure import Failure, StageFailed
from sinks.clickhouse.client import connected
from sinks.clickhouse.migrate import migrate
from sinks.clickhouse.rows import row_of
from sinks.clickhouse.writer import Writer
from tests.connectors.gateway.support import NO_LIMIT, SECRET, SOURCES, MemoryLog, serving
from tests.peers import KafkaPeer
from tests.sinks.clickhouse.test_act_desk import settings_of
from tests.sinks.clickhouse_peer import ClickHousePeer
from tests.sinks.harness import Log
from tests.sinks.samples import dead, envelope

CODEC = Codec()
PATH = "/api/v1/rejected"
RAW, VALUE = "alerts.raw.grafana", b'{"alerts": [\xff'
PEOPLE: dict[str, Any] = {
    "otto": ("operator", ("shop",)),
    "eve": ("operator", ("bank",)),
    "vera": ("viewer", ("shop",)),
    "ada": ("admin", "*"),
}


def rejected(name: str, project: str = "shop", reason: str = "unreadable") -> AlertRejected:
    key = SECRET.encode()
    told = {"source": "grafana", "topic": RAW, "partition": 0, "offset": 1, "reason": reason, "detail": name}
    whole = {
        "original": VALUE,
        "original_key": b"k",
        "original_stamp": stamp(key, project, "t", RAW, VALUE, 1),
    }
    payload = Rejection(**told, size=len(VALUE), sha256="0" * 64, project_id=project, **whole)
    facts = {**envelope(ids.derive_id("rejected", name)), "project_id": project}
    return AlertRejected(**facts, payload=payload)


FIRST, SECOND, OF_BANK, LOST = (
    rejected("first"),
    rejected("second", reason="bad_payload"),
    rejected("of bank", "bank"),
    rejected("lost"),
)
FAILED = StageFailed(
    **{**envelope(ids.derive_id("failed", "one")), "project_id": "shop"}, payload=Failure(**dead("stage"))
)


@dataclass
class Desk:
    url: str
    http: HttpClient
    log: MemoryLog
    tokens: dict[str, str]
    store: ClickHousePeer

    async def listed(self, who: str = "otto", **asked: Any) -> Any:
        query = "&".join(f"{name}={value}" for name, value in asked.items())
        headers = {"authorization": f"Bearer {self.tokens[who]}"}
        answer = await self.http.get(f"{self.url}{PATH}?{query}", headers)
        assert answer.status == 200, answer.body
        return answer.json()

    async def replay(self, event: Event | str, who: str = "otto", **said: Any) -> Reply:
        named = event if isinstance(event, str) else event.event_id
        told = {"authorization": f"Bearer {self.tokens[who]}", "content-type": "application/json"}
        return await self.http.post(f"{self.url}{PATH}/{named}/replay", orjson.dumps(said), told)


@pytest.fixture(scope="module")
def kept(empty_store: ClickHousePeer, kafka: KafkaPeer) -> ClickHousePeer:
    """The log holds all but LOST, whose place another record has."""
    asyncio.run(_keep(empty_store, kafka.bootstrap))
    return empty_store


async def _keep(store: ClickHousePeer, bootstrap: str) -> None:
    log = Log(bootstrap)
    topic = replace(topic_of(AlertRejected), name=f"{log.prefix}alerts.rejected")
    await apply_topics(log.kafka, [topic], 1)
    rows = []
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        for event in (FIRST, SECOND, OF_BANK, FAILED):
            value = CODEC.encode(event)
            place = await producer.send_and_wait(topic.name, value)
            rows.append(row_of(CODEC, "", topic.name, place.partition, place.offset, value))
    rows.append(row_of(CODEC, "", topic.name, 0, 0, CODEC.encode(LOST)))
    async with connected(store.config()) as client:
        await migrate(client)
    await _write(store, rows)


async def _write(store: ClickHousePeer, rows: list[Any]) -> None:
    writer = Writer(store.config())
    await writer.open()
    await writer.write(rows, [])
    await writer.close()


@pytest.fixture
async def desk(tmp_path: Path, kept: ClickHousePeer, kafka: KafkaPeer) -> AsyncIterator[Desk]:
    path = tmp_path / "tokens.json"
    tokens = {
        who: new_personal_token(path, who, who, [role], projects=projects, limits=NO_LIMIT)[1]
        for who, (role, projects) in PEOPLE.items()
    }
    given = {"AWOOOI_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap, "AWOOOI_GATEWAY_STAMP_SECRET": SECRET}
    settings = settings_of(tmp_path, kept, **given)
    config, known, log = (
        GatewayConfig(tokens_file=path, stamp_secret=SECRET, port=0),
        TokenFile(path),
        MemoryLog(),
    )
    async with reading_desk(settings) as record:
        desks = Desks(rejected=RejectedRecords(settings, record.told, lambda: CODEC))
        app = create_app(
            config, log.publish, SOURCES, known, registry=CollectorRegistry(), people=known, desks=desks
        )
        async with serving(app) as port, HttpClient(timeout_secs=20) as http:
            yield Desk(f"http://127.0.0.1:{port}", http, log, tokens, kept)


async def test_each_project_sees_its_own(desk: Desk) -> None:
    of_shop, of_bank, of_all = [await desk.listed(who) for who in ("otto", "eve", "ada")]

    assert {item["detail"] for item in of_bank["items"]} == {"of bank"}
    assert {item["project_id"] for item in of_shop["items"]} == {"shop"}
    assert (of_shop["total"], of_all["total"]) == (4, 5)
    assert {one["reason"]: one["count"] for one in of_shop["reasons"]}["unreadable"] >= 2
    (bad,) = (await desk.listed(reason="bad_payload"))["items"]
    assert (bad["detail"], bad["replayable"], bad["replayed_at"]) == ("second", True, None)
    beyond = [await desk.listed(page=9), await desk.listed(page=9, reason="bad_payload")]
    assert [(page["items"], page["total"]) for page in beyond] == [([], 4), ([], 1)]


async def test_a_record_is_sent_again_as_it_came(desk: Desk) -> None:
    answer = await desk.replay(FIRST)

    raw, told = desk.log.records
    event = CODEC.decode(told.value)
    assert answer.status == 202
    assert (raw.topic, raw.key, raw.value) == (RAW, b"k", VALUE)
    assert raw.headers[STAMP_HEADER] == FIRST.payload.original_stamp
    assert isinstance(event, AlertReplayed)
    assert (event.actor, event.causes, event.project_id) == ("otto", (FIRST.event_id,), "shop")
    assert (told.topic, event.payload.topic, event.payload.offset) == ("alerts.rejected", RAW, 0)


async def test_what_was_sent_again_says_by_whom_and_is_not_sent_twice_unasked(desk: Desk) -> None:
    assert (await desk.replay(SECOND)).status == 202
    told = desk.log.records[-1]
    await _write(desk.store, [row_of(CODEC, "", "alerts.rejected", 3, 1, told.value)])

    (item,) = (await desk.listed(reason="bad_payload"))["items"]
    twice, asked = await desk.replay(SECOND), await desk.replay(SECOND, again=True)

    assert (item["replayed_by"], item["replayed_at"] is not None) == ("otto", True)
    assert (twice.status, asked.status) == (409, 202)
    assert "otto sent it again" in twice.json()["detail"]


REFUSED: list[Any] = [
    pytest.param(FIRST, "vera", 403, "needs the role operator", id="a viewer"),
    pytest.param(OF_BANK, "otto", 404, "among yours", id="of another project"),
    pytest.param(ids.derive_id("x"), "otto", 404, "among yours", id="unknown"),
    pytest.param("first", "otto", 404, "UUID", id="no id"),
    pytest.param(FAILED, "otto", 409, "stage.failed", id="what a stage gave up"),
    pytest.param(LOST, "otto", 409, "holds it no more", id="another record in its place"),
]


@pytest.mark.parametrize(("event", "who", "status", "told"), REFUSED)
async def test_what_is_not_sent_again(
    desk: Desk, event: Event | str, who: str, status: int, told: str
) -> None:
    answer = await desk.replay(event, who)

    assert (answer.status, desk.log.records) == (status, []), answer.body
    assert told in answer.json()["detail"]

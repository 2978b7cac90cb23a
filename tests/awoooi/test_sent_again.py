"""Sending a rejected record again: once at a time, and in the log before anything that can fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from prometheus_client import CollectorRegistry

from awoooi.loading import load
from awoooi.rejected_desk import RejectedRecords
from awoooi.replay import DONE
from awoooi.settings import Settings
from connectors.gateway.app import create_app
from connectors.gateway.config import GatewayConfig
from connectors.gateway.desks import Desks
from connectors.gateway.rejected import Original, RejectedPage, RejectedRecord, Which
from connectors.http import HttpClient, Reply
from connectors.tokens import TokenFile, new_personal_token
from schemas.alert import AlertRejected
from schemas.codec import Codec
from schemas.errors import Misconfigured
from tests.connectors.gateway.support import NO_LIMIT, SECRET, SOURCES, MemoryLog, serving
from tests.peers.waiting import wait_until_async
from tests.sinks.samples import every_event

CODEC = Codec()
EVENT = next(event for event in every_event() if isinstance(event, AlertRejected))
URL = f"/api/v1/rejected/{EVENT.event_id}/replay"


class Records(RejectedRecords):
    """One, which the log holds."""

    async def one(self, event_id: str, projects: Collection[str] | None) -> RejectedRecord | None:
        told = EVENT.payload.model_dump(
            include={"source", "reason", "detail", "topic", "partition", "offset"}
        )
        whole = {"size": 1, "at": EVENT.recorded_at, "replayable": True, "stage": "", "type": EVENT.type}
        return RejectedRecord(event_id=event_id, project_id=EVENT.project_id, **told, **whole)

    async def original(self, record: RejectedRecord) -> Original:
        return Original(EVENT, "alerts.raw.grafana", b"k", b"{", [])

    async def rejected(self, which: Which, projects: Collection[str] | None) -> RejectedPage:
        raise Misconfigured("AWOOOI_CLICKHOUSE_READER_PASSWORD is not set")


@dataclass
class Desk:
    url: str
    token: str
    log: MemoryLog

    async def ask(self, method: str, path: str) -> Reply:
        async with HttpClient(timeout_secs=20) as http:
            return await http.request(
                method, self.url + path, headers={"authorization": f"Bearer {self.token}"}
            )


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Desk]:
    path, log = folder / "tokens.json", MemoryLog()
    _, token = new_personal_token(path, "ada", "ada", ["admin"], projects="*", limits=NO_LIMIT)
    settings: Settings = load({"AWOOOI_STATE_DIR": str(folder)}).settings
    records, known = Records(settings, cast(Any, None), lambda: CODEC), TokenFile(path)
    app = create_app(
        GatewayConfig(tokens_file=path, stamp_secret=SECRET, port=0),
        log.publish,
        SOURCES,
        known,
        registry=CollectorRegistry(),
        people=known,
        desks=Desks(rejected=records),
    )
    async with serving(app) as port:
        yield Desk(f"http://127.0.0.1:{port}", token, log)


async def test_a_note_that_cannot_be_made_takes_nothing_back(tmp_path: Path) -> None:
    (tmp_path / DONE).mkdir()  # no file can be written there
    async with running(tmp_path) as desk:
        answer = await desk.ask("POST", URL)

    assert answer.status == 202, answer.body
    assert [record.topic for record in desk.log.records] == ["alerts.raw.grafana", "alerts.rejected"]


async def test_what_is_under_way_is_not_begun_again(tmp_path: Path) -> None:
    async with running(tmp_path) as desk:
        desk.log.gate = asyncio.Event()
        first = asyncio.create_task(desk.ask("POST", URL))
        await wait_until_async(lambda: desk.log.waiting == 1)
        second = asyncio.create_task(desk.ask("POST", URL))
        done, _ = await asyncio.wait([second], timeout=5)
        desk.log.gate.set()
        assert (await first).status == 202
        assert done, "it waits beside the first"
        assert (second.result().status, "just now" in second.result().json()["detail"]) == (409, True)
        assert (await desk.ask("POST", URL)).status == 202, "it is given back"

    assert (tmp_path / DONE).read_text().split() == [EVENT.event_id] * 2


async def test_what_the_operator_has_to_mend_is_no_fault_of_ours(tmp_path: Path) -> None:
    async with running(tmp_path) as desk:
        answer = await desk.ask("GET", "/api/v1/rejected")

    assert (answer.status, "PASSWORD" in answer.body.decode()) == (503, False), "the log says what"

"""What the gateway asks the record before a person may act: whose incident it is, and how it stands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from awoooi.act_desk import ActDesk, act_desk
from awoooi.loading import load
from connectors.gateway.act_desk import Known, Receipt
from schemas.errors import NotNow
from sinks.clickhouse.client import Client
from tests.peers import free_port
from tests.sinks.clickhouse.events import COLUMNS, event, values
from tests.sinks.clickhouse_peer import ClickHousePeer

OURS, CLOSED, THEIRS = (f"INC-20261121-{name}00000" for name in ("OURS0", "DONE0", "BANK0"))
SEEN = {"fingerprint": "ab" * 8}
ROWS = [
    event("1", "incident.opened", 1, SEEN, incident_id=OURS),
    event("2", "rca.decided", 5, {}, incident_id=OURS, run_id="run-b", topic="rca.decisions"),
    event("3", "rca.decided", 2, {}, incident_id=OURS, run_id="run-a", topic="rca.decisions"),
    event("4", "incident.opened", 3, SEEN, incident_id=CLOSED),
    event("5", "incident.resolved", 4, SEEN, incident_id=CLOSED),
    event("6", "incident.commented", 6, {"text": "x"}, incident_id=CLOSED, kafka_partition=3),
    event("7", "incident.opened", 7, SEEN, incident_id=THEIRS, project_id="bank"),
]


def settings_of(folder: Path, peer: ClickHousePeer, **more: str) -> Any:
    user, password = peer.reader or peer.writer
    given = {
        "AWOOOI_STATE_DIR": str(folder),
        "AWOOOI_CLICKHOUSE_URL": peer.url,
        "AWOOOI_CLICKHOUSE_DATABASE": peer.database,
        "AWOOOI_CLICKHOUSE_READER_USER": user,
        "AWOOOI_CLICKHOUSE_READER_PASSWORD": password,
    }
    return load({**given, **more}).settings


@pytest.fixture
async def desk(clickhouse: Client, empty_store: ClickHousePeer, tmp_path: Path) -> AsyncIterator[ActDesk]:
    await clickhouse.insert("events", values(ROWS), COLUMNS)
    async with act_desk(settings_of(tmp_path, empty_store)) as opened:
        yield opened


async def test_an_incident_is_known_to_its_own_projects(desk: ActDesk) -> None:
    ours = Known(OURS, "shop", "ab" * 8, "PENDING")

    assert await desk.incident(OURS, ("cart", "shop")) == ours
    assert await desk.incident(OURS, None) == ours
    assert await desk.incident(THEIRS, ("shop",)) is None
    assert await desk.incident(OURS, ()) is None
    assert await desk.incident("INC-20261121-NONE000000", None) is None
    assert await desk.incident("' OR 1 = 1 --", None) is None


async def test_what_people_say_of_a_closed_incident_does_not_open_it(desk: ActDesk) -> None:
    assert await desk.incident(CLOSED, None) == Known(CLOSED, "shop", "ab" * 8, "RESOLVED")


async def test_runs_come_in_the_order_of_their_decisions(desk: ActDesk) -> None:
    known = Known(OURS, "shop", "", "")

    assert await desk.decided(known) == {"run-a": str(ROWS[2]["event_id"]), "run-b": str(ROWS[1]["event_id"])}
    assert [*await desk.decided(known)] == ["run-a", "run-b"]
    assert await desk.decided(Known(OURS, "bank", "", "")) == {}


async def test_what_is_recorded_lies_where_the_record_says(desk: ActDesk) -> None:
    known, event_id = Known(CLOSED, "shop", "", ""), str(ROWS[5]["event_id"])

    assert await desk.written(known, event_id) == Receipt("incidents", 3, 6)
    assert await desk.written(known, str(ROWS[6]["event_id"])) is None, "it is another project's"


async def test_a_record_that_is_away_is_no_incident_that_there_is_not(
    empty_store: ClickHousePeer, tmp_path: Path
) -> None:
    nobody = settings_of(tmp_path, empty_store, AWOOOI_CLICKHOUSE_URL=f"http://127.0.0.1:{free_port()}")
    async with act_desk(nobody) as desk:
        for _ in range(2):
            with pytest.raises(NotNow, match="ClickHouse"):
                await desk.incident(OURS, None)

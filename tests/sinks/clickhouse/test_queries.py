"""Questions that ship, anybody's own SQL, and incidents with filters; asked by the reader."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from schemas import ids
from schemas.codec import Codec
from schemas.decision import LearningCauseJudged, RcaDecided
from schemas.errors import BadPayload
from schemas.incident import Closure, IncidentOpened, IncidentResolved
from sinks.clickhouse.client import Client, connected
from sinks.clickhouse.errors import Refused
from sinks.clickhouse.queries import NAMED, incidents, query
from sinks.clickhouse.rows import row_of
from sinks.clickhouse.writer import Writer
from tests.sinks.clickhouse_peer import ClickHousePeer
from tests.sinks.samples import NOW, counts, envelope, every_event, golden, hit, normalized, sighting

CODEC = Codec()


@pytest.fixture
async def reader(store: ClickHousePeer, clickhouse: Client) -> AsyncIterator[Client]:
    """With two projects: shop has an open incident and an ended one, bank has one."""
    events = [
        *every_event()[:3],
        opened("INC-1", "shop", 1),
        *(hit(number, incident="INC-1") for number in range(2, 6)),
        opened("INC-2", "shop", 2),
        IncidentResolved(
            **envelope(ids.derive_id("resolved"), incident_id="INC-2"),
            payload=Closure(**counts(1), resolved_at=NOW, reason="alert_resolved"),
        ),
        opened("INC-3", "bank", 3),
        normalized(
            7,
        ),
    ]
    writer = Writer(store.config())
    await writer.open()
    rows = [row_of(CODEC, "", "t", 0, place, CODEC.encode(event)) for place, event in enumerate(events)]
    await writer.write(rows, [])
    await writer.close()
    login = store.reader or store.writer
    async with connected(store.config(user=login[0], password=SecretStr(login[1]))) as client:
        yield client


def opened(incident: str, project: str, number: int) -> IncidentOpened:
    facts = envelope(ids.derive_id("opened", incident), incident_id=incident)
    return IncidentOpened(**{**facts, "project_id": project}, payload=sighting(number))


async def test_a_judged_cause_stands_beside_the_one_that_the_run_named(
    store: ClickHousePeer, clickhouse: Client
) -> None:
    told = [golden(kind) for kind in (RcaDecided, LearningCauseJudged)]
    writer = Writer(store.config())
    await writer.open()
    rows = [row_of(CODEC, "", "t", 0, place, CODEC.encode(event)) for place, event in enumerate(told)]
    await writer.write(rows, [])
    await writer.close()

    (row,) = await query(clickhouse, "causes", project=told[0].project_id)
    assert (row["verdict"], row["cause"], row["actor"]) == ("wrong", "a certificate had expired", "dana")
    assert row["named"] == told[0].payload.hypothesis.cause
    assert await query(clickhouse, "causes", project="another") == []


@pytest.mark.parametrize("name", NAMED)
async def test_every_named_question_is_answered(reader: Client, name: str) -> None:
    everything = await query(reader, name)
    assert all("project_id" in row for row in everything)
    ours = await query(reader, name, project="bank")
    assert {row["project_id"] for row in ours} <= {"bank"}
    assert await query(reader, name, project="no' OR 1=1 --") == []
    assert everything or name not in ("daily", "noise", "fingerprints", "rejected", "delay", "events")


async def test_noise_is_alerts_by_incident(reader: Client) -> None:
    (row,) = await query(reader, "noise", project="shop")
    assert (row["incidents"], row["alerts"], row["alerts_per_incident"]) == (2, 7, 3.5)


async def test_own_sql_with_parameters(reader: Client) -> None:
    sql = "SELECT {n:UInt8} + 1 AS more, count() AS alerts FROM v_alerts"
    assert await query(reader, sql, params={"n": 4}) == [{"more": 5, "alerts": 2}]


async def test_own_sql_may_look_for_parts_of_a_text(reader: Client) -> None:
    sql = "SELECT count() AS found FROM v_alerts WHERE alert_type LIKE '%C%' OR 1 % 2 = 1"
    assert await query(reader, sql) == [{"found": 2}]


async def test_the_reader_changes_nothing(own_store: ClickHousePeer, reader: Client) -> None:
    with pytest.raises(Refused, match="readonly"):
        await query(reader, "TRUNCATE TABLE events")


async def test_an_unknown_name_tells_the_known_ones(reader: Client) -> None:
    with pytest.raises(BadPayload, match="'daly' is neither SQL nor one of daily, noise"):
        await query(reader, "daly")


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        pytest.param({}, {"INC-1", "INC-2", "INC-3"}, id="all"),
        pytest.param({"project": "shop"}, {"INC-1", "INC-2"}, id="project"),
        pytest.param({"status": "RESOLVED"}, {"INC-2"}, id="status"),
        pytest.param({"status": "OPEN"}, {"INC-1", "INC-3"}, id="open"),
        pytest.param({"project": "bank", "status": "RESOLVED"}, set(), id="both"),
        pytest.param({"project": "' OR '1"}, set(), id="no SQL in a filter"),
    ],
)
async def test_incidents_by_filter(reader: Client, filters: dict[str, str], found: set[str]) -> None:
    assert {row["incident_id"] for row in await incidents(reader, **filters)} == found


async def test_incidents_stop_at_the_limit(reader: Client) -> None:
    assert len(await incidents(reader, limit=2)) == 2


async def test_an_incident_as_it_stands(reader: Client) -> None:
    (row,) = await incidents(reader, project="shop", status="PENDING")
    assert (row["incident_id"], row["hit_count"], row["severity"]) == ("INC-1", 5, "critical")


@pytest.mark.parametrize(
    ("filters", "says"),
    [
        ({"status": "open"}, "status: 'open' is not one of OPEN, PENDING, INVESTIGATING"),
        ({"limit": 0}, "limit: 0 is not between 1 and 100000"),
        ({"limit": 100_001}, "limit: 100001"),
    ],
)
async def test_a_bad_filter_names_what_is_allowed(filters: dict[str, str], says: str) -> None:
    with pytest.raises(BadPayload, match=says):
        await incidents(None, **filters)  # type: ignore[arg-type]

"""People's acts when parts are away, when they come too often, and when the same thing comes twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from connectors.gateway.act_desk import Known, Receipt
from connectors.tokens import Limits
from schemas.errors import BrokerAway, NotNow
from tests.connectors.gateway.desk import (
    OPEN,
    Office,
    office,
)
from tests.connectors.gateway.support import never


@pytest.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Office]:
    async with office(tmp_path) as running:
        yield running


# -- when parts are away


AWAY: list[Any] = [
    pytest.param(NotNow("no ClickHouse"), None, "whose incident this is cannot be told", "2", id="record"),
    pytest.param(never("denied"), None, "the record is away", "30", id="a record that refuses us"),
    pytest.param(None, BrokerAway("no Kafka"), "the log is away", "2", id="broker"),
    pytest.param(None, never("not_allowed"), "does not take this record", "30", id="a topic that refuses us"),
]


@pytest.mark.parametrize(("record", "log", "told", "after"), AWAY)
async def test_in_doubt_nothing_is_written(
    gate: Office, record: Exception | None, log: Exception | None, told: str, after: str
) -> None:
    gate.desk.away, gate.log.failure = record, log
    reply = await gate.ask("comment", {"text": "x"})

    assert (reply.status, reply.headers["retry-after"]) == (503, after)
    assert told in reply.json()["detail"]
    assert gate.log.records == []

    gate.desk.away = gate.log.failure = None
    assert (await gate.ask("comment", {"text": "x"})).status == 202


async def test_a_token_has_a_limit_and_what_fails_because_of_us_is_not_counted(tmp_path: Path) -> None:
    async with office(tmp_path) as gate:
        few = Limits(requests_per_minute=2)
        gate.desk.away = NotNow("no ClickHouse")
        token = gate.token("operator", "ana", few)
        await gate.knows(token)
        for _ in range(5):
            assert (await gate.ask("acknowledge", token=token)).status == 503
        gate.desk.away = None
        statuses = [(await gate.ask("comment", {"text": f"{n}"}, token=token)) for n in range(3)]

    assert [reply.status for reply in statuses] == [202, 202, 503]
    assert "over 2 requests a minute" in statuses[-1].json()["detail"]
    assert int(statuses[-1].headers["retry-after"]) >= 29


# -- the same thing twice


async def test_a_request_that_is_repeated_is_one_event(gate: Office) -> None:
    first, second = [await gate.ask("comment", {"text": "x"}) for _ in range(2)]

    assert first.json() == second.json()
    assert len(gate.log.records) == 1


async def test_with_a_key_it_stays_one_also_after_a_restart(tmp_path: Path) -> None:
    replies = []
    for life in range(2):
        async with office(tmp_path / str(life)) as gate:
            replies += [await gate.ask("comment", {"text": "x"}, idempotency_key="k1") for _ in range(2)]
            assert len(gate.log.records) == 1

    assert len({reply.json()["event_id"] for reply in replies}) == 1


async def test_what_the_record_has_is_not_written_again(gate: Office) -> None:
    once = await gate.ask("close", {"reason": "x"}, idempotency_key="k1")
    lies = once.json()
    async with office(gate.tokens_file.parent / "other") as other:
        other.desk.recorded[lies["event_id"]] = Receipt("alerts.normalized", 3, 17)
        other.desk.incidents[OPEN.incident_id] = Known(OPEN.incident_id, "shop", "ab" * 8, "RESOLVED")
        again = await other.ask("close", {"reason": "x"}, idempotency_key="k1")

    assert (again.status, again.json()["partition"], again.json()["offset"]) == (202, 3, 17)
    assert other.log.records == []


async def test_other_things_are_events_of_their_own(gate: Office) -> None:
    asked: list[tuple[str, object, str]] = [
        ("assign", {"assignee": "bob"}, "k1"),
        ("assign", {"assignee": "ana"}, "k1"),
        ("assign", {"assignee": "bob"}, "k2"),
        ("assign", {"assignee": "bob"}, ""),
        ("assign", {"assignee": "ana"}, ""),
        ("assign", {"assignee": "bob"}, ""),
    ]
    for act, body, key in asked:
        assert (await gate.ask(act, body, idempotency_key=key)).status == 202
    await gate.ask("assign", {"assignee": "bob"}, idempotency_key="k1", token=gate.token("admin"))

    assert len({event.event_id for event in gate.events()}) == len(asked)


async def test_one_persons_key_is_not_anothers(tmp_path: Path) -> None:
    async with office(tmp_path) as gate:
        ana = gate.token("operator", "ana")
        await gate.knows(ana)
        gate.log.records.clear()
        for token in (ana, gate.token("operator")):
            await gate.ask("comment", {"text": "x"}, token=token, idempotency_key="k1")

        assert {event.actor for event in gate.events()} == {"ana", "bob"}

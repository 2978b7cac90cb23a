"""What the door refuses stands in the log: with its reason, and so much a minute, whoever sends how much."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.gateway import turned_away
from connectors.gateway.problems import Refused
from connectors.gateway.turned_away import Doorkeeper, Knock
from schemas.catalog import key_of
from tests.connectors.gateway.test_signatures import ID, Log, door, made
from tests.peers.waiting import wait_until_async

KEY, NOW_MS = b"k" * 32, 1_800_000_000_000
OTHER = ID.replace("-A1", "-A2")
FOR_ANOTHER = made(orjson.dumps({"approval_id": OTHER, "sub": "bob the builder"}))
REFUSED = Refused(422, "no_token", "no compact JWS")


def keeper(log: Log, a_minute: int = 60) -> Doorkeeper:
    return Doorkeeper(log.publish, log.encode, KEY, a_minute, lambda: NOW_MS)


def knock(number: int = 0, address: str = "10.0.0.1") -> Knock:
    return Knock(ID, address, b"%d" % number)


def times(log: Log) -> Counter[str]:
    counted = Counter[str]()
    for event in log.turned_away:
        counted[event.payload.refusal] += event.payload.times
    return counted


async def test_it_says_what_was_refused_and_why_and_nothing_of_who_or_what_it_said(tmp_path: Path) -> None:
    log = Log()
    async with door(log, tmp_path) as opened:
        await opened.call("POST", ID, FOR_ANOTHER)

    [event] = log.turned_away
    told: Any = event.payload
    assert (told.refusal, told.approval_id, told.times) == ("other_approval", ID, 1)
    assert told.signature == hashlib.sha256(FOR_ANOTHER).hexdigest()
    assert (event.incident_id, key_of(event)) == (ID[:-3], ID[:-3].encode())
    assert len(told.sender) == 16
    assert not any(hidden in event.model_dump_json() for hidden in ("127.0.0.1", "bob", FOR_ANOTHER.decode()))


async def test_over_the_rate_is_told_as_well(tmp_path: Path) -> None:
    log = Log()
    async with door(log, tmp_path, signatures_per_minute=1) as opened:
        replies = [await opened.call("POST", ID, b"a.b") for _ in range(2)]

    assert [reply.status for reply in replies] == [422, 429]
    assert times(log) == {"no_token": 1, "rate": 1}


async def test_however_much_is_sent_the_log_takes_so_much_and_the_rest_is_counted() -> None:
    log = Log()
    keeps = keeper(log, a_minute=6)
    for number in range(1000):
        await keeps.note(REFUSED, knock(number, f"10.0.{number % 200}.1"))
    assert len(log.turned_away) == 6
    await keeps.close()

    assert len(log.turned_away) == 7, "one more for the reason"
    assert times(log) == {"no_token": 1000}, "none is lost"
    assert len({event.event_id for event in log.turned_away}) == 7


async def test_one_sender_leaves_room_for_the_others() -> None:
    log = Log()
    keeps = keeper(log, a_minute=6)
    for number in range(100):
        await keeps.note(REFUSED, knock(number))
    await keeps.note(REFUSED, knock(0, "10.0.0.2"))

    one, other = log.turned_away[0].payload.sender, log.turned_away[-1].payload.sender
    assert [event.payload.sender for event in log.turned_away] == [one, one, other]
    assert one != other
    await keeps.close()


async def test_the_counted_are_told_by_time_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turned_away, "MINUTE_MS", 10)
    log = Log()
    keeps = keeper(log, a_minute=1)
    for number in range(5):
        await keeps.note(REFUSED, knock(number))

    await wait_until_async(lambda: times(log)["no_token"] == 5)
    assert log.turned_away[1].payload.sentence == "more of the same, which were only counted"


async def test_what_the_log_did_not_take_is_told_when_it_is_back() -> None:
    log = Log(away=True)
    keeps = keeper(log)
    for number in range(3):
        await keeps.note(REFUSED, knock(number))
    await keeps.tell()
    assert not log.turned_away

    log.away = False
    await keeps.close()
    assert times(log) == {"no_token": 3}


async def test_a_process_that_ends_while_it_tells_loses_none() -> None:
    log, begun = Log(), asyncio.Event()
    keeps = keeper(log, a_minute=1)
    for number in range(3):
        await keeps.note(REFUSED, knock(number))

    async def slow(*_: Any) -> tuple[str, int, int]:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError("cancelled before")

    keeps._publish = slow
    telling = asyncio.create_task(keeps.tell())
    await begun.wait()
    telling.cancel()
    await asyncio.wait([telling])
    keeps._publish = log.publish
    await keeps.close()
    assert times(log) == {"no_token": 3}

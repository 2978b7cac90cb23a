"""The live stream over a real connection: who hears what, for how long, and what becomes of the slow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from connectors.gateway.app import create_app
from connectors.gateway.config import GatewayConfig
from connectors.gateway.live_ring import Ring
from connectors.gateway.live_told import message
from connectors.http import HttpClient
from connectors.tokens import TokenFile, new_personal_token, revoke_token
from schemas.envelope import Event
from schemas.errors import BrokerAway
from schemas.switch import ON, SwitchKind, setting
from tests.connectors.gateway.listening import STREAM, Ears, listening
from tests.connectors.gateway.support import NO_LIMIT, SECRET, MemoryLog, serving
from tests.peers import wait_until_async
from tests.schemas.golden_events import golden

COMMENT = golden("incident.commented")
QUICK = {"stream_heartbeat_secs": 0.2, "stream_look_secs": 0.05}


@dataclass
class Keys:
    """Who was removed, of the people here."""

    gone: set[str] = field(default_factory=set)
    away: bool = False

    def has_gone(self, person: str) -> bool:
        if self.away:
            raise BrokerAway("who may sign is not known at the moment")
        return person in self.gone


@dataclass
class Stage:
    """A gateway with a ring that the test fills, and people with tokens."""

    ring: Ring
    tokens_file: Path
    keys: Keys
    registry: CollectorRegistry
    url: str = ""
    live: Any = None
    told: int = 0
    tokens: dict[str, tuple[str, str]] = field(default_factory=dict)

    def person(self, name: str, *projects: str) -> None:
        entry, token = new_personal_token(
            self.tokens_file, name, name, ["viewer"], projects=projects or "*", limits=NO_LIMIT
        )
        self.tokens[name] = (entry.id, token)

    @asynccontextmanager
    async def listener(self, name: str = "bob", cursor: str = "", query: str = "") -> AsyncIterator[Ears]:
        async with listening(self.url, self.tokens[name][1], cursor, query) as ears:
            yield ears

    @asynccontextmanager
    async def placed(self, name: str = "bob", query: str = "") -> AsyncIterator[Ears]:
        """One that hears all from here on."""
        async with self.listener(name, query=query) as ears:
            assert (await ears.next()).event == "start"
            yield ears

    def tell(self, event: Event) -> str:
        found = message(event)
        assert found is not None
        self.ring.put(("incidents", 0), self.told, found[0], event.event_id, found[1])
        self.ring.tell()
        self.told += 1
        return event.event_id

    def happens(self, project: str = "shop", words: str = "") -> str:
        """Something new, of this project."""
        more = {"event_id": f"event-{self.told}", "project_id": project}
        payload = COMMENT.payload.model_copy(update={"text": words})
        return self.tell(COMMENT.model_copy(update={**more, "payload": payload}))

    def ended(self, why: str) -> float:
        return self.registry.get_sample_value("awoooi_live_ended_total", {"why": why}) or 0.0


@asynccontextmanager
async def stage(
    folder: Path, *, ready: bool = True, most: int = 10_000, **settings: Any
) -> AsyncIterator[Stage]:
    ring, path, keys, registry = (
        Ring({"incidents": 1}, "", most),
        folder / "tokens.json",
        Keys(),
        CollectorRegistry(),
    )
    made = Stage(ring, path, keys, registry)
    made.person("bob")
    made.person("carol", "shop")
    made.person("dave", "bank")
    if ready:
        ring.stands(is_away=False, is_ready=True)
    config = GatewayConfig(tokens_file=path, stamp_secret=SECRET, port=0, **{**QUICK, **settings})
    tokens = TokenFile(path, clock=lambda: 0.0)
    tokens._clock = asyncio.get_running_loop().time
    app = create_app(
        config, MemoryLog().publish, (), tokens, registry=registry, people=tokens, keys=keys, ring=ring
    )
    made.live = app.state.live
    async with serving(app) as port:
        made.url = f"http://127.0.0.1:{port}"
        yield made
        made.live.close()


async def test_a_listener_is_told_as_it_happens(tmp_path: Path) -> None:
    async with stage(tmp_path) as house, house.placed() as ears:
        assert b"content-type: text/event-stream" in ears.head
        event = golden("incident.moved")
        house.tell(event)

        heard = await ears.next()
        assert heard.event == heard.data["kind"] == "incident"
        assert heard.data["event_id"] == event.event_id
        assert heard.data["summary"]["status"] == event.payload.status
        assert heard.id == house.ring.cursor()


async def test_one_who_comes_back_misses_nothing(tmp_path: Path) -> None:
    async with stage(tmp_path) as house:
        async with house.placed() as ears:
            seen = [house.happens()]
            assert await ears.events(1) == seen
        missed = [house.happens() for _ in range(120)]
        async with house.listener(cursor=ears.cursor) as ears:
            later = house.happens()
            assert await ears.events(121) == [*missed, later]
        async with house.listener(query=f"?last_event_id={ears.cursor}") as again:
            assert (await again.next()).event == "start"
            house.happens()
            assert await again.events(1) == ["event-122"]


async def test_many_hear_all_of_it_in_order_though_each_leaves_and_comes_back(tmp_path: Path) -> None:
    """In small what the benchmark does with a hundred: `live_listeners_mb`."""
    async with stage(tmp_path, streams_of_one_person=50) as house:
        placed = asyncio.Barrier(21)

        async def hears_all(leaves_after: int) -> list[str]:
            async with house.placed() as ears:
                await placed.wait()
                seen = await ears.events(leaves_after)
            async with house.listener(cursor=ears.cursor) as again:
                return seen + await again.events(200 - leaves_after)

        async with asyncio.TaskGroup() as group:
            listeners = [group.create_task(hears_all(1 + 9 * number)) for number in range(20)]
            await placed.wait()
            for _ in range(200):
                house.happens()
                await asyncio.sleep(0)

        assert {tuple(one.result()) for one in listeners} == {tuple(f"event-{n}" for n in range(200))}


async def test_a_cursor_that_leads_nowhere_says_read_all_anew_and_goes_on(tmp_path: Path) -> None:
    async with stage(tmp_path) as house, house.listener(cursor="garbage") as ears:
        assert (await ears.next()).event == "reset"
        assert ears.cursor == house.ring.cursor()
        event = house.happens()
        assert await ears.events(1) == [event]


async def test_only_what_happens_in_ones_own_projects_is_told(tmp_path: Path) -> None:
    async with (
        stage(tmp_path) as house,
        house.placed("bob") as bob,
        house.placed("carol") as carol,
        house.placed("dave") as dave,
        house.placed("bob", "?project=bank") as bob_of_the_bank,
    ):
        shop, bank = house.happens("shop"), house.happens("bank")
        switch = golden("switch.set")
        everywhere = house.tell(
            switch.model_copy(update={"payload": setting(SwitchKind.KILL_SWITCH, "*", ON)})
        )

        assert await bob.events(3) == [shop, bank, everywhere]
        assert await carol.events(2) == [shop, everywhere]
        assert await dave.events(2) == [bank, everywhere]
        assert await bob_of_the_bank.events(2) == [bank, everywhere]


REFUSED = {
    "another's project": ("carol", "?project=bank", 404),
    "no project's name": ("bob", "?project=..%2f..%2fetc", 422),
    "a wrong token": ("nobody", "", 401),
}


@pytest.mark.parametrize(("who", "query", "status"), REFUSED.values(), ids=REFUSED)
async def test_who_may_not_listen_is_told_so_at_once(
    tmp_path: Path, who: str, query: str, status: int
) -> None:
    async with stage(tmp_path) as house:
        house.tokens["nobody"] = ("", "awp_0000000000_nothing")
        async with house.listener(who, query=query) as ears:
            assert ears.status == status
            assert b"application/problem+json" in ears.head


async def test_a_calm_stream_says_that_it_is_there_and_how_far(tmp_path: Path) -> None:
    """Else a calm project's listener would grow too old by what happens in others."""
    async with stage(tmp_path, most=2) as house, house.placed("carol") as ears:
        for _ in range(3):
            house.happens("bank")
            await wait_until_async(
                lambda: _after_beat(ears, house), what="a heartbeat with the newest cursor"
            )
    assert house.ring.after(ears.cursor) is not None


async def _after_beat(ears: Ears, house: Stage) -> bool:
    await ears.comment()
    return ears.cursor == house.ring.cursor()


def _revoked(house: Stage) -> None:
    revoke_token(house.tokens_file, house.tokens["bob"][0])


def _removed(house: Stage) -> None:
    house.keys.gone.add("bob")


ENDS = {"its token is revoked": _revoked, "the person is removed": _removed}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_a_stream_ends_when(tmp_path: Path, end: Callable[[Stage], None]) -> None:
    async with stage(tmp_path) as house, house.placed("bob") as ears, house.placed("carol") as other:
        end(house)
        assert await ears.until_end() == []

        event = house.happens()
        assert await other.events(1) == [event], "nobody else's"
        async with house.listener("bob") as again:
            assert again.status in (401, 403)
        assert house.ended("token_ended") == 1


async def test_while_nobody_can_tell_who_was_removed_a_stream_stays(tmp_path: Path) -> None:
    async with stage(tmp_path) as house, house.placed() as ears:
        house.keys.away = True
        await ears.comment()
        house.keys.away = False
        event = house.happens()
        assert await ears.events(1) == [event]


async def test_the_log_goes_away_and_comes_back(tmp_path: Path) -> None:
    async with stage(tmp_path) as house, house.placed() as ears:
        house.ring.stands(is_away=True, is_ready=True)
        assert (await ears.next()).event == "away"
        house.ring.stands(is_away=False, is_ready=True)
        assert (await ears.next()).event == "back"
        event = house.happens()
        assert await ears.events(1) == [event]


async def test_a_stream_opens_before_the_log_was_read_and_begins_when_it_was(tmp_path: Path) -> None:
    async with stage(tmp_path, ready=False) as house, house.listener() as ears:
        assert (await ears.next()).event == "away"
        house.happens()  # of the past: the page has it from the record
        house.ring.stands(is_away=False, is_ready=True)
        assert [(await ears.next()).event for _ in range(2)] == ["back", "start"]
        event = house.happens()
        assert await ears.events(1) == [event]


async def test_one_who_takes_nothing_is_cut_off_and_holds_nothing(tmp_path: Path) -> None:
    async with stage(tmp_path, stream_patience_secs=0.3) as house, house.placed() as slow:
        for _ in range(9_000):  # more than the buffers of both sides hold
            house.happens(words="x" * 300)
        await wait_until_async(lambda: house.ended("too_slow") == 1, what="the slow one cut off")
        with pytest.raises(EOFError):
            await slow.events(9_001)
        async with house.listener(cursor=slow.cursor) as again:
            house.happens()
            assert (await again.events(1))[0].startswith("event-"), "it goes on from its last id"


async def test_one_whose_place_was_overtaken_comes_back_and_reads_all_anew(tmp_path: Path) -> None:
    async with stage(tmp_path, most=2) as house, house.placed() as ears:
        for _ in range(5):  # at once: it had no chance to be told
            house.happens()
        assert await ears.until_end() == []
        assert house.ended("too_slow_for_the_ring") == 1
        async with house.listener(cursor=ears.cursor) as again:
            assert (await again.next()).event == "reset"


async def test_streams_are_bounded_for_each_and_for_all(tmp_path: Path) -> None:
    """One person's many leave room for others; who goes makes room."""
    bounds = {"streams_at_once": 5, "streams_of_one_person": 3}
    async with stage(tmp_path, **bounds) as house, AsyncExitStack() as opened:
        many = [await opened.enter_async_context(house.listener("bob")) for _ in range(200)]
        carols = [await opened.enter_async_context(house.listener("carol")) for _ in range(5)]

        assert [ears.status for ears in many] == [200] * 3 + [503] * 197
        assert b"retry-after: 5" in many[-1].head
        assert [ears.status for ears in carols] == [200] * 2 + [503] * 3
    async with stage(tmp_path / "..", **bounds) as house:
        for _ in range(5):
            async with house.placed("bob"):
                pass
            await wait_until_async(lambda: not house.live._open, what="room again")


async def test_whoever_asks_for_the_head_alone_opens_no_stream(tmp_path: Path) -> None:
    async with stage(tmp_path) as house, HttpClient() as http:
        headers = {"authorization": f"Bearer {house.tokens['bob'][1]}"}
        answer = await http.request("HEAD", f"{house.url}{STREAM}", headers=headers)
        assert (answer.status, answer.body, house.live._open) == (200, b"", {})


async def test_a_gateway_that_stops_lets_its_listeners_go(tmp_path: Path) -> None:
    async with stage(tmp_path) as house, house.placed() as ears:
        house.live.close()
        assert await ears.until_end() == []
        async with house.listener() as late:
            assert late.status == 503

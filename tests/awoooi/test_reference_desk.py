"""Switches and trust in the console: told as every process goes by them; what is set bears a name."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from prometheus_client import CollectorRegistry

from awoooi.reference_desk import TOPICS, ReferenceDesk
from connectors.gateway.app import create_app
from connectors.gateway.config import GatewayConfig
from connectors.gateway.desks import Desks
from connectors.http import HttpClient, Reply
from connectors.kafka.config import KafkaConfig
from connectors.tokens import TokenFile, new_personal_token
from schemas.catalog import key_of
from schemas.codec import Codec
from schemas.envelope import Event, from_millis
from schemas.switch import SwitchKind, SwitchSet, setting
from schemas.trust import TrustRaised, TrustScore
from streams.policy.switches import TOPIC as SWITCHES
from streams.policy.switches import Switches
from streams.policy.trust_scores import TOPIC as TRUST
from streams.reference import Reference
from tests.connectors.gateway.support import NO_LIMIT, SECRET, SOURCES, MemoryLog, serving

CODEC = Codec()
SEEN, KILL, TRUSTED, RESET = (
    f"/api/v1/{path}" for path in ("switches", "switches/kill", "trust", "trust/reset")
)
KEY = "shop/RESTART_DEPLOYMENT/default/web/cart-*"
WORD = {"engaged": True, "reason": "it restarts what is healthy"}


class HeardLog(MemoryLog):
    """Kafka, and the view that follows it: what is written is known a moment later."""

    def __init__(self, view: Reference) -> None:
        super().__init__()
        self.view = view

    async def publish(
        self, topic: str, key: bytes, value: bytes, headers: Sequence[tuple[str, bytes]]
    ) -> tuple[str, int, int]:
        await super().publish(topic, key, value, headers)
        offset = self.view.offset(topic) if topic in self.view.topics else len(self.records)
        if topic in self.view.topics:
            self.view._views[topic].take(key, value, offset)
        return topic, 0, offset


@dataclass
class House:
    url: str
    http: HttpClient
    log: HeardLog
    tokens: Mapping[str, str]

    async def get(self, path: str, who: str = "olga") -> Reply:
        return await self.http.get(self.url + path, {"authorization": f"Bearer {self.tokens.get(who, who)}"})

    async def post(self, path: str, body: Any, who: str = "ada") -> Reply:
        told = {"authorization": f"Bearer {self.tokens.get(who, who)}", "content-type": "application/json"}
        return await self.http.post(self.url + path, orjson.dumps(body), told)

    async def says(self, *events: Event, topic: str = SWITCHES) -> None:
        for event in events:
            await self.log.publish(topic, key_of(event), CODEC.encode(event), ())
        self.log.records.clear()

    def written(self) -> Iterator[Event]:
        return (CODEC.decode(record.value) for record in self.log.records)

    def stops(self, project: str) -> str:
        """As the stages are told."""
        return Switches(CODEC, lambda: self.log.view.current(SWITCHES)).engaged(project)


PEOPLE: Mapping[str, tuple[str, Any]] = {
    "ada": ("admin", "*"),
    "olga": ("operator", "*"),
    "otto": ("operator", ("shop",)),
    "amir": ("admin", ("shop",)),
    "vera": ("viewer", ("shop",)),
    "anna": ("approver", "*"),
}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    path, tokens = tmp_path / "tokens.json", dict[str, str]()
    for person, (role, projects) in PEOPLE.items():
        made = new_personal_token(path, person, person, (role,), projects=projects, limits=NO_LIMIT)
        tokens[person] = made[1]
    view, known = Reference(KafkaConfig(), TOPICS), TokenFile(path)
    view._all_read()
    log = HeardLog(view)
    desk = ReferenceDesk(view, lambda: time.time_ns() // 1_000_000, lambda: CODEC)
    app = create_app(
        GatewayConfig(tokens_file=path, stamp_secret=SECRET, port=0),
        log.publish,
        SOURCES,
        known,
        registry=CollectorRegistry(),
        people=known,
        desks=Desks(switches=desk, trust=desk),
    )
    async with serving(app) as port, HttpClient(timeout_secs=20) as http:
        yield House(f"http://127.0.0.1:{port}", http, log, tokens)


def switched(kind: SwitchKind, name: str, state: str, actor: str = "root", reason: str = "") -> SwitchSet:
    return SwitchSet(
        event_id="00000000-0000-5000-8000-000000000001",
        project_id="",
        occurred_at=from_millis(1_770_000_000_000),
        recorded_at=from_millis(1_770_000_000_000),
        stage="cli",
        actor=actor,
        payload=setting(kind, name, state, reason),
    )


LIFTED = switched(SwitchKind.KILL_SWITCH, "*", "off", reason="all is well")


async def test_nothing_was_ever_set(house: House) -> None:
    told = (await house.get(SEEN)).json()

    assert told["kill_switch"]["engaged"] is True
    assert "nobody has lifted it yet" in told["kill_switch"]["says"]
    assert (told["opted_in"], told["shadow"], told["fresh"]) == ([], [], True)


async def test_it_is_stopped_for_one_project_and_let_go_again(house: House) -> None:
    await house.says(LIFTED)

    stopped = await house.post(KILL, {**WORD, "project": "shop"}, "olga")
    (event,) = house.written()
    assert stopped.status == 202
    assert (event.type, event.actor, event.stage, event.project_id) == ("switch.set", "olga", "gateway", "")
    assert event.payload.subject == "kill_switch/shop"  # type: ignore[union-attr]
    assert (bool(house.stops("shop")), bool(house.stops("bank"))) == (True, False)
    (seen,) = stopped.json()["switches"]["kill_switch"]["projects"]
    assert (seen["project"], seen["engaged"], seen["by"]) == ("shop", True, "olga")
    assert seen["why"] == WORD["reason"]

    let_go = await house.post(KILL, {"engaged": False, "project": "shop", "reason": "mended"}, "ada")
    assert (let_go.status, house.stops("shop")) == (202, "")


async def test_it_is_stopped_everywhere(house: House) -> None:
    await house.says(LIFTED)

    assert (await house.post(KILL, WORD)).status == 202
    seen = (await house.get(SEEN, "vera")).json()["kill_switch"]

    assert (seen["engaged"], seen["by"], seen["why"]) == (True, "ada", WORD["reason"])
    assert [(one["project"], one["engaged"], one["set_here"]) for one in seen["projects"]] == [
        ("shop", True, False)
    ]


LET_GO = {"engaged": False, "reason": "all is well again"}
NOT_THEIRS: list[Any] = [
    pytest.param("vera", {**WORD, "project": "shop"}, 403, "operator or admin", id="a viewer stops"),
    pytest.param("anna", WORD, 403, "operator or admin", id="an approver stops"),
    pytest.param("olga", LET_GO, 403, "needs the role admin", id="an operator lets go"),
    pytest.param("otto", WORD, 403, "everywhere", id="an operator of a project stops everything"),
    pytest.param("amir", LET_GO, 403, "everywhere", id="an admin of a project lets everything go"),
    pytest.param("amir", {**LET_GO, "project": "bank"}, 404, "no project bank", id="another's project"),
    pytest.param("ada", {"engaged": False}, 422, "needs a reason", id="letting go without a reason"),
    pytest.param("ada", {"engaged": "yes"}, 422, "engaged", id="no truth"),
    pytest.param("ada", {**WORD, "project": "*"}, 422, "project", id="no project's name"),
    pytest.param("ada", {**WORD, "actor": "bob"}, 422, "there is to say", id="in another's name"),
    pytest.param("x", WORD, 401, "token", id="nobody"),
]


@pytest.mark.parametrize(("who", "body", "status", "told"), NOT_THEIRS)
async def test_who_may_not(house: House, who: str, body: Any, status: int, told: str) -> None:
    await house.says(LIFTED)

    answer = await house.post(KILL, body, who)

    assert (answer.status, house.log.records) == (status, [])
    assert told in answer.json()["detail"]


async def test_a_project_shows_its_own_alone(house: House) -> None:
    of_bank = switched(SwitchKind.KILL_SWITCH, "bank", "on", reason="a secret of theirs")
    shadow = switched(SwitchKind.SHADOW, "bank", "on")
    opted = switched(SwitchKind.OPERATION, "DRAIN_NODE", "on")
    await house.says(LIFTED, of_bank, shadow, opted)

    of_shop, of_all = (await house.get(SEEN, "vera")).json(), (await house.get(SEEN)).json()

    assert [one["project"] for one in of_shop["kill_switch"]["projects"]] == ["shop"]
    assert (of_shop["shadow"], of_shop["opted_in"]) == ([], ["DRAIN_NODE"])
    assert ([one["project"] for one in of_all["kill_switch"]["projects"]], of_all["shadow"]) == (
        ["bank"],
        ["bank"],
    )


async def test_in_doubt_it_is_stopped(house: House) -> None:
    await house.says(LIFTED)
    house.log.view.ready.clear()

    told = (await house.get(SEEN)).json()

    assert (told["fresh"], told["kill_switch"]["engaged"]) == (False, True)


async def test_a_reason_is_recorded_as_a_persons_words_are(house: House) -> None:
    await house.post(KILL, {"engaged": True, "reason": "ring ana@example.org\u202e at once"})

    (event,) = house.written()
    assert event.payload.reason == "ring [EMAIL_1] at once"  # type: ignore[union-attr]


# -- trust


def raised(key: str = KEY, score: int = 4) -> TrustRaised:
    at = from_millis(time.time_ns() // 1_000_000)
    return TrustRaised(
        event_id="00000000-0000-5000-8000-000000000002",
        project_id=key.partition("/")[0],
        occurred_at=at,
        recorded_at=at,
        stage="trust",
        payload=TrustScore(trust_key=key, score=score, used_at=at, recent=(False, True), reason="verified"),
    )


async def test_trust_is_shown_by_its_parts_to_its_project(house: House) -> None:
    await house.says(raised(), raised("bank/SCALE_DEPLOYMENT/default/a%2Fb/api-*"), topic=TRUST)

    of_shop, of_all = (await house.get(TRUSTED, "vera")).json(), (await house.get(TRUSTED)).json()

    (item,) = of_shop["items"]
    named = {name: item[name] for name in ("project_id", "operation", "cluster", "namespace", "workload")}
    assert list(named.values()) == ["shop", "RESTART_DEPLOYMENT", "default", "web", "cart"]
    assert (item["score"], item["recent"], of_shop["fresh"]) == (4, [False, True], True)
    assert [one["namespace"] for one in of_all["items"]] == ["a/b", "web"]
    assert (await house.get(f"{TRUSTED}?project=bank", "vera")).status == 404


class CountingCodec(Codec):
    decoded = 0

    def decode(self, value: bytes | None) -> Event:
        self.decoded += 1
        return super().decode(value)


def test_each_score_of_theirs_is_read_once_and_no_other_s() -> None:
    view, codec = Reference(KafkaConfig(), TOPICS), CountingCodec()
    view._all_read()
    for offset, event in enumerate((raised(), raised("bank/SCALE_DEPLOYMENT/default/b/api-*"))):
        view._views[TRUST].take(key_of(event), CODEC.encode(event), offset)

    told = ReferenceDesk(view, lambda: time.time_ns() // 1_000_000, lambda: codec).scores(("shop",))

    assert ([one.score for one in told.items], codec.decoded) == ([4], 1)


async def test_an_operator_takes_trust_away(house: House) -> None:
    await house.says(raised(), topic=TRUST)

    answer = await house.post(RESET, {"trust_key": KEY, "reason": "it hid a leak"}, "otto")

    (event,) = house.written()
    assert answer.status == 202
    assert (event.type, event.actor, event.project_id) == ("trust.observed", "otto", "shop")


@pytest.mark.parametrize(
    ("who", "key", "reason", "status"),
    [
        pytest.param("vera", KEY, "so", 403, id="a viewer"),
        pytest.param("otto", "bank/SCALE_DEPLOYMENT/default/b/api-*", "so", 404, id="of another project"),
        pytest.param("otto", "shop/nothing", "so", 404, id="nothing is kept there"),
        pytest.param("otto", KEY, " ", 422, id="without a reason"),
    ],
)
async def test_who_may_not_take_trust_away(
    house: House, who: str, key: str, reason: str, status: int
) -> None:
    await house.says(raised(), raised("bank/SCALE_DEPLOYMENT/default/b/api-*"), topic=TRUST)

    answer = await house.post(RESET, {"trust_key": key, "reason": reason}, who)

    assert (answer.status, house.log.records) == (status, [])


async def test_the_document_names_them(house: House) -> None:
    paths = (await house.http.get(f"{house.url}/openapi.json")).json()["paths"]

    assert {SEEN, KILL, TRUSTED, RESET} <= paths.keys()
    assert paths[KILL]["post"]["operationId"] == "set_kill_switch"

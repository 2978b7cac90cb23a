"""A key that a person made in a browser, on its way into the registry: taken in, and worth nothing yet."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from awoooi.gateway_views import MOST_WAITING, SignersView, gateway_views
from awoooi.loading import load
from awoooi.own_keys import OwnKeyDesk
from connectors.gateway.app import create_app
from connectors.gateway.config import GatewayConfig
from connectors.gateway.desks import Desks
from connectors.http import HttpClient, Reply
from connectors.kafka.config import KafkaConfig
from connectors.tokens import Limits, TokenFile, new_personal_token, new_token
from schemas.codec import Codec
from schemas.errors import BrokerAway
from streams.policy.jwk import id_of
from streams.policy.recorded_signers import TOPIC, recorded, together
from streams.policy.refusals import Refusal, Refused
from streams.policy.signatures import verify
from streams.policy.signers import Registry
from streams.reference import Reference
from tests.connectors.gateway.support import SECRET, SOURCES, MemoryLog, serving
from tests.streams.policy.signer_facts import (
    FRANK,
    Fact,
    confirmed,
    gone,
    in_file,
    key,
    person,
    revoked,
    thumbprint,
)
from tests.streams.policy.signing import NOW, RULES, jwk, token

CODEC = Codec()
KEYS = "/api/v1/keys"
BROWSERS = ("key_ops", "ext", "kid", "alg", "use")
"""what exportKey adds, and what it leaves out"""


@dataclass
class House:
    url: str
    http: HttpClient
    log: MemoryLog
    view: Reference
    tokens: dict[str, str]

    async def post(self, body: Any, who: str = "bob", **headers: str) -> Reply:
        told = {"authorization": f"Bearer {self.tokens.get(who, who)}", "content-type": "application/json"}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.http.request("POST", f"{self.url}{KEYS}", content=content, headers=told | headers)

    def says(self, *facts: Fact) -> None:
        """As a view that follows the topic has it."""
        for name, value in facts:
            self.view._views[TOPIC].take(name, value, self.view.offset(TOPIC))

    def written(self) -> list[Fact]:
        return [(record.key, record.value) for record in self.log.records]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    path, log = tmp_path / "tokens.json", MemoryLog()
    _, webhook = new_token(path, "alerts")
    made = {"webhook": webhook}
    for name, limits in (("bob", Limits(requests_per_minute=1000)), ("eve", Limits(requests_per_minute=2))):
        _, made[name] = new_personal_token(path, f"{name}'s", name, ("viewer",), limits=limits)
    view, known = Reference(KafkaConfig(), (TOPIC,)), TokenFile(path)
    view._all_read()
    config = GatewayConfig(tokens_file=path, stamp_secret=SECRET, port=0)
    keys, registry = SignersView(view, CODEC), CollectorRegistry()
    signers = tmp_path / "signers.yaml"
    signers.write_text(json.dumps({"signers": [FRANK]}))
    desks = Desks(keys=OwnKeyDesk(signers, keys.said, "test"))
    app = create_app(
        config, log.publish, SOURCES, known, registry=registry, people=known, keys=keys, desks=desks
    )
    async with serving(app) as port, HttpClient(timeout_secs=20) as http:
        yield House(f"http://127.0.0.1:{port}", http, log, view, made)


def of_a_browser(kid: str) -> dict[str, Any]:
    """As crypto.subtle.exportKey gives it."""
    whole = {name: value for name, value in jwk(kid).items() if name not in BROWSERS}
    return {**whole, "key_ops": ["verify"], "ext": True}


def refusal(facts: list[Fact], kid: str) -> Refusal | None:
    """Of what bob signs with bob-1, which is now known under its thumbprint."""
    registry = Registry.of(together(in_file(FRANK), recorded(CODEC, dict(facts))))
    made = token("bob", kid=kid, signed_by="bob-1", roles=["devops"])
    found = verify(made, NOW, registry, RULES)
    return found.reason if isinstance(found, Refused) else None


async def test_a_persons_own_key_counts_once_an_admin_has_confirmed_it(house: House) -> None:
    answer = await house.post(of_a_browser("bob-1"))

    kid, told = id_of(thumbprint("bob-1")), answer.json()
    assert (answer.status, told["kid"], told["topic"]) == (202, kid, "signers")
    assert told["confirm"] == f"awoooi keys confirm {kid}"
    [(name, value)] = house.written()
    event = CODEC.decode(value)
    assert (name, event.actor, event.payload.enrolled) == (f"key/bob/{kid}".encode(), "bob", True)
    bob = person("bob", "devops")
    assert refusal([bob, *house.written()], kid) is Refusal.UNCONFIRMED_KEY
    by_frank = confirmed("bob", kid, "frank", over=thumbprint("bob-1"))
    assert refusal([bob, *house.written(), by_frank], kid) is None


NO_PERSON = {"nobody": "x", "a webhook's token": "webhook", "a made-up one": "awp_0123456789_x"}


@pytest.mark.parametrize("who", NO_PERSON.values(), ids=NO_PERSON)
async def test_only_a_person_has_keys(house: House, who: str) -> None:
    answer = await house.post(of_a_browser("bob-1"), who)

    assert (answer.status, house.log.records) == (401, [])


UNUSABLE: dict[str, tuple[Any, int]] = {
    "a private key": ({**of_a_browser("bob-1"), "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}, 422),
    "a shared secret": ({**jwk("bob-secret")}, 422),
    "another curve": ({"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA"}, 422),
    "a key to encrypt with": ({**of_a_browser("bob-1"), "use": "enc"}, 422),
    "half a key": ({"kty": "OKP", "crv": "Ed25519"}, 422),
    "parts that are no text": ({"kty": "OKP", "crv": "Ed25519", "x": ["a"]}, 422),
    "a list": ([of_a_browser("bob-1")], 422),
    "no JSON": (b"{", 400),
    "too much": (b" " * 40_000, 413),
}


@pytest.mark.parametrize(("body", "status"), UNUSABLE.values(), ids=UNUSABLE)
async def test_what_is_no_public_key_of_use_is_refused(house: House, body: Any, status: int) -> None:
    answer = await house.post(body)

    assert (answer.status, house.log.records) == (status, []), answer.body


async def test_whose_it_is_and_how_it_stands_is_not_the_callers_to_say(house: House) -> None:
    more = {"person": "frank", "enrolled": False, "confirmed_by": "frank", "kid": "frank-1"}
    answer = await house.post({**of_a_browser("bob-1"), **more})

    assert answer.status == 202
    [(name, value)] = house.written()
    added = CODEC.decode(value).payload
    kid = id_of(thumbprint("bob-1"))
    assert (added.person, added.enrolled, added.jwk.kid) == ("bob", True, kid)
    assert name == f"key/bob/{kid}".encode()


STANDS: dict[str, Fact] = {
    "registered by an admin": key("bob", "bob-1", known_as=id_of(thumbprint("bob-1"))),
    "waits already": key("bob", "bob-1", known_as=id_of(thumbprint("bob-1")), enrolled=True),
    "revoked": revoked("bob-0", thumbprint("bob-1")),
}


def test_no_id_is_an_option_to_a_command() -> None:
    assert id_of("abc") == "abc"
    assert id_of("-bc") == "_-bc"


@pytest.mark.parametrize("said", STANDS.values(), ids=STANDS)
async def test_what_stands_already_is_not_taken_back(house: House, said: Fact) -> None:
    house.says(said)

    answer = await house.post(of_a_browser("bob-1"))
    assert (answer.status, house.log.records) == (409, [])


async def test_only_so_many_of_a_persons_keys_wait(house: House) -> None:
    house.says(*(key("bob", f"bob-n{number}", enrolled=True) for number in range(MOST_WAITING)))
    assert (await house.post(of_a_browser("bob-1"))).status == 409
    assert (await house.post(of_a_browser("bob-1"), "eve")).status == 202, "another's do not count"

    house.says(confirmed("bob", "bob-n0", "frank"))
    assert (await house.post(of_a_browser("bob-1"))).status == 202


async def test_in_doubt_nothing_is_written(house: House) -> None:
    house.view._clock = lambda: float("inf")
    away = await house.post(of_a_browser("bob-1"))
    house.view._clock = lambda: house.view._views[TOPIC].whole_at
    house.log.failure = BrokerAway("told to fail")
    unwritten = await house.post(of_a_browser("bob-1"))

    assert (away.status, unwritten.status) == (503, 503)
    assert "retry-after" in away.headers
    assert not house.log.records


async def test_somebody_who_was_removed_does_nothing_with_a_token(house: House) -> None:
    house.says(gone("bob"))
    refused = await house.post(of_a_browser("bob-1"))

    assert (refused.status, house.log.records) == (403, [])
    assert "bob was removed" in refused.json()["detail"]
    assert (await house.post(of_a_browser("bob-1"), "eve")).status == 202, "nobody else"
    assert (await house.post(of_a_browser("bob-1"), "x")).status == 401
    house.says((b"person/bob", b"what nobody can read"))
    assert (await house.post(of_a_browser("bob-1"))).status == 403
    house.says(person("bob", "sre"))
    assert (await house.post(of_a_browser("bob-2"))).status == 202, "taken in again"


async def test_a_token_has_its_limits(house: House) -> None:
    answers = [(await house.post(of_a_browser("bob-1"), "eve")).status for _ in range(3)]

    assert answers == [202, 202, 503]


async def test_what_the_log_does_not_take_is_not_held_against_its_owner(house: House) -> None:
    house.log.failure = BrokerAway("told to fail")
    away = [(await house.post(of_a_browser("bob-1"), "eve")).json()["detail"] for _ in range(3)]
    house.log.failure = None

    assert not [detail for detail in away if "a minute" in detail]
    assert (await house.post(of_a_browser("bob-1"), "eve")).status == 202


async def test_the_document_names_it(house: House) -> None:
    described = (await house.http.get(f"{house.url}/openapi.json")).json()["paths"][KEYS]["post"]

    assert described["operationId"] == "enroll_key"
    assert {"202", "401", "409", "422", "503"} <= described["responses"].keys()


async def test_a_registry_that_is_away_keeps_no_gateway_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    nobody = {"AWOOOI_REGISTRY_URL": "http://127.0.0.1:1", "AWOOOI_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    settings = load({"AWOOOI_STATE_DIR": str(tmp_path), **nobody}).settings
    async with asyncio.timeout(10), gateway_views(settings, CollectorRegistry()) as views:
        assert views.checks["reference"]() == "the schema registry is away"
        with pytest.raises(BrokerAway):
            views.keys.enrolment("bob", of_a_browser("bob-1"), 0)


# -- one's own keys


async def own(house: House, who: str = "bob") -> dict[str, Any]:
    headers = {"authorization": f"Bearer {house.tokens.get(who, who)}"}
    answer = await house.http.get(f"{house.url}{KEYS}", headers)
    assert answer.status == 200, answer.body
    told: dict[str, Any] = answer.json()
    return told


async def test_a_person_sees_what_they_sign_with_and_how_it_stands(house: House) -> None:
    await house.post(of_a_browser("bob-1"))
    kid = id_of(thumbprint("bob-1"))
    house.says(person("bob", "devops"), *house.written())

    waiting = await own(house)
    house.says(confirmed("bob", kid, "frank", over=thumbprint("bob-1")))
    counting = await own(house)

    (first,), (then,) = waiting["keys"], counting["keys"]
    assert (waiting["person"], waiting["roles"], waiting["environment"]) == ("bob", ["devops"], "test")
    assert (first["kid"], first["state"], then["state"]) == (kid, "unconfirmed", "in_force")
    assert first["thumbprint"] == thumbprint("bob-1")
    assert (await own(house, "eve"))["keys"] == []


async def test_who_was_never_registered_signs_nothing(house: House) -> None:
    told = await own(house)

    assert (told["roles"], told["projects"], told["keys"]) == ([], [], [])


async def test_while_nobody_can_tell_no_keys_are_shown(house: House) -> None:
    house.view.ready.clear()

    headers = {"authorization": f"Bearer {house.tokens['bob']}"}
    assert (await house.http.get(f"{house.url}{KEYS}", headers)).status == 503

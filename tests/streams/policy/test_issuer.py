"""An OIDC issuer that answers, is away, answers rubbish, or rotates: nothing is accepted in doubt."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from connectors.http import HttpClient, Reply, Unreachable
from streams.policy.issuer import DISCOVERY, MOST_BYTES, MOST_KEYS, Issuer, prepare
from streams.policy.refusals import Refusal, Refused
from streams.policy.signatures import Vote, verify
from streams.policy.signers import Registry
from streams.policy.signers_file import SignersFile
from tests.streams.policy.signing import NOW, RULES, b64, jwk, key, token

URL = "https://login.example.com/tenant"
KEYS = "https://keys.example.com/jwks"
AGAIN, REFRESH, KEEP = 30.0, 300.0, 3600.0


def private(kid: str, /, **more: Any) -> dict[str, Any]:
    """The whole pair, as nobody should publish it."""
    return {**jwk(kid, **more), "d": b64(key(kid).private_bytes_raw())}


@dataclass
class FakeWeb:
    """An issuer's two documents, and how often they were asked for."""

    pages: dict[str, Any] = field(default_factory=dict)
    away: bool = False
    asked: int = 0

    async def get(self, url: str) -> Reply:
        self.asked += url.endswith(DISCOVERY)
        if self.away:
            raise Unreachable("login.example.com does not answer: connection refused")
        page = self.pages.get(url)
        if isinstance(page, Reply):
            return page
        body = page if isinstance(page, bytes) else json.dumps(page).encode()
        return Reply(404 if page is None else 200, {"content-type": "application/json"}, body)

    def publishes(self, *keys: Any) -> None:
        self.pages = {f"{URL}{DISCOVERY}": {"issuer": URL, "jwks_uri": KEYS}, KEYS: {"keys": list(keys)}}


@dataclass
class House:
    """The registry with one issuer, where bob has the account b-1."""

    web: FakeWeb = field(default_factory=FakeWeb)
    now: float = 1000.0

    def __post_init__(self) -> None:
        self.web.publishes(jwk("idp-1"))
        self.issuer = Issuer(
            URL, self.web, refresh_secs=REFRESH, keep_secs=KEEP, again_secs=AGAIN, clock=lambda: self.now
        )
        account = {"issuer": URL, "subject": "b-1"}
        bob = {"person": "bob", "roles": ["devops"], "keys": [jwk("bob-1")], "accounts": [account]}
        file = SignersFile.model_validate({"signers": [bob], "issuers": [URL]})
        self.registry = Registry.of(file, {URL: self.issuer})

    async def says(self, made: bytes) -> Vote | Refused:
        await prepare(made, {URL: self.issuer}, RULES)
        return verify(made, NOW, self.registry, RULES)

    async def refuses(self, made: bytes) -> Refusal | None:
        found = await self.says(made)
        return found.reason if isinstance(found, Refused) else None


@pytest.fixture
def house() -> House:
    return House()


def theirs(kid: str = "idp-1", **given: Any) -> bytes:
    return token("bob", kid=kid, **{"iss": URL, "sub": "b-1", **given})


async def test_what_an_issuer_signs_is_its_accounts_persons(house: House) -> None:
    found = await house.says(theirs())

    assert isinstance(found, Vote)
    assert (found.person, found.issuer, found.subject) == ("bob", URL, "b-1")


async def test_an_issuer_is_asked_once_for_many_tokens(house: House) -> None:
    for _ in range(20):
        assert await house.refuses(theirs()) is None

    assert house.web.asked == 1


REFUSED = {
    "a subject without account": ({"sub": "b-2"}, Refusal.NOT_THE_KEYS_OWNER),
    "our own name of the person": ({"sub": "bob"}, Refusal.NOT_THE_KEYS_OWNER),
    "another audience": ({"aud": "some-app"}, Refusal.WRONG_AUDIENCE),
    "a role of the issuer's making": ({"roles": ["ciso"]}, Refusal.ROLE_NOT_GIVEN),
    "our own issuer with its key": ({"iss": "awoooi"}, Refusal.UNKNOWN_KEY),
    "the issuer in capitals": ({"iss": URL.upper()}, Refusal.UNKNOWN_ISSUER),
    "a key that it has not": ({"kid": "idp-9"}, Refusal.UNKNOWN_KEY),
    "our own signer's key": ({"kid": "bob-1"}, Refusal.UNKNOWN_KEY),
    "an ID token": ({"head": {"typ": "JWT"}}, Refusal.WRONG_TYPE),
}


@pytest.mark.parametrize(("given", "reason"), REFUSED.values(), ids=REFUSED)
async def test_what_an_issuer_may_not_is_refused(
    house: House, given: dict[str, Any], reason: Refusal
) -> None:
    assert await house.refuses(theirs(**given)) is reason


async def test_away_from_the_start_nothing_is_accepted(house: House) -> None:
    house.web.away = True

    assert await house.refuses(theirs()) is Refusal.UNKNOWN_KEY
    assert "does not answer" in house.issuer.trouble


async def test_away_later_known_keys_work_until_their_time(house: House) -> None:
    await house.says(theirs())
    house.web.away = True

    house.now += KEEP - 1
    assert await house.refuses(theirs()) is None
    assert "until their time" in house.issuer.trouble
    assert await house.refuses(theirs("idp-2")) is Refusal.UNKNOWN_KEY

    house.now += 1
    assert await house.refuses(theirs()) is Refusal.UNKNOWN_KEY

    house.web.away = False
    house.now += AGAIN
    assert await house.refuses(theirs()) is None
    assert house.issuer.trouble == ""


async def test_a_new_key_is_fetched_when_a_token_names_it(house: House) -> None:
    await house.says(theirs())
    house.web.publishes(jwk("idp-1"), jwk("idp-2"))

    assert await house.refuses(theirs("idp-2")) is Refusal.UNKNOWN_KEY, "asked a moment ago"
    house.now += AGAIN

    assert await house.refuses(theirs("idp-2")) is None
    assert await house.refuses(theirs("idp-1")) is None


async def test_a_key_that_is_published_no_longer_is_gone(house: House) -> None:
    await house.says(theirs())
    house.web.publishes(jwk("idp-2"))
    house.now += REFRESH

    assert await house.refuses(theirs("idp-1")) is Refusal.UNKNOWN_KEY
    assert await house.refuses(theirs("idp-2")) is None


async def test_strangers_cannot_make_us_knock_at_its_door(house: House) -> None:
    await house.says(theirs())
    for number in range(200):
        await house.says(theirs(f"idp-x{number}", signed_by="evil"))

    assert house.web.asked == 1


async def test_an_issuer_that_is_not_ours_is_never_asked(house: House) -> None:
    await house.says(theirs(iss="https://evil.example"))

    assert house.web.asked == 0


HERE = f"{URL}{DISCOVERY}"
GOOD = json.dumps({"issuer": URL, "jwks_uri": KEYS}).encode()
PLAIN, LOCAL = "http://login.example.com/jwks", "http://127.0.0.1:9/jwks"
RUBBISH: dict[str, dict[str, Any]] = {
    "no JSON": {HERE: b"<html>"},
    "an empty answer": {HERE: b""},
    "a list": {HERE: []},
    "an error": {HERE: Reply(503, {}, b"{}")},
    "a redirect": {HERE: Reply(302, {"location": "https://evil.example"}, b"")},
    "another issuer's name": {HERE: {"issuer": "https://evil.example", "jwks_uri": KEYS}},
    "its name with a slash": {HERE: {"issuer": f"{URL}/", "jwks_uri": KEYS}},
    "no address of keys": {HERE: {"issuer": URL}},
    "keys over plain HTTP": {HERE: {"issuer": URL, "jwks_uri": PLAIN}, PLAIN: {"keys": [jwk("idp-1")]}},
    "keys on this machine": {HERE: {"issuer": URL, "jwks_uri": LOCAL}, LOCAL: {"keys": [jwk("idp-1")]}},
    "keys in a file": {HERE: {"issuer": URL, "jwks_uri": "file:///etc/passwd"}},
    "no keys": {KEYS: {"keys": []}},
    "keys that are no list": {KEYS: {"keys": {"idp-1": 1}}},
    "more keys than anybody needs": {KEYS: {"keys": [jwk("idp-1"), *[{}] * MOST_KEYS]}},
    "a key without id": {KEYS: {"keys": [{**jwk("idp-1"), "kid": None}]}},
    "a shared secret": {KEYS: {"keys": [jwk("bob-secret", kid="idp-1")]}},
    "a curve that is a list": {KEYS: {"keys": [{**jwk("idp-1"), "crv": ["Ed25519"]}]}},
    "a type that is an object": {KEYS: {"keys": [{**jwk("idp-1"), "kty": {}}]}},
    "half a key": {KEYS: {"keys": [{**jwk("idp-1"), "x": 7}]}},
    "a private key": {KEYS: {"keys": [private("idp-1")]}},
    "a key to encrypt with": {KEYS: {"keys": [jwk("idp-1", use="enc")]}},
    "two keys of one id": {KEYS: {"keys": [jwk("idp-1"), jwk("evil", kid="idp-1")]}},
    "keys that are no objects": {KEYS: {"keys": ["idp-1", None, 1]}},
    "a page of text": {HERE: Reply(200, {"content-type": "text/html"}, GOOD)},
    "an answer of no type": {HERE: Reply(200, {}, GOOD)},
    "an endless answer": {KEYS: b" " * (MOST_BYTES + 1)},
}


@pytest.mark.parametrize("pages", RUBBISH.values(), ids=RUBBISH)
async def test_rubbish_makes_no_key_and_takes_none(pages: dict[str, Any], house: House) -> None:
    fresh = House()
    fresh.web.pages |= pages
    assert await fresh.refuses(theirs()) is Refusal.UNKNOWN_KEY
    assert fresh.issuer.trouble

    await house.says(theirs())
    house.web.pages |= pages
    house.now += REFRESH
    assert await house.refuses(theirs()) is None, "known keys work until their time"
    assert house.issuer.trouble


async def test_keys_of_no_use_to_us_stand_beside_the_others(house: House) -> None:
    house.web.publishes({"kty": "EC", "crv": "P-521", "kid": "x"}, jwk("enc", use="enc"), jwk("idp-1"))

    assert await house.refuses(theirs()) is None


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "application/jwk-set+json", "Application/JSON"]
)
async def test_json_by_any_of_its_names(kind: str, house: House) -> None:
    house.web.pages[KEYS] = Reply(200, {"content-type": kind}, json.dumps({"keys": [jwk("idp-1")]}).encode())

    assert await house.refuses(theirs()) is None


async def test_a_shared_secret_beside_a_good_key_is_no_key(house: House) -> None:
    house.web.publishes(jwk("bob-secret", kid="idp-2"), private("evil", kid="idp-3"), jwk("idp-1"))

    assert await house.refuses(theirs("idp-2", signed_by="bob-secret")) is Refusal.UNKNOWN_KEY
    assert await house.refuses(theirs("idp-3", signed_by="evil")) is Refusal.UNKNOWN_KEY
    assert await house.refuses(theirs()) is None


# -- over a real connection


Answering = Callable[[str, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def served(answering: Answering) -> AsyncIterator[tuple[str, list[str]]]:
    """Its address, and the paths that it was asked for."""
    asked: list[str] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
            asked.append(path)
            await answering(path, writer)
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
    finally:
        server.close()


async def trickles(_: str, writer: asyncio.StreamWriter) -> None:
    """Never silent for long, and never done."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n")
    while not writer.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def never_answers(_: str, __: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def pours(_: str, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n")
    for _ in range(64):
        writer.write(b" " * MOST_BYTES)
        await writer.drain()


async def redirects(path: str, writer: asyncio.StreamWriter) -> None:
    """To itself, where a good answer would be."""
    writer.write(b"HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n")
    await writer.drain()


WAYS = {
    "trickles": (trickles, "takes over"),
    "never answers": (never_answers, "takes over"),
    "pours": (pours, f"over {MOST_BYTES} bytes"),
    "redirects": (redirects, "it answers 302"),
}


@pytest.mark.parametrize(("answering", "told"), WAYS.values(), ids=WAYS)
async def test_no_answer_keeps_signatures_waiting(answering: Answering, told: str) -> None:
    async with served(answering) as (url, asked), HttpClient(max_answer_bytes=MOST_BYTES) as web:
        issuer = Issuer(url, web, patience_secs=0.3)
        began = time.monotonic()
        await issuer.prepare("idp-1")

        assert time.monotonic() - began < 3
        assert issuer.find("idp-1") is None
        assert told in issuer.trouble
        assert asked == [DISCOVERY], "and nobody was followed anywhere"


async def test_an_issuer_on_this_machine_needs_no_tls() -> None:
    url, web = "http://127.0.0.1:8080", FakeWeb()
    web.pages = {f"{url}{DISCOVERY}": {"issuer": url, "jwks_uri": LOCAL}, LOCAL: {"keys": [jwk("idp-1")]}}
    issuer = Issuer(url, web)

    await issuer.prepare("idp-1")

    assert issuer.find("idp-1") is not None


def test_the_one_http_client_is_such_a_web() -> None:
    """Checked by the types; made here so that a change of either is noticed."""
    assert Issuer(URL, HttpClient()).find("idp-1") is None

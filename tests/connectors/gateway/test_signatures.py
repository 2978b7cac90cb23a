"""Signatures over HTTP: onto the log first, then the verdict, or where to look for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from structlog.testing import capture_logs

from connectors.gateway import signatures
from connectors.gateway.app import create_app
from connectors.gateway.callers import Callers
from connectors.gateway.config import GatewayConfig
from connectors.http import HttpClient, Reply
from connectors.tokens import Token
from schemas.codec import Codec
from schemas.envelope import Event
from schemas.errors import BrokerAway, TooLarge
from schemas.ids import run_id
from tests.connectors.gateway.support import raw_answer, serving
from tests.peers.waiting import wait_until_async
from tests.schemas.golden_events import golden
from tests.streams.policy.signing import b64

ID = golden("approval.requested").payload.approval_id
PATH = signatures.PATH.format(approval_id=ID)


def made(claims: bytes) -> bytes:
    return f"aGVhZA.{b64(claims)}.c2ln".encode()


TOKEN = made(orjson.dumps({"approval_id": ID}))


@dataclass
class Log:
    """One approval is asked; the verdict is what the test says, and comes when the gate opens."""

    verdict_is: Event | None = None
    away: bool = False
    full: bool = False
    sent: list[tuple[str, bytes]] = field(default_factory=list)
    listening: list[str] = field(default_factory=list)
    turned_away: list[Any] = field(default_factory=list)

    def encode(self, event: Event) -> tuple[bytes, list[tuple[str, bytes]]]:
        return Codec().encode(event), []

    async def is_asked(self, approval_id: str) -> bool:
        if self.away:
            raise BrokerAway("no broker")
        return approval_id == ID

    @contextmanager
    def listen(self, signature: str) -> Iterator[Log]:
        self.listening.append(signature)
        try:
            yield self
        finally:
            self.listening.remove(signature)

    async def verdict(self, written: tuple[str, int, int]) -> Event:
        assert written[2] < len(self.sent)
        await wait_until_async(lambda: self.verdict_is, timeout=20)
        assert self.verdict_is is not None
        return self.verdict_is

    async def publish(
        self, topic: str, key: bytes, value: bytes, headers: Sequence[tuple[str, bytes]]
    ) -> tuple[str, int, int]:
        if topic == "approvals.votes":
            if self.away:
                raise BrokerAway("no broker")
            self.turned_away.append(Codec().decode(value))
            return topic, 0, 0
        assert self.listening, "a verdict must not pass by before anybody listens"
        if self.full:
            raise TooLarge("for the topic")
        self.sent.append((topic, value))
        return topic, 0, len(self.sent) - 1


class NoTokens:
    """None is needed: the signature counts, not the way it came."""

    def find(self, presented: str) -> Token | None:
        return None


@dataclass
class Door:
    port: int
    http: HttpClient
    registry: CollectorRegistry

    async def call(self, method: str, approval_id: str, body: bytes) -> Reply:
        path = signatures.PATH.format(approval_id=approval_id)
        return await self.http.request(method, f"http://127.0.0.1:{self.port}{path}", content=body)

    def counted(self, outcome: str) -> float:
        name = "awoooi_signature_requests_total"
        return self.registry.get_sample_value(name, {"outcome": outcome}) or 0


@asynccontextmanager
async def door(log: Log, folder: Path, **settings: Any) -> AsyncIterator[Door]:
    registry = CollectorRegistry()
    config = GatewayConfig(tokens_file=folder / "tokens.json", stamp_secret=SecretStr("s" * 32), **settings)
    app = create_app(config, log.publish, ("grafana",), NoTokens(), registry=registry, approvals=log)
    async with serving(app) as port, HttpClient(timeout_secs=20) as http:
        yield Door(port, http, registry)


async def ask(
    log: Log, folder: Path, approval_id: str = ID, body: bytes = TOKEN
) -> tuple[int, dict[str, object]]:
    async with door(log, folder) as opened:
        reply = await opened.call("POST", approval_id, body)
    assert not log.listening
    return reply.status, reply.json()


async def test_what_counts_is_told_with_state_and_jti(tmp_path: Path) -> None:
    log = Log(golden("vote.counted"))
    status, told = await ask(log, tmp_path, body=TOKEN + b"\n")

    assert (status, told["state"]) == (200, "APPROVED")
    assert told["jti"]
    assert log.sent == [("approvals.signatures", TOKEN)]


async def test_a_run_stands_for_what_it_asks(tmp_path: Path) -> None:
    """Its id follows from the incident and the number that the approval's id says."""
    log = Log(golden("vote.counted"))
    status, _ = await ask(log, tmp_path, run_id(ID.removesuffix("-A1"), 1))

    assert (status, log.sent) == (200, [("approvals.signatures", TOKEN)])


OTHER = ID.replace("-A1", "-A2")
OTHER_RUN = run_id(ID.removesuffix("-A1"), 2)
REFUSALS = [
    pytest.param(Log(golden("vote.late")), ID, TOKEN, 409, "EXPIRED", 1, id="closed"),
    pytest.param(Log(golden("vote.refused")), ID, TOKEN, 422, "same_person", 1, id="does not count"),
    pytest.param(
        Log(), OTHER, made(orjson.dumps({"approval_id": OTHER})), 404, "nothing is asked", 0, id="unknown"
    ),
    pytest.param(Log(), "INC-1", TOKEN, 422, "bad_id", 0, id="no id"),
    pytest.param(Log(), OTHER_RUN, TOKEN, 422, "other_approval", 0, id="by another run"),
    pytest.param(
        Log(),
        OTHER_RUN,
        made(orjson.dumps({"approval_id": OTHER})),
        404,
        "nothing is asked",
        0,
        id="by a run",
    ),
    pytest.param(Log(), ID, b"a.b", 422, "three base64url parts", 0, id="malformed"),
    pytest.param(Log(), ID, b"a.b.c", 422, "claims_are_no_object", 0, id="no base64"),
    pytest.param(Log(), ID, made(b"{"), 422, "claims_are_no_object", 0, id="no JSON"),
    pytest.param(Log(), ID, made(b"[1]"), 422, "claims_are_no_object", 0, id="no object"),
    pytest.param(Log(), ID, made(b"[" * 9000), 422, "claims_are_no_object", 0, id="endless nesting"),
    pytest.param(Log(), ID, made(b"{}"), 422, "other_approval", 0, id="for no approval"),
    pytest.param(
        Log(), ID, made(orjson.dumps({"approval_id": OTHER})), 422, "other_approval", 0, id="for another"
    ),
    pytest.param(Log(), ID, b"a" * 40_000, 413, "", 0, id="too large"),
    pytest.param(Log(away=True), ID, TOKEN, 503, "the log is away", 0, id="broker away"),
    pytest.param(Log(full=True), ID, TOKEN, 503, "does not take this record", 0, id="not taken"),
]


@pytest.mark.parametrize(("log", "approval_id", "body", "status", "detail", "sent"), REFUSALS)
async def test_a_refusal_says_why(
    log: Log, approval_id: str, body: bytes, status: int, detail: str, sent: int, tmp_path: Path
) -> None:
    """Nothing that cannot count is written as a signature."""
    found, told = await ask(log, tmp_path, approval_id, body)

    assert (found, len(log.sent)) == (status, sent)
    assert detail in str(told.get("detail", ""))
    recorded = [(event.payload.refusal, event.payload.sentence) for event in log.turned_away]
    at_the_door = not sent and status != 503
    assert len(recorded) == at_the_door, "what no stage will tell of, the gateway does"
    assert all(sentence == told["detail"] for _, sentence in recorded)


async def test_without_a_verdict_in_time_it_says_where_to_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signatures, "WAIT_SECS", 0.05)
    log = Log()
    status, told = await ask(log, tmp_path)

    assert status == 202
    assert "approvals.outcomes" in str(told["look"])
    assert len(log.sent) == 1


async def test_get_approves_nothing(tmp_path: Path) -> None:
    log = Log()
    async with door(log, tmp_path) as opened:
        assert (await opened.call("GET", ID, TOKEN)).status == 405
    assert not log.sent


# -- limits


async def test_who_calls_too_often_is_told_when_to_come_again(tmp_path: Path) -> None:
    log = Log(golden("vote.counted"))
    async with door(log, tmp_path, signatures_per_minute=2) as opened:
        replies = [await opened.call("POST", ID, TOKEN) for _ in range(3)]

        assert [reply.status for reply in replies] == [200, 200, 429]
        assert 0 < int(replies[2].headers["retry-after"]) <= 60
        assert len(log.sent) == 2
        assert (opened.counted("counted"), opened.counted("rate")) == (2, 1)


async def test_no_more_wait_at_once_than_the_gateway_can_hold(tmp_path: Path) -> None:
    log = Log()
    async with door(log, tmp_path, signatures_at_once=2) as opened:
        waiting = [asyncio.create_task(opened.call("POST", ID, TOKEN)) for _ in range(2)]
        await wait_until_async(lambda: len(log.sent) == 2)
        busy = await opened.call("POST", ID, TOKEN)
        log.verdict_is = golden("vote.counted")

        assert (busy.status, busy.headers["retry-after"]) == (503, "1")
        assert {reply.status for reply in await asyncio.gather(*waiting)} == {200}
        assert (await opened.call("POST", ID, TOKEN)).status == 200, "the places are free again"


async def test_a_client_that_goes_away_is_not_waited_for_and_its_signature_stands(tmp_path: Path) -> None:
    log = Log()
    async with door(log, tmp_path, signatures_at_once=1) as opened:
        reader, writer = await asyncio.open_connection("127.0.0.1", opened.port)
        head = f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(TOKEN)}\r\n\r\n"
        writer.write(head.encode() + TOKEN)
        await wait_until_async(lambda: log.sent)
        writer.close()
        await wait_until_async(lambda: opened.counted("disconnected"), timeout=2)

        assert not log.listening
        log.verdict_is = golden("vote.counted")
        assert (await opened.call("POST", ID, TOKEN)).status == 200, "its place is free again"
        assert await reader.read() == b""


async def test_a_body_that_is_too_large_is_not_read_to_its_end(tmp_path: Path) -> None:
    async with door(Log(), tmp_path) as opened:
        announced = f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999\r\n\r\n".encode()
        chunked = f"POST {PATH} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n".encode()
        chunk = b"8000\r\n" + b"a" * 0x8000 + b"\r\n"
        for parts in ((announced,), (chunked, chunk, chunk)):
            told = await raw_answer(opened.port, *parts)
            assert told.startswith(b"HTTP/1.1 413")
            assert b"connection: close" in told.lower()


async def test_no_token_and_nothing_of_it_stands_in_the_log_or_the_metrics(tmp_path: Path) -> None:
    secret = b64(b"a signature that nobody must read")
    body = f"aGVhZA.{b64(orjson.dumps({'approval_id': ID, 'sub': 'bob the builder'}))}.{secret}".encode()
    with capture_logs() as logs:
        for log in (Log(golden("vote.refused")), Log(away=True), Log(full=True)):
            await ask(log, tmp_path, body=body)

    assert {entry["event"] for entry in logs} >= {"signature_refused", "signature_not_written"}
    assert not any(hidden in repr(logs) for hidden in (secret, "bob", b64(b"bob")))


def test_addresses_have_buckets_of_their_own_within_one_for_all() -> None:
    now = [0.0]
    callers = Callers(2, 5, lambda: now[0])

    assert [callers.take("10.0.0.1") for _ in range(3)] == [0, 0, 30]
    assert [callers.take("2001:db8::1"), callers.take("2001:db8::2")] == [0, 0]
    assert callers.take("2001:db8::3"), "one network of a household is one caller"
    assert callers.take("10.0.0.2") == 0
    assert callers.take("10.0.0.3"), "all together"
    now[0] = 60.0
    assert callers.take("10.0.0.1") == 0


def test_the_table_of_addresses_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.gateway.callers.MOST_ADDRESSES", 3)
    callers = Callers(1, 1000, lambda: 0.0)

    for number in range(10):
        callers.take(f"10.0.0.{number}")
    assert len(callers._buckets) == 3
    assert callers.take("10.0.0.9"), "the latest are known"

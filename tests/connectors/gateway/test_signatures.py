"""Signatures over HTTP: onto the log first, then the verdict, or where to look for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydantic import SecretStr

from connectors.gateway import signatures
from connectors.gateway.app import create_app
from connectors.gateway.config import GatewayConfig
from connectors.http import HttpClient, Reply
from connectors.tokens import Token
from schemas.approval import ApprovalRequested
from schemas.envelope import Event
from schemas.errors import BrokerAway
from tests.connectors.gateway.support import serving
from tests.schemas.golden_events import golden

ASKED = golden("approval.requested")
ID = ASKED.payload.approval_id
TOKEN = b"aGVhZA.Y2xhaW1z.c2ln"


@dataclass
class Log:
    """One approval is asked; the verdict is what the test says."""

    verdict_is: Event | None = None
    away: bool = False
    sent: list[tuple[str, bytes]] = field(default_factory=list)
    follows: bool = False

    @asynccontextmanager
    async def open(self, incident_id: str) -> AsyncIterator[Log]:
        if self.away:
            raise BrokerAway("no broker")
        assert incident_id == ASKED.incident_id
        yield self

    async def request(self, approval_id: str) -> ApprovalRequested | None:
        found: ApprovalRequested = ASKED
        return found if approval_id == ID else None

    async def from_now_on(self) -> None:
        self.follows = True

    async def verdict(self, signature: str, timeout_secs: float) -> Event | None:
        return self.verdict_is

    async def publish(
        self, topic: str, key: bytes, value: bytes, headers: Sequence[tuple[str, bytes]]
    ) -> tuple[str, int, int]:
        assert self.follows, "a verdict must not pass by before anybody looks"
        self.sent.append((topic, value))
        return topic, 0, 0


class NoTokens:
    """None is needed: the signature counts, not the way it came."""

    def find(self, presented: str) -> Token | None:
        return None


async def call(log: Log, tmp_path: Path, method: str, approval_id: str, body: bytes) -> Reply:
    config = GatewayConfig(tokens_file=tmp_path / "tokens.json", stamp_secret=SecretStr("s" * 32))
    app = create_app(config, log.publish, ("grafana",), NoTokens(), approvals=log.open)
    path = signatures.PATH.format(approval_id=approval_id)
    async with serving(app) as port, HttpClient() as http:
        return await http.request(method, f"http://127.0.0.1:{port}{path}", content=body)


async def ask(
    log: Log, tmp_path: Path, approval_id: str = ID, body: bytes = TOKEN
) -> tuple[int, dict[str, object]]:
    reply = await call(log, tmp_path, "POST", approval_id, body)
    return reply.status, reply.json()


async def test_what_counts_is_told_with_state_and_jti(tmp_path: Path) -> None:
    log = Log(golden("vote.counted"))
    status, told = await ask(log, tmp_path, body=TOKEN + b"\n")

    assert (status, told["state"]) == (200, "APPROVED")
    assert told["jti"]
    assert log.sent == [("approvals.signatures", TOKEN)]


REFUSALS = [
    pytest.param(Log(golden("vote.late")), ID, TOKEN, 409, "EXPIRED", 1, id="closed"),
    pytest.param(Log(golden("vote.refused")), ID, TOKEN, 422, "same_person", 1, id="does not count"),
    pytest.param(Log(), ID.replace("-A1", "-A2"), TOKEN, 404, "nothing is asked", 0, id="unknown"),
    pytest.param(Log(), "INC-1", TOKEN, 404, "no such id", 0, id="no id"),
    pytest.param(Log(), ID, b"a.b", 422, "three base64url parts", 0, id="malformed"),
    pytest.param(Log(), ID, b"a" * 40_000, 413, "", 0, id="too large"),
    pytest.param(Log(away=True), ID, TOKEN, 503, "the log is away", 0, id="broker away"),
]


@pytest.mark.parametrize(("log", "approval_id", "body", "status", "detail", "sent"), REFUSALS)
async def test_a_refusal_says_why(
    log: Log, approval_id: str, body: bytes, status: int, detail: str, sent: int, tmp_path: Path
) -> None:
    found, told = await ask(log, tmp_path, approval_id, body)

    assert (found, len(log.sent)) == (status, sent)
    assert detail in str(told.get("detail", ""))


async def test_without_a_verdict_in_time_it_says_where_to_look(tmp_path: Path) -> None:
    log = Log()
    status, told = await ask(log, tmp_path)

    assert status == 202
    assert "approvals.outcomes" in str(told["look"])
    assert len(log.sent) == 1


async def test_get_approves_nothing(tmp_path: Path) -> None:
    log = Log()
    reply = await call(log, tmp_path, "GET", ID, TOKEN)

    assert reply.status == 405
    assert not log.sent

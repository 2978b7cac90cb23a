"""A gateway for people's acts: the real shield and codec, a record of a few incidents, a log in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from prometheus_client import CollectorRegistry

from agents.sealing import Opener, Sealer
from awoooi.act_desk import cleaned
from connectors.gateway.act_desk import Cleaned, Known, Receipt
from connectors.gateway.app import create_app
from connectors.gateway.config import GatewayConfig
from connectors.http import HttpClient, Reply
from connectors.tokens import Limits, TokenFile, new_personal_token, new_token
from schemas import ids
from schemas.codec import Codec
from schemas.envelope import Event
from schemas.errors import Misconfigured
from schemas.headers import Headers, event_headers, trace_of
from tests.connectors.gateway.support import NO_LIMIT, SECRET, SOURCES, MemoryLog, serving
from tests.peers import wait_until_async

OPEN = Known("INC-20260301-0000000001", "shop", "ab" * 8, "INVESTIGATING")
RESOLVED = Known("INC-20260301-0000000002", "shop", "cd" * 8, "RESOLVED")
FOREIGN = Known("INC-20260301-0000000003", "bank", "ef" * 8, "PENDING")
FIRST_RUN, SECOND_RUN = (ids.run_id(OPEN.incident_id, number) for number in (1, 2))
DECISIONS = {FIRST_RUN: ids.derive_id("test", "1"), SECOND_RUN: ids.derive_id("test", "2")}


@dataclass
class Desk:
    """`away` is raised by every question to the record."""

    incidents: dict[str, Known] = field(
        default_factory=lambda: {known.incident_id: known for known in (OPEN, RESOLVED, FOREIGN)}
    )
    runs: dict[str, Mapping[str, str]] = field(default_factory=lambda: {OPEN.incident_id: DECISIONS})
    recorded: dict[str, Receipt] = field(default_factory=dict)
    away: Exception | None = None
    appears_after: int = 0
    """questions until the record has what was just opened"""
    asked: int = 0
    looked_for: list[str] = field(default_factory=list)
    """events that came with a key"""
    sealer: Sealer | None = None
    codec: Codec = field(default_factory=Codec)

    async def incident(self, incident_id: str, projects: Collection[str] | None) -> Known | None:
        self._answer()
        known = self.incidents.get(incident_id)
        if known is None or self.asked <= self.appears_after:
            return None
        return known if projects is None or known.project_id in projects else None

    async def decided(self, known: Known) -> Mapping[str, str]:
        self._answer()
        return self.runs.get(known.incident_id, {})

    async def written(self, known: Known, event_id: str) -> Receipt | None:
        self._answer()
        self.looked_for.append(event_id)
        return self.recorded.get(event_id)

    def clean(self, texts: Mapping[str, str], *, for_models: bool) -> Cleaned:
        return cleaned(texts, for_models=for_models)

    def seal(self, values: Mapping[str, str], *, project_id: str, event_id: str) -> bytes:
        if self.sealer is None:
            raise Misconfigured("public sealing key /secret/place cannot be read")
        return self.sealer.seal(values, project_id=project_id, event_id=event_id)

    async def encode(self, event: Event, traceparent: bytes) -> tuple[bytes, Headers]:
        trace = trace_of([("traceparent", traceparent)], event.event_id)
        return self.codec.encode(event), event_headers(event, "application/avro", trace, b"test")

    def _answer(self) -> None:
        self.asked += 1
        if self.away is not None:
            raise self.away


@dataclass
class Office:
    """A running one, and people with tokens."""

    url: str
    http: HttpClient
    log: Any
    desk: Desk
    tokens_file: Path
    opener: Opener
    registry: CollectorRegistry
    webhook_token: str
    tokens: dict[str, str] = field(default_factory=dict)
    clock: list[int] = field(default_factory=list)

    def token(self, role: str, person: str = "bob", limits: Limits = NO_LIMIT) -> str:
        """Of project shop alone."""
        name = f"{person} {role}"
        if name not in self.tokens:
            _, self.tokens[name] = new_personal_token(
                self.tokens_file, name, person, [role], projects=("shop",), limits=limits
            )
        return self.tokens[name]

    async def ask(
        self, act: str, body: object = None, known: Known = OPEN, token: str = "", **headers: str
    ) -> Reply:
        """Good unless told otherwise. A header's `_` becomes `-`; an empty one is left out."""
        content = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        told = {"authorization": f"Bearer {token or self.token('operator')}"}
        told.update({"content-type": "application/json"})
        told.update({name.replace("_", "-"): value for name, value in headers.items()})
        sent = {name: value for name, value in told.items() if value}
        path = f"{self.url}/api/v1/incidents/{known.incident_id}/{act}"
        return await self.http.request("POST", path, content=content, headers=sent)

    async def knows(self, token: str) -> None:
        """Until the gateway has seen a new one, within a second."""

        async def seen() -> bool:
            return (await self.ask("acknowledge", token=token)).status != 401

        await wait_until_async(seen, timeout=5, what="the new token")

    def events(self) -> list[Event]:
        return [self.desk.codec.decode(record.value) for record in self.log.records]

    def opened(self, event: Event) -> dict[str, str]:
        assert event.sealed is not None
        return self.opener.open(event.sealed, project_id=event.project_id, event_id=event.event_id)


@asynccontextmanager
async def office(folder: Path, log: Any = None, **settings: Any) -> AsyncIterator[Office]:
    """Whoever needs a token must ask for it before the first request, or wait a second."""
    path, private, registry = folder / "tokens.json", X25519PrivateKey.generate(), CollectorRegistry()
    _, webhook_token = new_token(path, "alerts", project="shop")
    desk, log = Desk(sealer=Sealer(private.public_key())), log or MemoryLog()
    config = GatewayConfig(tokens_file=path, stamp_secret=SECRET, port=0, **settings)
    made = Office("", None, log, desk, path, Opener([private]), registry, webhook_token)  # type: ignore[arg-type]
    for role in ("viewer", "operator", "approver", "admin"):
        made.token(role)
    tokens = TokenFile(path)
    app = create_app(config, log.publish, SOURCES, tokens, registry=registry, people=tokens, desk=desk)
    async with serving(app) as port, HttpClient(timeout_secs=20) as http:
        yield replace(made, url=f"http://127.0.0.1:{port}", http=http)

"""A run that has started, sources that do as they are told, and the stage around them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from agents.sealing import Opener, Sealer
from agents.snapshot import Keys
from connectors.evidence import Finding, Wanted
from connectors.tools import GatewayConfig, Grant, Tool
from schemas import ids
from schemas.alert import Alert, AlertOrigin, AlertStatus, ResourceType, Severity
from schemas.catalog import key_of
from schemas.codec import Codec
from schemas.envelope import Event, from_millis
from schemas.evidence import EvidenceCollected, Source
from schemas.headers import event_headers
from schemas.incident import Sighting
from schemas.run import RunReason, RunStart, RunStarted
from schemas.tool import Scope, ToolCalled
from streams.around import Around
from streams.known_services import KnownServices
from streams.stage import Now, Record
from streams.stages.evidence import AGENT, Evidence, EvidenceNeeds, Gathering

START = 1_800_000_000_000
CODEC = Codec()
PRIVATE = X25519PrivateKey.generate()
KEYS = Keys(Opener([PRIVATE]), Sealer(PRIVATE.public_key()), b"k" * 32)
INCIDENT = "INC-20270115-ABCDEFGHIJ"


def started(
    number: int = 1, *, incident: str = INCIDENT, deadline_secs: float = 260, **alert: Any
) -> RunStarted:
    moment = from_millis(START)
    origin = AlertOrigin(topic="alerts.raw.alertmanager", partition=0, offset=7, index=0)
    facts: dict[str, Any] = {
        "alert_type": "KubePodCrashLooping",
        "severity": Severity.CRITICAL,
        "source": "prometheus",
        "message": "Pod is crash looping",
        "namespace": "shop",
        "target_resource": "checkout-0",
        "resource_type": ResourceType.POD,
        "received_at": moment,
        "status": AlertStatus.FIRING,
        "project_id": "default",
        "fingerprint": "ab" * 8,
        "origin": origin,
        "metrics": {"value": 97.5},
        **alert,
    }
    seen = Alert(**facts)
    shared = ("alert_type", "source", "message", "cluster", "namespace", "target_resource", "resource_type")
    sighting = Sighting(
        fingerprint=seen.fingerprint,
        severity=seen.severity,
        highest_severity=seen.severity,
        hit_count=1,
        opened_at=moment,
        last_seen_at=moment,
        generation=0,
        count_5m=1,
        count_1h=1,
        count_24h=1,
        alert=seen,
        **{name: getattr(seen, name) for name in shared},
    )
    run_id = ids.run_id(incident, number)
    return RunStarted(
        event_id=ids.derive_id("run.started", run_id),
        project_id="default",
        incident_id=incident,
        run_id=run_id,
        occurred_at=moment,
        recorded_at=moment,
        stage="schedule",
        payload=RunStart(
            number=number,
            reason=RunReason.OPENED,
            severity=seen.severity,
            deadline_at=from_millis(START + int(deadline_secs * 1000)),
            sighting=sighting,
        ),
    )


def record(event: Event, offset: int = 0) -> Record:
    headers = event_headers(event, "application/avro", b"1" * 32, b"test")
    return Record("runs", 0, offset, key_of(event), CODEC.encode(event), headers, START, CODEC)


Answer = Sequence[Finding] | BaseException | Callable[[Wanted], Sequence[Finding]] | None


@dataclass
class Told:
    """A source that answers what it was told to, after as long as it was told to wait."""

    source: Source
    answer: Any = ()
    waits: asyncio.Event | None = None
    timeout_secs: float = 5.0
    asked: list[Wanted] = field(default_factory=list)

    @property
    def tool(self) -> str:
        return f"{self.source}.read"

    @property
    def server(self) -> str:
        return str(self.source)

    async def gather(self, wanted: Wanted) -> Sequence[Finding]:
        self.asked.append(wanted)
        if self.waits is not None:
            await self.waits.wait()
        if isinstance(self.answer, BaseException):
            raise self.answer
        found: Sequence[Finding] = self.answer(wanted) if callable(self.answer) else self.answer
        return found


def finding(text: str = "it is there", **more: Any) -> Finding:
    return Finding(**{"kind": "pod", "about": "checkout-0", "observed_at": START, "text": text, **more})


class Clock:
    """Monotonic seconds, moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def gateway(*tools: str, **more: Any) -> GatewayConfig:
    known = {name: Tool(name, name.partition(".")[0], Scope.READ) for name in (*tools, "topology.around")}
    return GatewayConfig(**{"tools": known, "grants": {AGENT: Grant(Scope.READ)}, **more})


def stage_of(*sources: Told, around: Around | None = None, **more: Any) -> Evidence:
    clock = Clock()
    tools = gateway(*(one.tool for one in sources), *more.pop("tools", ()))
    needs = {
        "gatherers": sources,
        "around": around or Around(KnownServices(CODEC), clock),
        "gateway": tools,
        "keys": KEYS,
        "clock": clock,
        **more,
    }
    return Evidence(EvidenceNeeds(**needs))


async def taken(
    stage: Evidence, event: Event, state: Gathering | None = None, offset: int = 0, at: int = START
) -> list[Event]:
    """What the stage makes of one event."""
    state = state or stage.load(b"", None)
    return list(await stage.handle(record(event, offset), state, Now(at)))  # type: ignore[arg-type]


def brief_of(events: Sequence[Event]) -> Any:
    [collected] = [event for event in events if isinstance(event, EvidenceCollected)]
    return collected.payload


def calls_of(events: Sequence[Event]) -> dict[str, Any]:
    return {event.payload.tool: event.payload for event in events if isinstance(event, ToolCalled)}


def gaps_of(events: Sequence[Event]) -> dict[str, str]:
    return {str(gap.source): gap.reason for gap in brief_of(events).gaps}

"""A story told in seconds: at second 1 this alert, by second 3 that event. Steps the real stages."""

from __future__ import annotations

from dataclasses import dataclass, field

from schemas import ids
from schemas.alert import (
    Alert,
    AlertNormalized,
    AlertOrigin,
    AlertStatus,
    CloseRequest,
    CloseRequested,
    Severity,
)
from schemas.catalog import key_of
from schemas.codec import Codec
from schemas.envelope import Event, from_millis
from schemas.headers import event_headers
from streams.glance import glance_of_event
from streams.memory import MemoryLog
from streams.placed import Placed
from streams.runner import Runner
from streams.stages.correlate import Connects
from streams.stages.dedup import Dedup, DedupConfig
from streams.stages.runs import Runs
from streams.stages.schedule import Schedule, ScheduleConfig

START = 1_800_000_000_000
SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
RAW = "alerts.raw.alertmanager"


def normalized(
    *,
    at: int,
    offset: int,
    started: int | None,
    status: str = "firing",
    severity: str = "warning",
    fingerprint: str = "ab" * 8,
    topic: str = RAW,
    partition: int = 0,
    index: int = 0,
    alert_type: str = "KubePodCrashLooping",
    target: str = "checkout-0",
) -> AlertNormalized:
    """One alert as normalize writes it; times in epoch milliseconds."""
    origin = ids.Origin("", topic, partition, offset, index)
    return AlertNormalized(
        event_id=ids.alert_id(str(origin)),
        project_id="default",
        occurred_at=from_millis(at),
        recorded_at=from_millis(at),
        stage="normalize",
        payload=Alert(
            alert_type=alert_type,
            severity=Severity(severity),
            source="prometheus",
            message="Pod is crash looping",
            namespace="shop",
            target_resource=target,
            received_at=from_millis(at),
            fired_at=None if started is None else from_millis(started),
            status=AlertStatus(status),
            project_id="default",
            fingerprint=fingerprint,
            origin=AlertOrigin(topic=topic, partition=partition, offset=offset, index=index),
        ),
    )


@dataclass
class Timeline:
    """`fire` and `resolve` at the present second; `events` is what the log says by then."""

    config: DedupConfig = field(default_factory=DedupConfig)
    now: int = START
    batch: int = 2000
    as_json: frozenset[str] = frozenset()
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    connected: Connects | None = None

    def __post_init__(self) -> None:
        self.codec = Codec(as_json=self.as_json)
        self._offset = 0
        stages = (Dedup(self.config), Runs(), Schedule(self.schedule, connected=self.connected))
        self.log = MemoryLog(
            [
                Placed(Runner(stage, self.codec, clock=lambda: self.now), stage.reads, keyed=True)
                for stage in stages
            ],
            self.codec,
            lambda: self.now,
            batch=self.batch,
        )

    def pass_seconds(self, seconds: float) -> Timeline:
        self.now += int(seconds * SECOND)
        return self

    def fire(self, started: float | None = 0, **more: object) -> Timeline:
        """`started` counts seconds from the story's beginning; None: the sender names no time."""
        return self._alert("firing", started, **more)

    def resolve(self, started: float | None = 0, **more: object) -> Timeline:
        return self._alert("resolved", started, **more)

    def _alert(self, status: str, started: float | None, **more: object) -> Timeline:
        self._offset += 1
        begun = None if started is None else START + int(started * SECOND)
        facts = {"at": self.now, "offset": self._offset, "started": begun, "status": status, **more}
        self.write(normalized(**facts))  # type: ignore[arg-type]
        return self

    def write(self, event: Event, topic: str = "alerts.normalized") -> None:
        headers = event_headers(event, "application/avro", b"1" * 32, b"test")
        if isinstance(event, AlertNormalized):
            headers.insert(0, glance_of_event(event))
        self.log.append(topic, self.codec.encode(event), key_of(event), headers)

    def ask_to_close(self, incident_id: str, fingerprint: str = "ab" * 8) -> Timeline:
        request = CloseRequested(
            event_id=ids.derive_id("close.requested", incident_id, str(self.now)),
            project_id="default",
            incident_id=incident_id,
            occurred_at=from_millis(self.now),
            recorded_at=from_millis(self.now),
            stage="gateway",
            actor="alice",
            payload=CloseRequest(fingerprint=fingerprint, incident_id=incident_id, reason="false alarm"),
        )
        self.write(request)
        return self

    async def run(self) -> Timeline:
        await self.log.run()
        return self

    async def tick(self) -> Timeline:
        self.log.tick()
        return await self.run()

    def events(self, topic: str = "incidents") -> list[Event]:
        """What stands on a topic; of the incidents what dedup told, the moves left out."""
        return [event for event in self.log.events(topic) if event.type != "incident.moved"]

    def story(self) -> list[str]:
        return [event.type.removeprefix("incident.") for event in self.events()]

    def hits(self) -> int:
        """The cumulative count, as a query takes it."""
        return max((event.payload.hit_count for event in self.events()), default=0)

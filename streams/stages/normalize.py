"""Raw records into alerts: read by their source, cleaned, identified. Keeps nothing.

What comes in is believed by nobody: not its text, not its headers, not its claim to be JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from prometheus_client import Counter

from agents.personal import find
from agents.privacy import Shield
from agents.sealing import Sealer
from connectors.alerts.detection import readings
from connectors.alerts.identity import Fingerprints, Identity
from connectors.alerts.purify import Purified, Purifier
from connectors.alerts.source import RawAlert, Remarks, Source
from connectors.gateway.stamp import STAMP_HEADER, read_stamp
from schemas import ids
from schemas.alert import AlertNormalized, AlertRejected, Rejection
from schemas.catalog import RAW_PREFIX
from schemas.draft import Draft, envelope
from schemas.envelope import Event, from_millis
from schemas.errors import BadPayload, Never, Unreadable
from streams.glance import glance_header
from streams.policy.silenced import Quiet
from streams.runner import sha256_of
from streams.stage import Events, Now, Record, Transform
from streams.stages.remarks import Remarking

RECEIVED = Counter("awoooi_alerts_received_total", "Alerts read, by the source that read them", ["source"])
DEFAULT_PROJECT = "default"
DEFAULT_CLUSTER = "default"


@dataclass(frozen=True, slots=True)
class NormalizeConfig:
    project_by_topic: Mapping[str, str] = field(default_factory=dict)
    """for records that no gateway stamped: what they claim themselves counts for nothing"""
    identity: Identity = field(default_factory=Identity)


class BadStamp(Never):
    """A stamp that does not verify: forged, or the gateway and this worker hold different secrets."""

    reason = "bad_stamp"


class Normalize:
    name = "normalize"
    reads: tuple[str, ...] = (RAW_PREFIX + "*",)

    def __init__(
        self,
        config: NormalizeConfig,
        sources: Mapping[str, Source],
        sealer: Sealer | None = None,
        stamp_key: bytes | None = None,
        epoch: str = "",
        quiet: Quiet | None = None,
    ) -> None:
        self._projects = config.project_by_topic
        self._sources = sources
        self._sealer, self._stamp_key, self._epoch = sealer, stamp_key, epoch
        self._purifier, self._fingerprint = Purifier(find, Shield), Fingerprints(config.identity).of
        self._received = {name: RECEIVED.labels(name) for name in sources}
        self._remarking = Remarking(self._purifier, self._seal, self._fingerprint, quiet, epoch)

    async def handle(self, record: Record, now: Now) -> Events:
        project = self._project(record)
        payload = _json(record.value)
        name = record.topic.removeprefix(RAW_PREFIX)
        alerts: list[RawAlert] = []
        remarks: list[tuple[str, Remarks]] = []
        for reading in readings(name, payload, self._sources):
            found = reading.alerts(record.timestamp)
            self._received[reading.source.name].inc(len(found))
            alerts += found
            if reading.source.remarks is not None:
                remarks.append(
                    (reading.source.name, reading.source.remarks(reading.payload, record.timestamp))
                )
        drafts = [self._draft(raw, index, project, record, now) for index, raw in enumerate(alerts)]
        for source, told in remarks:
            drafts += self._remarking.drafts(told, source, len(drafts), project, record, now)
        return drafts

    def _project(self, record: Record) -> str:
        header = record.header(STAMP_HEADER)
        if header is None:
            return self._projects.get(record.topic, DEFAULT_PROJECT)
        stamp = None
        if self._stamp_key is not None:
            stamp = read_stamp(self._stamp_key, header, record.topic, record.value or b"")
        if stamp is None:
            raise BadStamp("the gateway's stamp does not verify: do gateway and worker hold the same secret?")
        return stamp.project

    def _draft(self, raw: RawAlert, index: int, project: str, record: Record, now: Now) -> Draft:
        epoch, topic, partition, offset = self._epoch, record.topic, record.partition, record.offset
        origin = {"epoch": epoch, "topic": topic, "partition": partition, "offset": offset, "index": index}
        event_id = ids.alert_id(f"{epoch}/{topic}/{partition}/{offset}/{index}")
        clean = self._purifier.purify(raw)
        alert = self._alert(raw, clean, project, record.timestamp, origin)
        plain = envelope(
            AlertNormalized,
            event_id=event_id,
            project_id=project,
            occurred_at=record.timestamp if raw.fired_at is None else raw.fired_at,
            recorded_at=now.millis,
            stage=self.name,
            sealed=self._seal(clean, project, event_id),
            payload=alert,
        )
        key = f"{project}:{alert['fingerprint']}".encode()
        return Draft(AlertNormalized, key, plain, glance_header(alert))

    def _alert(
        self, raw: RawAlert, clean: Purified, project: str, received_at: int, origin: dict[str, object]
    ) -> dict[str, Any]:
        return {
            "alert_type": clean.alert_type,
            "severity": raw.severity,
            "source": clean.source,
            "message": clean.message,
            "description": clean.description,
            "namespace": clean.namespace,
            "target_resource": clean.target_resource,
            "resource_type": raw.resource_type,
            "cluster": clean.cluster or DEFAULT_CLUSTER,
            "metrics": clean.metrics,
            "fired_at": raw.fired_at,
            "ends_at": raw.ends_at,
            "received_at": received_at,
            "status": raw.status,
            "project_id": project,
            "fingerprint": self._fingerprint(raw),
            "labels": clean.labels,
            "annotations": clean.annotations,
            "generator_url": clean.generator_url,
            "origin": origin,
            "sanitized": bool(clean.patterns),
            "patterns": clean.patterns,
            "truncated": clean.truncated,
            "incomplete": raw.incomplete,
        }

    def _seal(self, clean: Purified, project: str, event_id: str) -> bytes | None:
        if not clean.values or self._sealer is None:
            return None
        return self._sealer.seal(clean.values, project_id=project, event_id=event_id)

    def dead_letter(self, record: Record, error: Never, now: Now) -> Event:
        place = f"{self._epoch}/{record.topic}/{record.partition}/{record.offset}"
        try:
            project = self._project(record)
        except BadStamp:
            project = DEFAULT_PROJECT
        return AlertRejected(
            event_id=ids.derive_id("alert.rejected", place),
            project_id=project,
            occurred_at=from_millis(record.timestamp),
            recorded_at=now.moment,
            stage=self.name,
            payload=Rejection(
                source=record.topic.removeprefix(RAW_PREFIX),
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                epoch=self._epoch,
                reason=error.reason,
                detail=_detail(error),
                size=len(record.value or b""),
                sha256=sha256_of(record.value),
                original=record.value,
                original_key=record.key,
                original_stamp=record.header(STAMP_HEADER),
                project_id=project,
            ),
        )


def _detail(error: Never) -> str:
    """It names what the sender wrote; an address that a person is to open was checked by who read it."""
    link = error.link if isinstance(error, BadPayload) else ""
    return Shield().cover(str(error).removesuffix(link))[:500] + link


def _json(value: bytes | None) -> object:
    if not value:
        raise Unreadable("the record has no value" if value is None else "empty: not one byte of JSON")
    try:
        payload: object = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        if not _is_text(value):
            raise Unreadable(f"not JSON: {len(value)} bytes that are no UTF-8 text") from error
        raise Unreadable(f"not JSON: {error.msg} at byte {error.pos} of {len(value)}") from error
    return payload


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def check_contract(stage: Normalize) -> Transform:
    return stage

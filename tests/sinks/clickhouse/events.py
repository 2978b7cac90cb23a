"""Rows for `events`, as the sink would write them."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
COLUMNS = (
    "project_id", "type", "schema_version", "stage", "actor", "incident_id", "run_id", "occurred_at",
    "recorded_at", "event_id", "causes", "has_sealed", "log_epoch", "topic", "kafka_partition",
    "kafka_offset", "payload", "hash",
)  # fmt: skip
NAMESPACE = uuid.UUID(int=7)


def moment(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def iso(seconds: float, suffix: str = "Z") -> str:
    return moment(seconds).isoformat(timespec="milliseconds").replace("+00:00", suffix)


def event(
    name: str, kind: str, offset: int, payload: dict[str, Any] | None = None, **fields: Any
) -> dict[str, Any]:
    """An event whose id follows from `name`."""
    row: dict[str, Any] = {
        "project_id": "shop",
        "type": kind,
        "schema_version": 1,
        "stage": "dedup",
        "actor": "",
        "incident_id": "",
        "run_id": "",
        "occurred_at": moment(offset),
        "recorded_at": moment(offset),
        "event_id": uuid.uuid5(NAMESPACE, name),
        "causes": [],
        "has_sealed": False,
        "log_epoch": "",
        "topic": "incidents",
        "kafka_partition": 0,
        "kafka_offset": offset,
        "payload": json.dumps(payload or {}),
        "hash": "00" * 32,
    }
    return row | fields


def values(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [tuple(row[column] for column in COLUMNS) for row in rows]


def alert(name: str, offset: int, **fields: Any) -> dict[str, Any]:
    """`alert.normalized` with every field of the payload."""
    payload = {
        "alert_type": "CPUThrottlingHigh",
        "severity": "critical",
        "source": "prometheus",
        "message": "Pod is being CPU throttled",
        "description": None,
        "namespace": "production",
        "target_resource": "api-server-7d4b8c9f5-xk2m3",
        "resource_type": "pod",
        "cluster": "default",
        "metrics": {"throttle_percent": 85, "oom": True, "phase": "Running"},
        "fired_at": iso(offset - 5, "+00:00"),
        "ends_at": None,
        "received_at": iso(offset),
        "status": "firing",
        "project_id": "shop",
        "fingerprint": "00ff00ff00ff00ff",
        "labels": {"pod": "api-server", "say": '重 "quoted"'},
        "annotations": {},
        "generator_url": None,
        "origin": {
            "epoch": "e1",
            "topic": "alerts.raw.alertmanager",
            "partition": 2,
            "offset": 77,
            "index": 1,
        },
        "sanitized": True,
        "patterns": ["override"],
        "truncated": ["message"],
        "incomplete": False,
    }
    return event(name, "alert.normalized", offset, payload | fields, topic="alerts.normalized")


def step(name: str, kind: str, offset: int, **payload: Any) -> dict[str, Any]:
    """A step of the one incident of these tests."""
    run = payload.pop("run_id", "")
    return event(name, kind, offset, payload, incident_id="INC-20261121-AAAAAAAAAA", run_id=run)

"""The hand-written payloads under fixtures/, one folder a source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from connectors.alerts.source import RawAlert

FIXTURES = Path(__file__).parent / "fixtures"
RECEIVED_AT = 1_772_400_000_000  # 2026-03-01T21:20:00Z, after every fixture's alert


def payload(source: str, name: str) -> Any:
    return json.loads((FIXTURES / source / f"{name}.json").read_text())


def names() -> list[tuple[str, str]]:
    return sorted((path.parent.name, path.stem) for path in FIXTURES.glob("*/*.json"))


def gist(alert: RawAlert) -> tuple[str, str, str, str | None, str | None]:
    """What a table says of an alert: type, severity, status, resource and its type."""
    return alert.alert_type, alert.severity, alert.status, alert.target_resource, alert.resource_type

from __future__ import annotations

from typing import Any

import pytest

from connectors.alerts.sources.awoooi import read
from schemas.alert import AlertStatus, ResourceType, Severity
from schemas.errors import BadPayload
from tests.connectors.alerts.payloads import RECEIVED_AT, payload


def test_a_full_alert() -> None:
    (alert,) = read(payload("awoooi", "firing"), RECEIVED_AT)
    assert (alert.alert_type, alert.severity, alert.source) == (
        "QueueBacklog",
        Severity.CRITICAL,
        "billing-watch",
    )
    assert (alert.target_resource, alert.resource_type) == ("invoice-worker", ResourceType.DEPLOYMENT)
    assert alert.metrics == {"backlog": 12000, "paused": False, "region": "eu"}


def test_the_least_alert_fires() -> None:
    (alert,) = read(payload("awoooi", "least"), RECEIVED_AT)
    assert alert.status is AlertStatus.FIRING


@pytest.mark.parametrize(("shape", "count"), [("least", 1), ("list", 2), ("envelope", 2)])
def test_one_a_list_or_an_envelope(shape: str, count: int) -> None:
    assert len(read(payload("awoooi", shape), RECEIVED_AT)) == count


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alert_type": None}, "alert_type: is missing"),
        ({"message": "  "}, "message: is missing"),
        ({"source": 7}, "source: must be text, not a number"),
        ({"severity": "high"}, "severity: must be one of info, warning, critical"),
        ({"status": "open"}, "status: must be one of firing, resolved"),
        ({"resource_type": "vm"}, "resource_type: must be one of pod, deployment, service"),
        ({"metrics": []}, "metrics: must be an object, not a list"),
        ({"metrics": {"cpu": None}}, "metrics.cpu: must be a number, text or a boolean, not null"),
        ({"metrics": {"cpu": float("inf")}}, "metrics.cpu: must be a finite number"),
        ({"metrics": {str(i): i for i in range(101)}}, "metrics: holds 101 entries, at most 100 are allowed"),
        ({"fired_at": "2026-03-01 10:00"}, "fired_at: must be a time like"),
        ({"labels": {"a": []}}, "labels.a: must be text, not a list"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_error_says_what_is_allowed(change: dict[str, Any], message: str) -> None:
    with pytest.raises(BadPayload) as refused:
        read(payload("awoooi", "least") | change, RECEIVED_AT)
    assert str(refused.value).startswith(message)


def test_an_error_in_a_list_names_the_alert() -> None:
    least = payload("awoooi", "least")
    with pytest.raises(BadPayload, match=r"alerts\.1\.severity: is missing"):
        read({"alerts": [least, {"alert_type": "X"}]}, RECEIVED_AT)
    with pytest.raises(BadPayload, match=r"1\.severity: is missing"):
        read([least, {"alert_type": "X"}], RECEIVED_AT)

from __future__ import annotations

from typing import Any

import pytest

from connectors.alerts.sources.prometheus import detects, read
from schemas.errors import BadPayload, NoAlert
from tests.connectors.alerts.payloads import RECEIVED_AT, gist, payload


@pytest.mark.parametrize(
    ("name", "expected", "said"),
    [
        ("firing", ("KubePodCrashLooping", "critical", "firing", "cart-7d9f8b6c4-xkp2q", "pod"), None),
        ("resolved", ("KubePodCrashLooping", "critical", "resolved", "cart-7d9f8b6c4-xkp2q", "pod"), None),
        ("alerts_api", ("KubePodCrashLooping", "critical", "firing", "cart-7d9f8b6c4-xkp2q", "pod"), None),
        ("rules_api", ("KubePodCrashLooping", "critical", "firing", "cart-7d9f8b6c4-xkp2q", "pod"), None),
        ("first_api", ("KubePodCrashLooping", "critical", "firing", "cart-7d9f8b6c4-xkp2q", "pod"), None),
        (
            "without_a_name",
            (
                "The queue of invoices is over 30% of what it may hold",
                "warning",
                "firing",
                "invoices",
                "service",
            ),
            None,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_form(name: str, expected: tuple[str | None, ...], said: str | None) -> None:
    (alert,) = read(payload("prometheus", name), RECEIVED_AT)
    assert gist(alert) == expected
    assert (alert.labels.get("sender_status"), alert.source) == (said, "prometheus")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"labels": {}, "annotations": {}}, "labels.alertname"),
        ({"labels": 7}, "labels"),
        ({"status": "odd"}, "status"),
        ({"state": 7, "status": None}, "state"),
        ({"startsAt": "x"}, "startsAt"),
        ({"data": {}}, "data.alerts"),
        ({"data": [7]}, "data.0"),
        ({"data": {"groups": [{"rules": [{"alerts": [7]}]}]}}, "data.groups.0.rules.0.alerts.0"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_refused_by_its_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadPayload) as refused:
        read(payload("prometheus", "firing") | change, RECEIVED_AT)
    assert refused.value.field == field


def test_a_pending_alert_does_not_fire_yet() -> None:
    with pytest.raises(NoAlert):
        read({"labels": {"alertname": "x"}, "state": "pending"}, RECEIVED_AT)
    assert read({"data": {"alerts": [{"labels": {"alertname": "x"}, "state": "pending"}]}}, RECEIVED_AT) == []


def test_the_value_and_a_silence() -> None:
    (alert,) = read(payload("prometheus", "alerts_api"), RECEIVED_AT)
    assert (alert.metrics, alert.fired_at) == ({"value": 4}, 1_772_366_400_123)
    body = payload("prometheus", "first_api")
    body["data"][0]["status"]["state"] = "suppressed"
    (alert,) = read(body, RECEIVED_AT)
    assert (alert.status, alert.labels["sender_status"], alert.subject) == ("firing", "muted", None)


@pytest.mark.parametrize(
    ("record", "fits"),
    [
        ({"labels": {"alertname": "x"}, "state": "firing"}, True),
        ({"labels": {"severity": "page"}, "summary": "x", "more": 1}, True),
        ({"labels": {"host": "a"}, "summary": "x"}, True),
        ({"labels": {"host": "a"}, "summary": "x", "more": 1}, False),
        ({"labels": {"alertname": "x"}}, False),
        ({"labels": ["x"], "summary": "x"}, False),
    ],
    ids=str,
)
def test_which_bare_records_are_prometheus(record: dict[str, Any], fits: bool) -> None:
    assert detects(record) is fits

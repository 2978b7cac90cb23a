from __future__ import annotations

from typing import Any

import pytest

from connectors.alerts.sources.grafana import read
from schemas.alert import AlertStatus, ResourceType, Severity
from schemas.errors import BadPayload, NoAlert
from tests.connectors.alerts.payloads import RECEIVED_AT, gist, payload


def test_unified_alerting() -> None:
    (alert,) = read(payload("grafana", "firing"), RECEIVED_AT)
    assert (alert.alert_type, alert.source) == ("Checkout errors", "grafana")
    assert (alert.severity, alert.status) == (Severity.CRITICAL, AlertStatus.FIRING)
    assert (alert.target_resource, alert.resource_type) == ("checkout", ResourceType.SERVICE)
    assert alert.metrics == {"A": 12.5, "C": 1.0}  # D had no value


@pytest.mark.parametrize(
    ("text", "metrics"),
    [
        ("[ metric='errors' labels={service=checkout} value=12.5 ]", {"errors": 12.5}),
        ("[ metric='' labels={} value=14151.331 ]", {"value": 14151.331}),
        (
            "[ var='A' labels={} value=1 ], [ var='B' metric='x' labels={a=b} value=-2e3 ]",
            {"A": 1, "B": -2000},
        ),
        ("[ var='A' labels={} value=NaN ]", {}),
        ("[no value]", {}),
    ],
)
def test_values_written_as_text(text: str, metrics: dict[str, float]) -> None:
    group = payload("grafana", "version_8")
    group["alerts"][0]["valueString"] = text
    assert read(group, RECEIVED_AT)[0].metrics == metrics


def test_the_legacy_shape() -> None:
    (alert,) = read(payload("grafana", "legacy_firing"), RECEIVED_AT)
    assert (alert.alert_type, alert.message) == ("Battery voltage", "Voltage is low")
    assert (alert.severity, alert.target_resource) == (Severity.WARNING, "power")
    assert alert.metrics == {"voltage": 23.5}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"state": "exploded"}, "state"),
        ({"evalMatches": 7}, "evalMatches"),
        ({"evalMatches": [None]}, "evalMatches.0"),
        ({"ruleName": None, "title": ""}, "ruleName"),
        ({"tags": "x"}, "tags"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_legacy_payload_that_cannot_be_read(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadPayload) as refused:
        read(payload("grafana", "legacy_firing") | change, RECEIVED_AT)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("name", "change"),
    [
        (
            "legacy_firing",
            {"ruleName": "Test notification", "message": "Someone is testing the alert notification."},
        ),
        (
            "firing",
            {
                "alerts": [
                    {
                        "labels": {"alertname": "TestAlert", "instance": "Grafana"},
                        "annotations": {"summary": "Notification test"},
                    }
                ]
            },
        ),
    ],
    ids=["legacy", "unified"],
)
def test_the_test_button_is_no_alert(name: str, change: dict[str, Any]) -> None:
    with pytest.raises(NoAlert):
        read(payload("grafana", name) | change, RECEIVED_AT)


def test_an_alert_that_is_only_called_so_is_one() -> None:
    group = payload("grafana", "firing")
    group["alerts"][0]["labels"]["alertname"] = "TestAlert"
    assert read(group, RECEIVED_AT)[0].alert_type == "TestAlert"


@pytest.mark.parametrize("state", ["alerting", "ok"])
def test_the_tags_of_a_legacy_rule_name_its_host(state: str) -> None:
    """By names of any convention; the series that matched are no longer told at the end."""
    rule = payload("grafana", "legacy_firing") | {
        "state": state,
        "tags": {"host": "web-1", "kube_namespace": "shop"},
    }
    (alert,) = read(rule, RECEIVED_AT)
    assert (alert.target_resource, alert.resource_type, alert.namespace) == ("web-1", "host", "shop")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("legacy_no_data", ("Till latency", "warning", "firing", None, None)),
        ("legacy_version_4", ("Till CPU", "warning", "firing", None, None)),
    ],
)
def test_older_and_newer_legacy_bodies(name: str, expected: tuple[str | None, ...]) -> None:
    (alert,) = read(payload("grafana", name), RECEIVED_AT)
    assert gist(alert) == expected

from __future__ import annotations

from typing import Any

import pytest

from connectors.alerts.sources.datadog import read
from schemas.errors import BadPayload, NoAlert
from tests.connectors.alerts.payloads import RECEIVED_AT, gist, payload


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("firing", ("Checkout errors", "critical", "firing", "checkout", "service")),
        ("resolved", ("Checkout errors", "critical", "resolved", "checkout", "service")),
        ("no_data", ("Agent is silent", "warning", "firing", "web-3", "host")),
        ("plain_title", ("Queue grows", "warning", "firing", None, None)),
        ("template_firing", ("Cart memory", "warning", "firing", "cart-7d9f-abcde", "pod")),
        ("template_resolved", ("Cart memory", "info", "resolved", "cart-7d9f-abcde", "pod")),
        ("relayed", ("CPU is busy", "critical", "firing", "web-4.example.org", "host")),
        ("like_ours", ("Checkout errors", "warning", "firing", "checkout", "service")),
        ("monitor", ("Disk is nearly full", "warning", "firing", "db-1", "host")),
    ],
)
def test_each_form(name: str, expected: tuple[str | None, ...]) -> None:
    (alert,) = read(payload("datadog", name), RECEIVED_AT)
    assert gist(alert) == expected
    assert alert.source == "datadog"


@pytest.mark.parametrize(
    ("title", "name", "status", "severity"),
    [
        ("[Triggered] Queue", "Queue", "firing", "warning"),
        ("[P2] [Re-Triggered on {host:a,env:b}] Queue", "Queue", "firing", "warning"),
        ("[P1] [Renotify] Queue", "Queue", "firing", "critical"),
        ("[P4] [Warn] Queue [eu]", "Queue [eu]", "firing", "info"),
        ("[Recovered on {host:a}] [shop] Queue", "[shop] Queue", "resolved", "warning"),
        ("[No Data] Queue", "Queue", "firing", "warning"),
        ("[Monitor Alert] Triggered: Queue", "Queue", "firing", "warning"),
        ("[OK] Queue", "Queue", "resolved", "warning"),
        ("[No Data Recovered on {host:a}] Queue", "Queue", "resolved", "warning"),
    ],
)
def test_a_title_says_state_priority_and_scope(title: str, name: str, status: str, severity: str) -> None:
    (alert,) = read(payload("datadog", "plain_title") | {"title": title}, RECEIVED_AT)
    assert (alert.alert_type, alert.status, alert.severity) == (name, status, severity)
    assert alert.target_resource == ("a" if "host:a" in title else None)


@pytest.mark.parametrize(
    ("change", "severity"),
    [
        ({"alert_priority": "P1"}, "critical"),
        ({"alert_priority": "$ALERT_PRIORITY", "alert_type": "error"}, "critical"),
        ({"alert_priority": None, "alert_type": "info"}, "info"),
        ({"alert_priority": "normal"}, "warning"),
        ({"alert_priority": 5}, "info"),
        ({"severity": "High"}, "critical"),
    ],
)
def test_a_priority_says_more_than_the_type(change: dict[str, Any], severity: str) -> None:
    assert read(payload("datadog", "template_firing") | change, RECEIVED_AT)[0].severity == severity


def test_a_template_has_tags_value_and_link() -> None:
    sent = payload("datadog", "template_firing") | {"value": "951.5"}
    (alert,) = read(sent, RECEIVED_AT)
    assert (alert.namespace, alert.cluster, alert.labels["env"]) == ("shop", "eu", "prod")
    assert alert.metrics == {"kubernetes.memory.usage": 951.5}
    assert alert.generator_url == sent["link"]


def test_the_default_body_names_its_monitor() -> None:
    (alert,) = read(payload("datadog", "firing"), RECEIVED_AT)
    assert alert.generator_url == "https://app.datadoghq.eu/monitors/4711"


def test_a_test_is_no_alert() -> None:
    with pytest.raises(NoAlert, match="test notification") as told:
        read(payload("datadog", "plain_title") | {"title": "[Triggered] [TEST] Queue"}, RECEIVED_AT)
    assert told.value.field == "title"


@pytest.mark.parametrize("title", [None, "", "$EVENT_TITLE", {"a": []}])
def test_a_body_without_a_name_is_refused(title: Any) -> None:
    with pytest.raises(BadPayload) as refused:
        read(payload("datadog", "plain_title") | {"title": title}, RECEIVED_AT)
    assert refused.value.field == "title"

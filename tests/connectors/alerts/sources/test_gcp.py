from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from connectors.alerts.sources.gcp import read
from schemas.errors import BadPayload, NoAlert
from tests.connectors.alerts.payloads import RECEIVED_AT, gist, payload

WEB = ("Memory utilization", "critical", "firing", "web-1", "host")
MAIL = ("CPU usage", "warning", "firing", "mail-7", "host")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("firing", WEB),
        ("resolved", (*WEB[:2], "resolved", *WEB[3:])),
        ("kubernetes", ("Container restarts", "critical", "firing", "payments-7d9f-abcde", "pod")),
        ("cloud_run", ("Too many 5xx", "warning", "firing", "cart", "service")),
        ("relayed", ("Memory utilization", "warning", "firing", "web-9", "host")),
        ("stackdriver_firing", MAIL),
        ("stackdriver_resolved", (*MAIL[:2], "resolved", *MAIL[3:])),
    ],
)
def test_each_form(name: str, expected: tuple[str | None, ...]) -> None:
    (alert,) = read(payload("gcp", name), RECEIVED_AT)
    assert gist(alert) == expected
    assert alert.source == "gcp"


def test_a_workload_of_kubernetes_has_its_place_and_value() -> None:
    (alert,) = read(payload("gcp", "kubernetes"), RECEIVED_AT)
    assert (alert.namespace, alert.cluster) == ("checkout", "shop")
    assert alert.metrics == {"kubernetes.io/container/restart_count": 7}


def test_pub_sub_brings_the_same() -> None:
    data = base64.b64encode(json.dumps(payload("gcp", "firing")).encode()).decode()
    brought = {
        "message": {"data": data, "messageId": "1"},
        "subscription": "projects/shop/subscriptions/awoooi",
    }
    assert read(brought, RECEIVED_AT) == read(payload("gcp", "firing"), RECEIVED_AT)


@pytest.mark.parametrize(
    ("change", "severity"),
    [
        ({"severity": "Error"}, "critical"),
        ({"severity": "Warning"}, "warning"),
        ({"severity": "No severity"}, "warning"),
        ({"severity": None, "policy_user_labels": {"severity": "info"}}, "info"),
        ({"severity": None, "metadata": {"system_labels": {"severity": "critical"}}}, "critical"),
    ],
)
def test_a_severity_may_stand_in_the_policys_labels(change: dict[str, Any], severity: str) -> None:
    sent = payload("gcp", "firing")
    sent["incident"] |= change
    assert read(sent, RECEIVED_AT)[0].severity == severity


@pytest.mark.parametrize(
    ("path", "resource"),
    [
        ("projects/987654/instances/web-2", "web-2"),
        ("shop-prod web-3", "web-3"),
        ("web-4", "web-4"),
        (None, "11223344"),
    ],
)
def test_a_resources_path_ends_in_its_name(path: str | None, resource: str) -> None:
    sent = payload("gcp", "firing")
    sent["incident"]["resource_name"] = path
    assert read(sent, RECEIVED_AT)[0].target_resource == resource


def test_an_id_that_is_nested_deeply_is_none() -> None:
    deep: Any = "x"
    for _ in range(50_000):
        deep = [deep]
    sent = payload("gcp", "relayed") | {"metricType": None, "resourceId": deep, "resourceName": "web-9"}
    with pytest.raises(BadPayload, match="must be text, not a list"):
        read(sent | {"resourceName": None}, RECEIVED_AT)
    assert read(sent, RECEIVED_AT)[0].resource_type is None


def test_a_test_is_no_alert() -> None:
    with pytest.raises(NoAlert) as told:
        read(payload("gcp", "firing") | {"version": "test"}, RECEIVED_AT)
    assert told.value.field == "version"


@pytest.mark.parametrize(
    ("incident", "field"),
    [
        (None, "incident.condition_name"),
        (7, "incident"),
        ({"condition_name": "x", "state": "odd"}, "incident.state"),
        ({"condition_name": "x", "started_at": "soon"}, "incident.started_at"),
        ({"condition_name": "x", "resource": {"labels": 7}}, "incident.resource.labels"),
        ({"condition_name": "x", "documentation": 7}, "incident.documentation"),
    ],
)
def test_what_cannot_be_read_names_its_field(incident: Any, field: str) -> None:
    with pytest.raises(BadPayload) as refused:
        read({"incident": incident, "version": "1.2"}, RECEIVED_AT)
    assert refused.value.field == field

from __future__ import annotations

from typing import Any

import pytest

from connectors.alerts.sources.falco import read
from schemas.errors import BadPayload, NoAlert
from tests.connectors.alerts.payloads import RECEIVED_AT, gist, payload


@pytest.mark.parametrize(
    ("name", "expected", "said"),
    [
        ("rule", ("Terminal shell in container", "info", "firing", "cart-7d9f8b6c4-xkp2q", "pod"), None),
        ("critical_on_a_host", ("Write below binary dir", "critical", "firing", "node-3", "host"), None),
        ("dropped_events", ("Falco internal: syscall event drop", "info", "firing", "node-3", "host"), None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_form(name: str, expected: tuple[str | None, ...], said: str | None) -> None:
    (alert,) = read(payload("falco", name), RECEIVED_AT)
    assert gist(alert) == expected
    assert (alert.labels.get("sender_status"), alert.source) == (said, "falco")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"rule": None}, "rule"),
        ({"rule": 7}, "rule"),
        ({"output_fields": []}, "output_fields"),
        ({"time": "noon"}, "time"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_refused_by_its_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadPayload) as refused:
        read(payload("falco", "rule") | change, RECEIVED_AT)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("priority", "severity"),
    [
        ("Emergency", "critical"),
        ("Alert", "critical"),
        ("Critical", "critical"),
        ("Error", "critical"),
        ("Warning", "warning"),
        ("Notice", "info"),
        ("Informational", "info"),
        ("Debug", "info"),
        (None, "warning"),
    ],
)
def test_priorities(priority: str | None, severity: str) -> None:
    assert read(payload("falco", "rule") | {"priority": priority}, RECEIVED_AT)[0].severity == severity


def test_falcosidekicks_test_is_no_alert() -> None:
    with pytest.raises(NoAlert):
        read(payload("falco", "rule") | {"output": "This is a test from falcosidekick"}, RECEIVED_AT)


def test_a_field_that_falco_does_not_know_is_none() -> None:
    fields = {"k8s.pod.name": "<NA>", "k8s.ns.name": "<NA>", "proc.name": "nc"}
    (alert,) = read(payload("falco", "rule") | {"output_fields": fields, "hostname": "node-3"}, RECEIVED_AT)
    assert (alert.target_resource, alert.resource_type, alert.namespace) == ("node-3", "host", None)
    assert "k8s.pod.name" not in alert.labels


@pytest.mark.parametrize(
    ("resource", "kind"), [("deployments", "deployment"), ("configmaps", None), (None, None)]
)
def test_a_finding_in_the_audit_log_is_about_what_was_asked_for(
    resource: str | None, kind: str | None
) -> None:
    fields = {"ka.target.name": "cart", "ka.target.namespace": "shop", "ka.target.resource": resource}
    (alert,) = read(payload("falco", "rule") | {"output_fields": fields}, RECEIVED_AT)
    assert (alert.target_resource, alert.resource_type, alert.namespace) == ("cart", kind, "shop")

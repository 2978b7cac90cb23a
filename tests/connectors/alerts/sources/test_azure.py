from __future__ import annotations

from typing import Any

import pytest

from connectors.alerts.sources.azure import read
from schemas.errors import BadPayload, NoAlert
from tests.connectors.alerts.payloads import RECEIVED_AT, gist, payload

WEB = ("CPU of web servers", "critical", "firing", "web-1", "host")
HEALTH = ("Health of web-1", "critical", "firing", "web-1", "host")
FILES = ("Transactions", "warning", "firing", "shopfiles", None)


def resolved(expected: tuple[str | None, ...]) -> tuple[str | None, ...]:
    return (*expected[:2], "resolved", *expected[3:])


@pytest.mark.parametrize(
    ("name", "expected", "metrics"),
    [
        ("firing", WEB, {"Percentage CPU": 97.7}),
        ("resolved", resolved(WEB), {"Percentage CPU": 12.5}),
        (
            "kubernetes",
            ("Pods are not ready", "warning", "firing", "payments", "deployment"),
            {"podCount": 0},
        ),
        ("log", ("Requests fail", "info", "firing", "shop-web", "service"), {"failures": 42}),
        ("service_health", ("Health of Azure", "critical", "firing", "Storage", "service"), {}),
        ("resource_health_firing", HEALTH, {}),
        ("resource_health_resolved", resolved(HEALTH), {}),
        ("metric_firing", FILES, {"Transactions": 100}),
        ("metric_resolved", resolved(FILES), {"Transactions": 100}),
        ("classic", ("CPU of web-2", "warning", "firing", "web-2", "host"), {"CPU percentage": 97}),
        ("budget", ("Shop in March", "warning", "firing", "shop", None), {"spending_amount": 912.5}),
        ("prometheus", ("KubePodCrashLooping", "critical", "firing", "cart-7d9f8b6c4-xkp2q", "pod"), {}),
        (
            "activity_log",
            ("Microsoft.Compute/virtualMachines/restart/action", "info", "firing", "web-1", "host"),
            {},
        ),
        (
            "log_search",
            ("Heartbeats are missing", "critical", "firing", "web-3", "host"),
            {"result_count": 2},
        ),
    ],
)
def test_each_form(name: str, expected: tuple[str | None, ...], metrics: dict[str, float]) -> None:
    (alert,) = read(payload("azure", name), RECEIVED_AT)
    assert gist(alert) == expected
    assert (alert.metrics, alert.source) == (metrics, "azure")


def test_a_managed_cluster_is_the_cluster() -> None:
    (alert,) = read(payload("azure", "kubernetes"), RECEIVED_AT)
    assert (alert.namespace, alert.cluster) == ("checkout", "shop-aks")


def test_an_alert_is_linked_to_its_page() -> None:
    (alert,) = read(payload("azure", "firing"), RECEIVED_AT)
    assert alert.generator_url is not None
    assert alert.generator_url.startswith("https://portal.azure.com/")
    assert alert.generator_url.endswith("alerts%2Fb9569717-0001")


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        ("Sev0", "critical"),
        ("Sev1", "critical"),
        ("Sev2", "warning"),
        ("Sev3", "info"),
        ("Sev4", "info"),
        ("2", "warning"),
        (None, "warning"),
    ],
)
def test_severities_mean_what_azure_means(word: str | None, severity: str) -> None:
    sent = payload("azure", "firing")
    sent["data"]["essentials"]["severity"] = word
    assert read(sent, RECEIVED_AT)[0].severity == severity


def test_an_autoscaling_is_no_alert() -> None:
    with pytest.raises(NoAlert) as told:
        read({"version": "1.0", "status": "Activated", "operation": "Scale Out", "context": {}}, RECEIVED_AT)
    assert told.value.field == "operation"


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({}, "data.essentials"),
        ({"essentials": 7}, "data.essentials"),
        ({"essentials": {}}, "data.essentials.alertRule"),
        ({"essentials": {"alertRule": "x", "monitorCondition": "Odd"}}, "data.essentials.monitorCondition"),
        ({"essentials": {"alertRule": "x", "alertTargetIDs": 7}}, "data.essentials.alertTargetIDs"),
        ({"essentials": {"alertRule": "x", "firedDateTime": "noon"}}, "data.essentials.firedDateTime"),
        ({"essentials": {"alertRule": "x"}, "alertContext": 7}, "data.alertContext"),
        (
            {"essentials": {"alertRule": "x"}, "alertContext": {"condition": {"allOf": [7]}}},
            "data.alertContext.condition.allOf.0",
        ),
        ({"context": {}}, "data.context.name"),
        ({"context": {"activityLog": {}}}, "data.context.activityLog.operationName"),
        ({"AlertRuleName": ""}, "data.AlertRuleName"),
    ],
)
def test_what_cannot_be_read_names_its_field(data: dict[str, Any], field: str) -> None:
    with pytest.raises(BadPayload) as refused:
        read({"schemaId": "azureMonitorCommonAlertSchema", "data": data}, RECEIVED_AT)
    assert refused.value.field == field

from __future__ import annotations

from typing import Any

import pytest

from connectors.alerts.sources.splunk import read
from schemas.errors import BadPayload
from tests.connectors.alerts.payloads import RECEIVED_AT, gist, payload

LATENCY = ("Checkout latency is high", "critical")


@pytest.mark.parametrize(
    ("name", "expected", "said"),
    [
        ("alert", ("Checkout errors", "critical", "firing", "shop-web-2", "host"), None),
        ("kubernetes", ("OOM kills", "warning", "firing", "cart-7d9f8b6c4-xkp2q", "pod"), None),
        ("no_result", ("No heartbeat", "warning", "firing", None, None), None),
        ("detector_firing", (*LATENCY, "firing", "checkout", "deployment"), None),
        ("detector_resolved", (*LATENCY, "resolved", "checkout", "deployment"), None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_form(name: str, expected: tuple[str | None, ...], said: str | None) -> None:
    (alert,) = read(payload("splunk", name), RECEIVED_AT)
    assert gist(alert) == expected
    assert (alert.labels.get("sender_status"), alert.source) == (said, "splunk")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"search_name": None}, "search_name"),
        ({"result": [1]}, "result"),
        ({"results_link": 7}, "results_link"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_refused_by_its_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadPayload) as refused:
        read(payload("splunk", "alert") | change, RECEIVED_AT)
    assert refused.value.field == field


def test_labels_are_the_fields_of_the_result_without_splunks_own() -> None:
    (alert,) = read(payload("splunk", "alert"), RECEIVED_AT)
    assert alert.labels == {
        "host": "shop-web-2",
        "source": "/var/log/shop/checkout.log",
        "sourcetype": "shop:app",
        "index": "shop",
        "severity": "high",
        "count": "41",
        "splunk_app": "search",
        "splunk_owner": "ops",
        "splunk_sid": "scheduler__ops__search__RMD5ab_at_1772366400_8",
    }
    assert alert.fired_at == 1_772_366_395_250


def test_a_time_in_a_form_of_its_own_loses_no_alert() -> None:
    changed = payload("splunk", "kubernetes")
    changed["result"]["_time"] = "Sun Mar 1 noon"
    (alert,) = read(changed, RECEIVED_AT)
    assert (alert.fired_at, alert.namespace, alert.cluster) == (None, "shop", "eu-1")


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"statusExtended": None}, "firing", None),
        ({"statusExtended": None, "status": "ok"}, "resolved", None),
        ({"statusExtended": "stopped"}, "resolved", None),
        ({"triggeredWhileMuted": True}, "firing", "muted"),
        ({"triggeredWhileMuted": True, "statusExtended": "ok"}, "resolved", None),
    ],
    ids=str,
)
def test_where_a_detectors_alert_stands(change: dict[str, Any], status: str, said: str | None) -> None:
    (alert,) = read(payload("splunk", "detector_firing") | change, RECEIVED_AT)
    assert (alert.status, alert.labels.get("sender_status")) == (status, said)
    assert (alert.namespace, alert.metrics) == ("shop", {"latency.p99": 2.7})


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"rule": None, "detector": ""}, "rule"),
        ({"status": "odd", "statusExtended": None}, "status"),
        ({"statusExtended": "odd"}, "statusExtended"),
        ({"inputs": []}, "inputs"),
        ({"dimensions": 7}, "dimensions"),
        ({"timestamp": "noon"}, "timestamp"),
    ],
    ids=str,
)
def test_what_is_wrong_with_a_detectors_alert_is_named(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadPayload) as refused:
        read(payload("splunk", "detector_firing") | change, RECEIVED_AT)
    assert refused.value.field == field

from __future__ import annotations

from typing import Any

import pytest

from connectors.alerts.sources.elastic import detects, read
from schemas.errors import BadPayload
from tests.connectors.alerts.payloads import RECEIVED_AT, gist, payload


@pytest.mark.parametrize(
    ("name", "expected", "said"),
    [
        ("firing", ("Checkout latency", "warning", "firing", "checkout", "service"), None),
        ("resolved", ("Checkout latency", "warning", "resolved", "checkout", "service"), None),
        ("document_firing", ("Host memory", "critical", "firing", "node-3", "node"), None),
        ("document_resolved", ("Host memory", "critical", "resolved", "node-3", "node"), None),
        ("acknowledged", ("Host memory", "critical", "firing", "db-3", "host"), "acknowledged"),
        ("flat_names", ("Index lag", "warning", "firing", "ingest-1", "host"), None),
        ("detection_engine", ("Unusual process", "warning", "firing", "shop-web-2", "host"), None),
        ("watcher", ("Disk watermark", "warning", "firing", None, None), None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_form(name: str, expected: tuple[str | None, ...], said: str | None) -> None:
    (alert,) = read(payload("elastic", name), RECEIVED_AT)
    assert gist(alert) == expected
    assert (alert.labels.get("sender_status"), alert.source) == (said, "elastic")


@pytest.mark.parametrize("body", [{}, {"rule": {"name": None}}, {"rule": {"name": []}, "alert": 7}], ids=str)
def test_a_body_that_names_no_rule_is_refused(body: Any) -> None:
    with pytest.raises(BadPayload) as refused:
        read(body, RECEIVED_AT)
    assert refused.value.field == "rule.name"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"alertName": "x", "alertActionGroup": "recovered"}, "resolved"),
        ({"alertName": "x", "alertActionGroupName": "Recovered"}, "resolved"),
        ({"ruleName": "x", "status": "OK"}, "resolved"),
        ({"ruleName": "x", "eventType": "alert_recovered"}, "resolved"),
        ({"rule_name": "x", "state": "alert"}, "firing"),
        ({"rule": {"name": "x"}, "event": {"action": "recovered-instance"}}, "resolved"),
        ({"signal": {"rule": {"name": "x"}, "status": "closed"}}, "resolved"),
        ({"ruleName": "x"}, "firing"),
    ],
    ids=str,
)
def test_one_word_that_says_over_is_enough(body: dict[str, Any], status: str) -> None:
    (alert,) = read(body, RECEIVED_AT)
    assert (alert.alert_type, alert.status) == ("x", status)


@pytest.mark.parametrize(
    ("body", "severity"),
    [
        ({"metadata": {"severity": "critical"}}, "critical"),
        ({"ctx": {"metadata": {"severity": "low"}}}, "info"),
        ({"priority": "high"}, "critical"),
        ({}, "warning"),
    ],
    ids=str,
)
def test_a_watch_says_how_bad_it_is_in_its_metadata(body: dict[str, Any], severity: str) -> None:
    assert read({"watch_id": "x", **body}, RECEIVED_AT)[0].severity == severity


def test_numbers_of_the_context_are_metrics_and_the_beginning_is_kept() -> None:
    (alert,) = read(payload("elastic", "flat_names"), RECEIVED_AT)
    assert (alert.metrics, alert.labels["host.name"]) == ({"value": 12034}, "ingest-1")
    (ended,) = read(payload("elastic", "document_resolved"), RECEIVED_AT)
    assert (ended.fired_at, ended.ends_at) == (1_772_366_400_000, 1_772_366_700_000)


@pytest.mark.parametrize(
    "other",
    [
        {"ruleName": "x", "ruleId": 1, "state": "alerting", "evalMatches": []},
        {"rule": "Terminal shell", "priority": "Notice", "output": "x"},
        {"alertName": "x", "title": "y"},
    ],
    ids=["grafana", "falco", "a name alone"],
)
def test_what_only_has_a_rule_is_not_elastics(other: dict[str, Any]) -> None:
    assert not detects(other)

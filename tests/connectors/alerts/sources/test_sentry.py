from __future__ import annotations

from typing import Any

import pytest

from connectors.alerts.sources.sentry import read
from schemas.errors import BadPayload, NoAlert
from tests.connectors.alerts.payloads import RECEIVED_AT, gist, payload

PAYMENT = ("PaymentError: card declined by gateway", "critical", "firing", "checkout", "service")
METRIC = ("Too many errors", "critical", "firing", "checkout", "service")


@pytest.mark.parametrize(
    ("name", "expected", "said"),
    [
        ("firing", PAYMENT, None),
        ("relayed", PAYMENT, None),
        ("resolved", (*PAYMENT[:2], "resolved", *PAYMENT[3:]), None),
        ("ignored", PAYMENT, "muted"),
        ("assigned", (PAYMENT[0], "warning", *PAYMENT[2:]), "assigned"),
        ("event", PAYMENT, None),
        ("error", (PAYMENT[0], "info", *PAYMENT[2:]), None),
        ("metric_firing", METRIC, None),
        ("metric_warning", (METRIC[0], "warning", *METRIC[2:]), None),
        ("metric_resolved", (METRIC[0], "warning", "resolved", *METRIC[3:]), None),
        ("plugin", ("Order failed", "critical", "firing", "web", "service"), None),
        ("plugin_without_event", ("The mail server is gone", "critical", "firing", "mail", "service"), None),
        ("plugin_without_title", ("The mail queue is slow", "warning", "firing", "mail", "service"), None),
    ],
)
def test_each_form(name: str, expected: tuple[str, ...], said: str | None) -> None:
    (alert,) = read(payload("sentry", name), RECEIVED_AT)
    assert gist(alert) == expected
    assert (alert.labels.get("sender_status"), alert.source) == (said, "sentry")


def test_resolving_an_issue_ends_what_an_event_of_it_began() -> None:
    began, ended = (gist(read(payload("sentry", name), RECEIVED_AT)[0]) for name in ("event", "resolved"))
    assert (began[0], began[3]) == (ended[0], ended[3])


def test_where_an_event_came_from_stays_in_the_labels() -> None:
    (alert,) = read(payload("sentry", "event"), RECEIVED_AT)
    assert (alert.labels["pod"], alert.labels["server_name"]) == ("checkout-7d9f-abcde", "web-1")
    assert alert.labels["triggered_rule"] == "Tell awoooi"


@pytest.mark.parametrize(
    ("level", "severity"),
    [
        ("fatal", "critical"),
        ("error", "critical"),
        ("warning", "warning"),
        ("info", "info"),
        ("debug", "info"),
    ],
)
def test_levels(level: str, severity: str) -> None:
    sent = payload("sentry", "firing")
    sent["data"]["issue"]["level"] = level
    assert read(sent, RECEIVED_AT)[0].severity == severity


@pytest.mark.parametrize("tags", [None, 7, [["a"]], [7], [["a", None]], [{"key": "a"}]])
def test_tags_that_are_none(tags: Any) -> None:
    sent = payload("sentry", "event")
    sent["data"]["event"]["tags"] = tags
    assert "a" not in read(sent, RECEIVED_AT)[0].labels


@pytest.mark.parametrize(
    ("sent", "error", "field"),
    [
        ({"action": "created", "data": {"comment": "x"}}, NoAlert, "data.comment"),
        ({"action": "deleted", "data": {"installation": {}}}, NoAlert, "data.installation"),
        ({"action": "merged", "data": {"issue": {}}}, NoAlert, "action"),
        ({"action": "created", "data": {}}, BadPayload, "data.issue"),
        ({"action": "created", "data": 7}, BadPayload, "data"),
        ({"action": "created", "data": {"issue": {}}}, BadPayload, "data.issue.title"),
        ({"action": "created", "data": {"event": {"title": "x", "url": []}}}, BadPayload, "data.event.url"),
        ({"action": "odd", "data": {"metric_alert": {}}}, BadPayload, "action"),
        ({"action": "critical", "data": {"metric_alert": {}}}, BadPayload, "data.metric_alert.title"),
        ({"message": None}, BadPayload, "title"),
    ],
)
def test_what_is_no_alert_or_cannot_be_read(
    sent: dict[str, Any], error: type[BadPayload], field: str
) -> None:
    with pytest.raises(error) as refused:
        read(sent, RECEIVED_AT)
    assert refused.value.field == field

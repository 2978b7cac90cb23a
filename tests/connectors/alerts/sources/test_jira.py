from __future__ import annotations

from typing import Any

import pytest

from connectors.alerts.sources.jira import read
from schemas.errors import BadPayload, NoAlert
from tests.connectors.alerts.payloads import RECEIVED_AT, gist, payload

QUEUE = ("Orders wait in the queue", "warning", "firing", None, None)
PAYMENTS = ("Payments are declined", "critical", "firing", "payments", "service")


@pytest.mark.parametrize(
    ("source", "name", "expected", "said"),
    [
        ("jira", "firing", QUEUE, None),
        ("jira", "acknowledged", QUEUE, "acknowledged"),
        ("jira", "resolved", (*QUEUE[:2], "resolved", *QUEUE[3:]), None),
        ("jira", "issue_firing", PAYMENTS, None),
        ("jira", "relayed_issue", PAYMENTS, None),
        ("jira", "issue_resolved", (*PAYMENTS[:2], "resolved", *PAYMENTS[3:]), None),
        ("opsgenie", "firing", (QUEUE[0], "critical", "firing", "orders", "deployment"), None),
    ],
)
def test_each_form(source: str, name: str, expected: tuple[str | None, ...], said: str | None) -> None:
    (alert,) = read(payload(source, name), RECEIVED_AT)
    assert gist(alert) == expected
    assert (alert.labels.get("sender_status"), alert.source) == (said, "jira")


@pytest.mark.parametrize(
    ("status", "expected"), [("Done", "resolved"), ("Closed", "resolved"), ("To do", "firing")]
)
def test_a_status_without_its_category(status: str, expected: str) -> None:
    sent = payload("jira", "relayed_issue")
    sent["issue"]["fields"]["status"] = {"name": status}
    assert read(sent, RECEIVED_AT)[0].status == expected


def test_an_issue_that_is_deleted_is_over() -> None:
    (alert,) = read(payload("jira", "issue_firing") | {"webhookEvent": "jira:issue_deleted"}, RECEIVED_AT)
    assert (alert.status, alert.generator_url) == ("resolved", "https://shop.example.net/browse/OPS-7")


@pytest.mark.parametrize(
    ("change", "error", "field"),
    [
        ({"webhookEvent": "comment_created"}, NoAlert, "webhookEvent"),
        ({"webhookEvent": None, "comment": {}}, NoAlert, "comment"),
        ({"issue": 7}, BadPayload, "issue"),
        ({"issue": {"fields": {}}}, BadPayload, "issue.fields.summary"),
        ({"issue": {"fields": {"summary": "x", "status": []}}}, BadPayload, "issue.fields.status"),
        ({"issue": {"fields": {"summary": "x", "components": [7]}}}, BadPayload, "issue.fields.components.0"),
    ],
)
def test_what_is_no_alert_or_cannot_be_read(
    change: dict[str, Any], error: type[BadPayload], field: str
) -> None:
    with pytest.raises(error) as refused:
        read(payload("jira", "issue_firing") | change, RECEIVED_AT)
    assert refused.value.field == field

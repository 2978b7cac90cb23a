from __future__ import annotations

from typing import Any

import pytest

from connectors.alerts.sources.cloudevents import read
from schemas.errors import BadPayload, NoAlert
from tests.connectors.alerts.payloads import RECEIVED_AT, gist, payload


@pytest.mark.parametrize(
    ("name", "expected", "said"),
    [
        ("firing", ("com.shop.queue.alert.v1", "critical", "firing", "invoice-worker", "deployment"), None),
        (
            "resolved",
            ("com.shop.queue.alert.v1", "critical", "resolved", "invoice-worker", "deployment"),
            None,
        ),
        ("text_inside", ("shop.alarm", "warning", "firing", "back-door", None), None),
        ("base64", ("com.shop.incident", "warning", "firing", "/shop", None), "acknowledged"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_form(name: str, expected: tuple[str | None, ...], said: str | None) -> None:
    (alert,) = read(payload("cloudevents", name), RECEIVED_AT)
    assert gist(alert) == expected
    assert (alert.labels.get("sender_status"), alert.source) == (said, "cloudevents")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"type": None}, "type"),
        ({"source": 7}, "source"),
        ({"type": "com.shop.order.placed"}, "type"),
        ({"time": "x"}, "time"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_refused_by_its_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadPayload) as refused:
        read(payload("cloudevents", "firing") | change, RECEIVED_AT)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("kind", "name", "status"),
    [
        ("com.shop.alert.fired", "com.shop.alert", "firing"),
        ("com.shop.alert.resolved", "com.shop.alert", "resolved"),
        ("com.shop.AlertTriggered", "com.shop.Alert", "firing"),
        ("com.shop.AlertResolved", "com.shop.Alert", "resolved"),
        ("com.shop.incident_closed.v2", "com.shop.incident.v2", "resolved"),
        ("alert", "alert", "firing"),
    ],
)
def test_the_type_names_the_alert_without_its_state(kind: str, name: str, status: str) -> None:
    (alert,) = read(payload("cloudevents", "text_inside") | {"type": kind}, RECEIVED_AT)
    assert (alert.alert_type, alert.status) == (name, status)


def test_a_list_is_read_one_by_one() -> None:
    both = [payload("cloudevents", "firing"), payload("cloudevents", "text_inside")]
    assert [alert.alert_type for alert in read(both, RECEIVED_AT)] == [
        "com.shop.queue.alert.v1",
        "shop.alarm",
    ]
    with pytest.raises(BadPayload) as refused:
        read([*both, {"type": "x"}], RECEIVED_AT)
    assert refused.value.field == "2.source"


def test_what_is_no_alert_says_so() -> None:
    with pytest.raises(NoAlert, match="no source reads what is inside"):
        read(payload("cloudevents", "firing") | {"type": "com.shop.order.placed"}, RECEIVED_AT)

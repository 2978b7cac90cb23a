from __future__ import annotations

from typing import Any

import pytest

from connectors.alerts.sources.graylog import read
from schemas.errors import BadPayload, NoAlert
from tests.connectors.alerts.payloads import RECEIVED_AT, gist, payload


@pytest.mark.parametrize(
    ("name", "expected", "said"),
    [
        ("event", ("Refused payments", "critical", "firing", "checkout", "service"), None),
        ("backlog", ("Root log-in", "warning", "firing", "web-1", "host"), None),
        ("callback_firing", ("Many refusals", "warning", "firing", "web-1", "host"), None),
        ("callback_resolved", ("Many refusals", "warning", "resolved", "web-1", "host"), None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_form(name: str, expected: tuple[str | None, ...], said: str | None) -> None:
    (alert,) = read(payload("graylog", name), RECEIVED_AT)
    assert gist(alert) == expected
    assert (alert.labels.get("sender_status"), alert.source) == (said, "graylog")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"event_definition_title": None, "event_definition_id": None}, "event_definition_title"),
        ({"event": []}, "event"),
        ({"event": {"fields": 7}}, "event.fields"),
        ({"event": {"timestamp": "x"}}, "event.timestamp"),
        ({"check_result": 7}, "check_result"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_refused_by_its_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadPayload) as refused:
        read(payload("graylog", "event") | change, RECEIVED_AT)
    assert refused.value.field == field


@pytest.mark.parametrize(
    "body",
    [
        {"event_definition_id": "NotificationTestId", "event_definition_title": "x", "event": {}},
        {"event_definition_id": "x", "event_definition_type": "test-dummy-v1", "event": {}},
        {"check_result": {"triggered_condition": {"type": "dummy"}}, "stream": {"title": "x"}},
    ],
    ids=["id", "type", "callback"],
)
def test_the_test_button_is_no_alert(body: dict[str, Any]) -> None:
    with pytest.raises(NoAlert):
        read(body, RECEIVED_AT)


@pytest.mark.parametrize(
    ("priority", "severity"),
    [(1, "info"), (2, "warning"), (3, "critical"), (4, "critical"), (None, "warning")],
)
def test_priorities(priority: int | None, severity: str) -> None:
    body = payload("graylog", "event")
    body["event"]["priority"] = priority
    assert read(body, RECEIVED_AT)[0].severity == severity


def test_without_a_stream_of_its_own_name_the_condition_names_the_callback() -> None:
    body = payload("graylog", "callback_firing")
    del body["check_result"]["triggered_condition"]["title"]
    assert read(body, RECEIVED_AT)[0].alert_type == "Payments"

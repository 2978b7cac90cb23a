from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connectors.alerts.sources.pagerduty import read
from schemas.errors import BadPayload, NoAlert
from tests.connectors.alerts.payloads import RECEIVED_AT, gist, payload

CHECKOUT = ("Checkout answers with errors", "critical", "firing", "checkout", "service")
DATABASE = ("Database is slow", "warning", "firing", "orders-db", "statefulset")
DISK = ("disk full", "critical", "firing", "db-1.example.org", "host")


def resolved(expected: tuple[str, ...]) -> tuple[str, ...]:
    return (*expected[:2], "resolved", *expected[3:])


@pytest.mark.parametrize(
    ("name", "expected", "said"),
    [
        ("firing", CHECKOUT, None),
        ("resolved", resolved(CHECKOUT), None),
        ("acknowledged", CHECKOUT, "acknowledged"),
        ("escalated", (CHECKOUT[0], "warning", *CHECKOUT[2:]), "escalated"),
        ("relayed", CHECKOUT, None),
        ("version_2_firing", DATABASE, None),
        ("version_2_resolved", resolved(DATABASE), None),
        ("events_firing", DISK, None),
        ("events_resolved", resolved(DISK), None),
    ],
)
def test_each_form(name: str, expected: tuple[str, ...], said: str | None) -> None:
    (alert,) = read(payload("pagerduty", name), RECEIVED_AT)
    assert gist(alert) == expected
    assert alert.labels.get("sender_status") == said
    assert alert.source == "pagerduty"


def test_version_1_brings_several_and_a_note_among_them_takes_none_away() -> None:
    first, second = read(payload("pagerduty", "version_1"), RECEIVED_AT)
    assert gist(first) == ("Mail queue grows", "warning", "firing", "mail", "service")
    assert gist(second) == resolved(gist(first))  # type: ignore[arg-type]  # both have a resource
    assert first.labels["sender_status"] == "acknowledged"


@pytest.mark.parametrize(
    ("kind", "data", "field"),
    [
        ("pagey.ping", {"message": "Hello"}, "event.event_type"),
        ("incident.annotated", {"type": "incident_note"}, "event.event_type"),
        ("incident.responder.added", {"type": "incident_responder"}, "event.event_type"),
        ("service.updated", {"type": "service"}, "event.event_type"),
        ("incident.acknowledged", {"type": "incident_note"}, "event.data.type"),
    ],
)
def test_what_is_about_people_is_no_alert(kind: str, data: dict[str, Any], field: str) -> None:
    with pytest.raises(NoAlert) as told:
        read({"event": {"event_type": kind, "resource_type": "x", "data": data}}, RECEIVED_AT)
    assert told.value.field == field


@pytest.mark.parametrize("written", ["annotation", "status_update"])
def test_what_a_relay_tells_of_people_is_no_alert(written: str) -> None:
    with pytest.raises(NoAlert) as told:
        read(payload("pagerduty", "relayed") | {written: {}}, RECEIVED_AT)
    assert told.value.field == written


@pytest.mark.parametrize(
    "where",
    [lambda body: {"body": body}, lambda body: {"alerts": [{"body": body}]}],
    ids=["incident", "alert"],
)
def test_details_that_come_along_say_what_it_is_about(where: Callable[[Any], dict[str, Any]]) -> None:
    sent = payload("pagerduty", "firing")
    sent["event"]["data"] |= where({"details": {"pod": "cart-1", "namespace": "shop"}})
    (alert,) = read(sent, RECEIVED_AT)
    assert (alert.target_resource, alert.resource_type, alert.namespace) == ("cart-1", "pod", "shop")


@pytest.mark.parametrize(
    ("priority", "urgency", "severity"),
    [
        ({"summary": "P1"}, "low", "critical"),
        ({"summary": "SEV-2"}, "high", "warning"),
        ({"name": "P5"}, "high", "info"),
        ({"name": "Major"}, "low", "critical"),
        ({"name": "Medium"}, "high", "warning"),
        (None, "high", "critical"),
        (None, "low", "warning"),
        (None, None, "warning"),
    ],
)
def test_a_priority_says_more_than_the_urgency(priority: Any, urgency: str | None, severity: str) -> None:
    sent = payload("pagerduty", "firing")
    sent["event"]["data"] |= {"priority": priority, "urgency": urgency}
    assert read(sent, RECEIVED_AT)[0].severity == severity


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({}, "event"),
        ({"event": {}}, "event.event_type"),
        ({"event": {"event_type": "incident.triggered", "data": {"type": [[]]}}}, "event.data.type"),
        ({"event": {"event_type": "incident.triggered", "data": {"body": 7}}}, "event.data.summary"),
        (
            {"event": {"event_type": "incident.triggered", "data": {"title": "x", "body": 7}}},
            "event.data.body",
        ),
        ({"messages": [{"event": "incident.trigger", "incident": 7}]}, "messages.0.incident"),
        (
            {"messages": [{"type": "incident.trigger", "data": {"incident": {}}}]},
            "messages.0.data.incident.summary",
        ),
        ({"event_action": "explode"}, "event_action"),
        ({"event_action": "trigger", "payload": {}}, "payload.summary"),
    ],
)
def test_what_cannot_be_read_names_its_field(sent: dict[str, Any], field: str) -> None:
    with pytest.raises(BadPayload) as refused:
        read(sent, RECEIVED_AT)
    assert refused.value.field == field

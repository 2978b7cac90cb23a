from __future__ import annotations

from typing import Any

import pytest

from connectors.alerts.sources.opsgenie import read
from schemas.errors import BadPayload, NoAlert
from tests.connectors.alerts.payloads import RECEIVED_AT, gist, payload

QUEUE = "Orders wait in the queue"


@pytest.mark.parametrize(
    ("name", "expected", "said"),
    [
        ("firing", (QUEUE, "critical", "firing", "orders", "deployment"), None),
        ("resolved", (QUEUE, "critical", "resolved", "orders", "deployment"), None),
        ("acknowledged", (QUEUE, "warning", "firing", "orders-queue", None), "acknowledged"),
        ("snoozed", (QUEUE, "warning", "firing", "orders-queue", None), "snoozed"),
        ("deleted", (QUEUE, "warning", "resolved", "orders-queue", None), None),
    ],
)
def test_each_form(name: str, expected: tuple[str | None, ...], said: str | None) -> None:
    (alert,) = read(payload("opsgenie", name), RECEIVED_AT)
    assert gist(alert) == expected
    assert (alert.labels.get("sender_status"), alert.source) == (said, "opsgenie")


@pytest.mark.parametrize(
    ("action", "status", "said"),
    [
        ("UnAcknowledge", "firing", None),
        ("Escalate", "firing", "escalated"),
        ("AssignOwnership", "firing", "assigned"),
        ("TakeOwnership", "firing", "assigned"),
        ("UpdatePriority", "firing", "updated"),
        ("SnoozeEnded", "firing", None),
        ("Close", "resolved", None),
    ],
)
def test_what_was_done_to_an_alert(action: str, status: str, said: str | None) -> None:
    (alert,) = read(payload("opsgenie", "firing") | {"action": action}, RECEIVED_AT)
    assert (alert.status, alert.labels.get("sender_status")) == (status, said)


@pytest.mark.parametrize(
    "action", ["AddNote", "AddTags", "RemoveTags", "AddRecipient", "AddTeam", "Restart all"]
)
def test_what_leaves_its_state_alone_is_no_alert(action: str) -> None:
    with pytest.raises(NoAlert) as told:
        read(payload("opsgenie", "firing") | {"action": action}, RECEIVED_AT)
    assert told.value.field == "action"


def test_an_escalation_that_names_no_alert_is_none() -> None:
    with pytest.raises(NoAlert, match="escalation"):
        read({"action": "Escalate", "alert": {"alertId": "1"}, "escalationName": "night"}, RECEIVED_AT)


@pytest.mark.parametrize(
    ("priority", "severity"),
    [("P1", "critical"), ("P2", "warning"), (3, "warning"), ("P5", "info"), (None, "warning")],
)
def test_a_priority_is_a_severity(priority: Any, severity: str) -> None:
    sent = payload("opsgenie", "firing")
    sent["alert"]["priority"] = priority
    assert read(sent, RECEIVED_AT)[0].severity == severity


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"action": None}, "action"),
        ({"alert": 7}, "alert"),
        ({"alert": {"message": " "}}, "alert.message"),
        ({"alert": {"message": "x", "createdAt": "soon"}}, "alert.createdAt"),
        ({"alert": {"message": "x", "tags": 7}}, "alert.tags"),
    ],
)
def test_what_cannot_be_read_names_its_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadPayload) as refused:
        read(payload("opsgenie", "firing") | change, RECEIVED_AT)
    assert refused.value.field == field

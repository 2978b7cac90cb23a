from __future__ import annotations

from typing import Any

import pytest

from connectors.alerts.sources.newrelic import read
from schemas.errors import BadPayload, NoAlert
from tests.connectors.alerts.payloads import RECEIVED_AT, gist, payload

CHECKOUT = ("Checkout errors", "critical", "firing", "checkout", None)
DISK = ("Disk is nearly full", "critical", "firing", "db-1", "host")
QUEUE = ("Queue length", "warning", "firing", None, None)


def resolved(expected: tuple[str | None, ...]) -> tuple[str | None, ...]:
    return (*expected[:2], "resolved", *expected[3:])


@pytest.mark.parametrize(
    ("name", "expected", "said"),
    [
        ("firing", CHECKOUT, None),
        ("resolved", resolved(CHECKOUT), None),
        ("acknowledged", (CHECKOUT[0], "warning", *CHECKOUT[2:]), "acknowledged"),
        ("issue", ("Host memory", "warning", "firing", None, None), None),
        ("incident_firing", DISK, None),
        ("incident_resolved", resolved(DISK), None),
        ("template_firing", QUEUE, None),
        ("template_resolved", resolved(QUEUE), None),
    ],
)
def test_each_form(name: str, expected: tuple[str | None, ...], said: str | None) -> None:
    (alert,) = read(payload("newrelic", name), RECEIVED_AT)
    assert gist(alert) == expected
    assert (alert.labels.get("sender_status"), alert.source) == (said, "newrelic")


@pytest.mark.parametrize(
    ("change", "severity"),
    [
        ({"priority": "CRITICAL"}, "critical"),
        ({"priority": "HIGH"}, "warning"),
        ({"priority": "MEDIUM"}, "warning"),
        ({"priority": "LOW"}, "info"),
        ({"priority": None, "severity": "WARNING"}, "warning"),
        ({"priority": None}, "warning"),
    ],
)
def test_high_is_what_a_warning_threshold_makes(change: dict[str, Any], severity: str) -> None:
    assert read(payload("newrelic", "firing") | change, RECEIVED_AT)[0].severity == severity


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"state": None}, "firing"),
        ({"state": None, "closedAt": 1772396171000}, "resolved"),
        ({"state": "created"}, "firing"),
    ],
)
def test_a_template_may_leave_the_state_out(change: dict[str, Any], status: str) -> None:
    assert read(payload("newrelic", "firing") | change, RECEIVED_AT)[0].status == status


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"mutingState": "FULLY_MUTED"}, "muted"),
        ({"mutingState": "NOT_MUTED"}, None),
        ({"mutingState": "FULLY_MUTED", "state": "CLOSED"}, None),
    ],
)
def test_what_is_muted_goes_on(change: dict[str, Any], said: str | None) -> None:
    (alert,) = read(payload("newrelic", "firing") | change, RECEIVED_AT)
    assert alert.labels.get("sender_status") == said


def test_a_test_is_no_alert() -> None:
    with pytest.raises(NoAlert) as told:
        read(payload("newrelic", "incident_firing") | {"event_type": "NOTIFICATION"}, RECEIVED_AT)
    assert told.value.field == "event_type"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"state": "odd"}, "state"),
        ({"alertConditionNames": None, "title": None}, "conditionName"),
        ({"alertConditionNames": [{"a": 1}]}, "alertConditionNames"),
        ({"createdAt": "malformed"}, "createdAt"),
        ({"createdAt": -1}, "createdAt"),
        ({"targets": 7}, "targets"),
        ({"targets": [{"labels": 7}]}, "targets.0.labels"),
    ],
)
def test_what_cannot_be_read_names_its_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadPayload) as refused:
        read(payload("newrelic", "firing") | change, RECEIVED_AT)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("trigger", "state", "said"),
    [
        ("ACKNOWLEDGE", "ACTIVATED", "acknowledged"),
        ("STATE_CHANGE", "ACTIVATED", None),
        ("ACKNOWLEDGE", "CLOSED", None),
    ],
)
def test_an_issue_may_say_in_its_trigger_that_somebody_took_it(
    trigger: str, state: str, said: str | None
) -> None:
    (alert,) = read(payload("newrelic", "issue") | {"trigger": trigger, "state": state}, RECEIVED_AT)
    assert alert.labels.get("sender_status") == said

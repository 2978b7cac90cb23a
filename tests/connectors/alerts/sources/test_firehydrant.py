from __future__ import annotations

from typing import Any

import pytest

from connectors.alerts.sources.firehydrant import read
from schemas.errors import BadPayload, NoAlert
from tests.connectors.alerts.payloads import RECEIVED_AT, gist, payload


@pytest.mark.parametrize(
    ("name", "expected", "said"),
    [
        ("firing", ("Card payments fail", "critical", "firing", "payments-api", "service"), None),
        ("resolved", ("Card payments fail", "critical", "resolved", "payments-api", "service"), None),
        ("relayed", ("Card payments fail", "warning", "firing", None, None), "mitigated"),
        ("bare", ("Search is slow", "warning", "firing", "search", "service"), None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_form(name: str, expected: tuple[str | None, ...], said: str | None) -> None:
    (alert,) = read(payload("firehydrant", name), RECEIVED_AT)
    assert gist(alert) == expected
    assert (alert.labels.get("sender_status"), alert.source) == (said, "firehydrant")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"data": {"incident": []}}, "data.incident"),
        ({"data": {"incident": {"severity": "SEV1"}}}, "data.incident.name"),
        ({"data": {"incident": {"name": "x", "impacts": 7}}}, "data.incident.impacts"),
        ({"data": {"incident": {"name": "x", "started_at": "then"}}}, "data.incident.started_at"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_refused_by_its_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadPayload) as refused:
        read(payload("firehydrant", "firing") | change, RECEIVED_AT)
    assert refused.value.field == field


def test_what_tells_of_no_incident_is_no_alert() -> None:
    event = {"operation": "CREATED", "resource_type": "change_event"}
    with pytest.raises(NoAlert):
        read({"data": {"change_event": {"summary": "v2 is out"}}, "event": event}, RECEIVED_AT)


@pytest.mark.parametrize(
    ("milestone", "operation", "status"),
    [
        ("started", "CREATED", "firing"),
        ("acknowledged", "UPDATED", "firing"),
        ("mitigated", "UPDATED", "firing"),
        ("resolved", "UPDATED", "resolved"),
        ("postmortem_started", "UPDATED", "resolved"),
        ("closed", "UPDATED", "resolved"),
        ("started", "DELETED", "resolved"),
    ],
)
def test_milestones(milestone: str, operation: str, status: str) -> None:
    body = payload("firehydrant", "firing")
    body["data"]["incident"]["current_milestone"] = milestone
    body["event"]["operation"] = operation
    (alert,) = read(body, RECEIVED_AT)
    assert alert.status == status
    assert alert.labels.get("sender_status") == (
        milestone if milestone in {"acknowledged", "mitigated"} else None
    )


@pytest.mark.parametrize(
    ("told", "severity"),
    [
        ({"severity": "UNSET", "priority": "P1"}, "critical"),
        ({"severity": "UNSET", "priority": "UNSET"}, "warning"),
        ({"severity": None, "priority": None}, "warning"),
        ({"severity": "SEV5", "priority": "P1"}, "info"),
    ],
    ids=str,
)
def test_a_severity_that_nobody_set_is_none(told: dict[str, Any], severity: str) -> None:
    body = payload("firehydrant", "firing")
    body["data"]["incident"] |= told
    assert read(body, RECEIVED_AT)[0].severity == severity

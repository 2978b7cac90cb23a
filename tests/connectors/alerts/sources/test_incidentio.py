from __future__ import annotations

from typing import Any

import pytest

from connectors.alerts.identity import Fingerprints, Identity
from connectors.alerts.sources.incidentio import read
from schemas.errors import BadPayload, NoAlert
from tests.connectors.alerts.payloads import RECEIVED_AT, gist, payload


@pytest.mark.parametrize(
    ("name", "expected", "said"),
    [
        ("firing", ("Checkout is down", "critical", "firing", "checkout", "service"), None),
        ("resolved", ("Checkout is down", "critical", "resolved", "checkout", "service"), None),
        ("relayed", ("Checkout is down", "warning", "firing", "checkout", "service"), None),
        ("alert_firing", ("Orders per minute", "critical", "firing", "checkout", "service"), None),
        ("alert_resolved", ("Orders per minute", "critical", "resolved", "checkout", "service"), None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_form(name: str, expected: tuple[str | None, ...], said: str | None) -> None:
    (alert,) = read(payload("incidentio", name), RECEIVED_AT)
    assert gist(alert) == expected
    assert (alert.labels.get("sender_status"), alert.source) == (said, "incidentio")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"event_type": None}, "event_type"),
        ({"public_incident.incident_created_v2": None}, "public_incident.incident_created_v2"),
        (
            {"public_incident.incident_created_v2": {"name": 7.5, "severity": []}},
            "public_incident.incident_created_v2.severity",
        ),
        (
            {"public_incident.incident_created_v2": {"summary": "x"}},
            "public_incident.incident_created_v2.name",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_refused_by_its_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadPayload) as refused:
        read(payload("incidentio", "firing") | change, RECEIVED_AT)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("event", "content"),
    [
        ("public_incident.follow_up_created_v2", {"id": "1", "title": "Write it down"}),
        ("public_incident.action_created_v1", {"id": "1"}),
        ("private_incident.membership_granted_v1", {"actor": {}}),
        ("private_incident.incident_created_v2", {"id": "1"}),
    ],
)
def test_what_else_it_tells_of_is_no_alert(event: str, content: dict[str, Any]) -> None:
    with pytest.raises(NoAlert):
        read({"event_type": event, event: content}, RECEIVED_AT)


@pytest.mark.parametrize("mode", ["test", "tutorial"])
def test_an_incident_for_practice_is_no_alert(mode: str) -> None:
    body = payload("incidentio", "relayed")
    body["incident"]["mode"] = mode
    with pytest.raises(NoAlert):
        read(body, RECEIVED_AT)


@pytest.mark.parametrize(
    ("state", "status", "said"),
    [
        ({"category": "triage", "name": "Triage"}, "firing", None),
        ({"category": "active", "name": "Fixing"}, "firing", None),
        ({"category": "post-incident", "name": "Documenting"}, "resolved", None),
        ({"category": "learning"}, "resolved", None),
        ({"category": "declined"}, "resolved", None),
        ({"category": "merged"}, "resolved", None),
        ({"category": "canceled"}, "resolved", None),
        ({"category": "paused"}, "firing", "paused"),
        ({"name": "Closed"}, "resolved", None),
        ("investigating", "firing", None),
        (None, "firing", None),
    ],
    ids=str,
)
def test_where_an_incident_stands(state: Any, status: str, said: str | None) -> None:
    body = payload("incidentio", "relayed")
    body["incident"]["incident_status"] = state
    (alert,) = read(body, RECEIVED_AT)
    assert (alert.status, alert.labels.get("sender_status")) == (status, said)


def test_by_its_id_a_renamed_incident_is_the_same() -> None:
    changed = payload("incidentio", "relayed")
    changed["incident"] |= {"name": "Checkout answers slowly", "custom_field_entries": []}
    before, after = read(payload("incidentio", "firing"), RECEIVED_AT)[0], read(changed, RECEIVED_AT)[0]
    assert Fingerprints(Identity()).of(before) != Fingerprints(Identity()).of(after)
    by_id = Fingerprints(Identity(by_source={"incidentio": ("labels.sender_fingerprint",)}))
    assert by_id.of(before) == by_id.of(after)

from __future__ import annotations

from typing import Any

import pytest

from connectors.alerts.sources.cdevents import read
from schemas.errors import BadPayload, NoAlert
from tests.connectors.alerts.payloads import RECEIVED_AT, gist, payload


@pytest.mark.parametrize(
    ("name", "expected", "said"),
    [
        ("firing", ("incident-81", "critical", "firing", "checkout", "service"), None),
        ("resolved", ("incident-81", "critical", "resolved", "checkout", "service"), None),
        ("reported_without_service", ("incident-82", "warning", "firing", None, None), None),
        ("in_a_cloudevent", ("incident-81", "critical", "firing", "checkout", "service"), None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_form(name: str, expected: tuple[str | None, ...], said: str | None) -> None:
    (alert,) = read(payload("cdevents", name), RECEIVED_AT)
    assert gist(alert) == expected
    assert (alert.labels.get("sender_status"), alert.source) == (said, "cdevents")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"context": None}, "context.type"),
        ({"context": {"type": "x"}}, "context.type"),
        ({"context": {"type": "dev.cdevents.incident.odd.0.1.0"}}, "context.type"),
        ({"subject": {}}, "subject.id"),
        ({"subject": {"id": "1", "content": []}}, "subject.content"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_refused_by_its_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadPayload) as refused:
        read(payload("cdevents", "firing") | change, RECEIVED_AT)
    assert refused.value.field == field


def test_what_is_no_incident_is_no_alert() -> None:
    with pytest.raises(NoAlert, match="tells of a build"):
        read({"context": {"type": "dev.cdevents.build.finished.0.2.0"}, "subject": {"id": "1"}}, RECEIVED_AT)


def test_a_cloudevent_without_one_inside_is_refused() -> None:
    with pytest.raises(BadPayload) as refused:
        read(payload("cdevents", "in_a_cloudevent") | {"data": "x"}, RECEIVED_AT)
    assert refused.value.field == "context"

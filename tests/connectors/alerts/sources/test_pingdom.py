from __future__ import annotations

from typing import Any

import pytest

from connectors.alerts.sources.pingdom import read
from schemas.errors import BadPayload
from tests.connectors.alerts.payloads import RECEIVED_AT, gist, payload


@pytest.mark.parametrize(
    ("name", "expected", "said"),
    [
        ("firing", ("Shop front page", "critical", "firing", "shop.example", "host"), None),
        ("resolved", ("Shop front page", "critical", "resolved", "shop.example", "host"), None),
        ("transaction", ("Buy a book", "warning", "firing", None, None), None),
        ("ping_without_importance", ("db-1", "critical", "firing", "db-1.shop.example", "host"), None),
        ("incident_firing", ("db-1", "critical", "firing", "db-1.shop.example", "host"), None),
        ("incident_resolved", ("db-1", "info", "resolved", "db-1.shop.example", "host"), None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_form(name: str, expected: tuple[str | None, ...], said: str | None) -> None:
    (alert,) = read(payload("pingdom", name), RECEIVED_AT)
    assert gist(alert) == expected
    assert (alert.labels.get("sender_status"), alert.source) == (said, "pingdom")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"current_state": "ASLEEP"}, "current_state"),
        ({"current_state": None}, "current_state"),
        ({"check_name": None}, "check_name"),
        ({"check_params": []}, "check_params"),
        ({"state_changed_timestamp": "soon"}, "state_changed_timestamp"),
        ({"action": "wait"}, "action"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_refused_by_its_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadPayload) as refused:
        read(payload("pingdom", "firing") | change, RECEIVED_AT)
    assert refused.value.field == field


def test_times_and_labels() -> None:
    (alert,) = read(payload("pingdom", "ping_without_importance"), RECEIVED_AT)
    assert alert.fired_at == 1_772_366_400_000  # no zone is UTC
    (alert,) = read(payload("pingdom", "firing"), RECEIVED_AT)
    assert (alert.labels["team"], alert.labels["tags"], alert.labels["location"]) == (
        "web",
        "shop",
        "Amsterdam 5, Netherlands",
    )

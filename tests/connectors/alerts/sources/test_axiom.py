from __future__ import annotations

from typing import Any

import pytest

from connectors.alerts.sources.axiom import read
from schemas.errors import BadPayload
from tests.connectors.alerts.payloads import RECEIVED_AT, gist, payload


@pytest.mark.parametrize(
    ("name", "expected", "said"),
    [
        ("firing", ("Cart errors", "warning", "firing", "cart-7d9f8b6c4-xkp2q", "pod"), None),
        ("resolved", ("Cart errors", "warning", "resolved", "cart-7d9f8b6c4-xkp2q", "pod"), None),
        ("match", ("Panic in the log", "critical", "firing", "cart", "service"), None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_form(name: str, expected: tuple[str | None, ...], said: str | None) -> None:
    (alert,) = read(payload("axiom", name), RECEIVED_AT)
    assert gist(alert) == expected
    assert (alert.labels.get("sender_status"), alert.source) == (said, "axiom")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"action": "Wait"}, "action"),
        ({"action": None}, "action"),
        ({"event": None}, "event"),
        ({"event": {}}, "event.title"),
        ({"event": {"title": "x", "timestamp": "y"}}, "event.timestamp"),
        ({"event": {"title": "x", "matchedEvent": [1]}}, "event.matchedEvent"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_refused_by_its_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadPayload) as refused:
        read(payload("axiom", "firing") | change, RECEIVED_AT)
    assert refused.value.field == field


def test_times_are_gos_and_the_value_is_a_metric() -> None:
    (alert,) = read(payload("axiom", "resolved"), RECEIVED_AT)
    assert (alert.ends_at, alert.metrics, alert.namespace) == (1_772_367_600_000, {"value": 2}, "shop")

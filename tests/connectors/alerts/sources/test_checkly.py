from __future__ import annotations

from typing import Any

import pytest

from connectors.alerts.sources.checkly import read
from schemas.errors import BadPayload
from tests.connectors.alerts.payloads import RECEIVED_AT, gist, payload


@pytest.mark.parametrize(
    ("name", "expected", "said"),
    [
        ("firing", ("Cart API", "critical", "firing", "cart", "service"), None),
        ("resolved", ("Cart API", "info", "resolved", "cart", "service"), None),
        ("degraded", ("Cart API", "warning", "firing", None, None), None),
        ("certificate", ("Shop", "warning", "firing", "shop.example", "host"), None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_form(name: str, expected: tuple[str | None, ...], said: str | None) -> None:
    (alert,) = read(payload("checkly", name), RECEIVED_AT)
    assert gist(alert) == expected
    assert (alert.labels.get("sender_status"), alert.source) == (said, "checkly")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"alert_type": "ALERT_ODD"}, "alert_type"),
        ({"alert_type": None}, "alert_type"),
        ({"check_name": {}}, "check_name"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_refused_by_its_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadPayload) as refused:
        read(payload("checkly", "firing") | change, RECEIVED_AT)
    assert refused.value.field == field


def test_numbers_are_metrics() -> None:
    (alert,) = read(payload("checkly", "firing"), RECEIVED_AT)
    assert alert.metrics == {"response_time_ms": 1210, "status_code": 500}
    assert alert.message == "AssertionError: status code 500 is not 200"

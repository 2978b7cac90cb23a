from __future__ import annotations

from typing import Any

import pytest

from connectors.alerts.sources.statuscake import read
from schemas.errors import BadPayload
from tests.connectors.alerts.payloads import RECEIVED_AT, gist, payload


@pytest.mark.parametrize(
    ("name", "expected", "said"),
    [
        ("firing", ("Shop checkout", "critical", "firing", "shop.example", "host"), None),
        ("resolved", ("Shop checkout", "info", "resolved", "shop.example", "host"), None),
        ("address_only", ("db-1", "critical", "firing", "192.0.2.12", "host"), None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_form(name: str, expected: tuple[str | None, ...], said: str | None) -> None:
    (alert,) = read(payload("statuscake", name), RECEIVED_AT)
    assert gist(alert) == expected
    assert (alert.labels.get("sender_status"), alert.source) == (said, "statuscake")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"Status": "Odd"}, "Status"),
        ({"Status": None}, "Status"),
        ({"Name": None, "URL": {}}, "Name"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_refused_by_its_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadPayload) as refused:
        read(payload("statuscake", "firing") | change, RECEIVED_AT)
    assert refused.value.field == field


def test_its_token_is_not_kept() -> None:
    (alert,) = read(payload("statuscake", "firing"), RECEIVED_AT)
    assert "Token" not in alert.labels
    assert (alert.labels["team"], alert.metrics) == ("web", {"status_code": 503})

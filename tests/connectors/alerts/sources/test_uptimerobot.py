from __future__ import annotations

from typing import Any

import pytest

from connectors.alerts.sources.uptimerobot import read
from schemas.errors import BadPayload
from tests.connectors.alerts.payloads import RECEIVED_AT, gist, payload


@pytest.mark.parametrize(
    ("name", "expected", "said"),
    [
        ("firing", ("Shop checkout", "critical", "firing", "shop.example", "host"), None),
        ("resolved", ("Shop checkout", "info", "resolved", "shop.example", "host"), None),
        ("template", ("Mail relay", "critical", "firing", "mail.shop.example", "host"), None),
        ("certificate", ("Shop", "warning", "firing", "shop.example", "host"), None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_form(name: str, expected: tuple[str | None, ...], said: str | None) -> None:
    (alert,) = read(payload("uptimerobot", name), RECEIVED_AT)
    assert gist(alert) == expected
    assert (alert.labels.get("sender_status"), alert.source) == (said, "uptimerobot")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"alertType": "9", "alertTypeFriendlyName": "Odd"}, "alertType"),
        ({"alertType": None, "alertTypeFriendlyName": None}, "alertType"),
        ({"monitorFriendlyName": "", "monitorURL": []}, "monitorFriendlyName"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_refused_by_its_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadPayload) as refused:
        read(payload("uptimerobot", "firing") | change, RECEIVED_AT)
    assert refused.value.field == field


def test_what_is_over_began_as_long_ago_as_it_says() -> None:
    (alert,) = read(payload("uptimerobot", "resolved"), RECEIVED_AT)
    assert (alert.fired_at, alert.ends_at) == (1_772_366_400_000, 1_772_367_000_000)


def test_a_variable_that_was_not_filled_in_says_nothing() -> None:
    (alert,) = read(payload("uptimerobot", "template"), RECEIVED_AT)
    assert "alert_friendly_duration" not in alert.labels

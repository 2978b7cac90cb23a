from __future__ import annotations

from typing import Any

import pytest

from connectors.alerts.sources.riemann import detects, read
from schemas.errors import BadPayload
from tests.connectors.alerts.payloads import RECEIVED_AT, gist, payload


@pytest.mark.parametrize(
    ("name", "expected", "said"),
    [
        ("firing", ("disk /", "critical", "firing", "web-1", "host"), None),
        ("resolved", ("disk /", "info", "resolved", "web-1", "host"), None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_form(name: str, expected: tuple[str | None, ...], said: str | None) -> None:
    (alert,) = read(payload("riemann", name), RECEIVED_AT)
    assert gist(alert) == expected
    assert (alert.labels.get("sender_status"), alert.source) == (said, "riemann")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"service": None}, "service"),
        ({"state": None}, "state"),
        ({"host": 7}, "host"),
        ({"time": "x"}, "time"),
        ({"tags": 7}, "tags"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_refused_by_its_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadPayload) as refused:
        read(payload("riemann", "firing") | change, RECEIVED_AT)
    assert refused.value.field == field


def test_a_list_of_events() -> None:
    alerts = read(payload("riemann", "list"), RECEIVED_AT)
    assert [gist(alert)[:4] for alert in alerts] == [
        ("disk /", "critical", "firing", "web-1"),
        ("cpu", "warning", "firing", "web-2"),
        ("riemann agent", "warning", "firing", "web-3"),
    ]
    assert (alerts[0].metrics, alerts[0].labels["team"], alerts[1].labels["datacenter"]) == (
        {"metric": 0.92},
        "web",
        "fra",
    )


def test_three_names_alone_are_not_yet_riemanns() -> None:
    event = {"host": "a", "service": "b", "state": "ok"}
    assert not detects(event)
    assert not detects({**event, "tags": [], "notification": "x"})
    assert detects({**event, "tags": []})

from __future__ import annotations

from typing import Any

import pytest

from connectors.alerts.sources.checkmk import read
from schemas.errors import BadPayload, NoAlert
from tests.connectors.alerts.payloads import RECEIVED_AT, gist, payload


@pytest.mark.parametrize(
    ("name", "expected", "said"),
    [
        ("firing", ("CPU load", "critical", "firing", "web-1", "host"), None),
        ("resolved", ("CPU load", "info", "resolved", "web-1", "host"), None),
        ("host_firing", ("Host check", "critical", "firing", "db-1", "host"), None),
        ("host_resolved", ("Host check", "info", "resolved", "db-1", "host"), None),
        ("acknowledged", ("Host check", "critical", "firing", "db-1", "host"), "acknowledged"),
        ("downtime", ("CPU load", "warning", "firing", "web-1", "host"), "muted"),
        ("flapping", ("CPU load", "warning", "firing", "web-1", "host"), "flapping"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_form(name: str, expected: tuple[str | None, ...], said: str | None) -> None:
    (alert,) = read(payload("checkmk", name), RECEIVED_AT)
    assert gist(alert) == expected
    assert (alert.labels.get("sender_status"), alert.source) == (said, "checkmk")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"notification_type": "ODD"}, "notification_type"),
        ({"notification_type": None}, "notification_type"),
        ({"host": None, "alias": None}, "host"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_refused_by_its_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadPayload) as refused:
        read(payload("checkmk", "firing") | change, RECEIVED_AT)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("kind", "state", "status"),
    [
        ("ACKNOWLEDGEMENT", "DOWN", "firing"),
        ("DOWNTIMESTART", "UP", "resolved"),
        ("DOWNTIMEEND", "DOWN", "firing"),
        ("DOWNTIMEEND", "UP", "resolved"),
        ("FLAPPINGSTART", "UP", "firing"),
        ("FLAPPINGSTOP", "UP", "resolved"),
        ("CUSTOM", "UNREACHABLE", "firing"),
        ("RECOVERY", "", "resolved"),
    ],
)
def test_whether_it_fires_the_state_tells(kind: str, state: str, status: str) -> None:
    changed = payload("checkmk", "host_firing") | {"NOTIFICATIONTYPE": kind, "HOSTSTATE": state}
    assert read(changed, RECEIVED_AT)[0].status == status


def test_the_call_of_an_alert_handler_is_no_alert() -> None:
    with pytest.raises(NoAlert):
        read(payload("checkmk", "host_firing") | {"NOTIFICATIONTYPE": "ALERTHANDLER (OK)"}, RECEIVED_AT)


def test_whom_it_was_sent_to_and_with_which_secrets_is_not_kept() -> None:
    for name in ("firing", "host_firing"):
        (alert,) = read(payload("checkmk", name), RECEIVED_AT)
        assert not any("contact" in label.lower() or "PARAMETER" in label for label in alert.labels)

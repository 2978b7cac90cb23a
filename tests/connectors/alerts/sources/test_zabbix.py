from __future__ import annotations

from typing import Any

import pytest

from connectors.alerts.sources.zabbix import read
from schemas.errors import BadPayload, NoAlert
from tests.connectors.alerts.payloads import RECEIVED_AT, gist, payload

CPU = ("High CPU utilization", "critical", "firing", "web-1", "host")
MAIL = ("Mail queue is long", "critical", "firing", "mail-1", "host")


@pytest.mark.parametrize(
    ("name", "expected", "said"),
    [
        ("firing", CPU, None),
        ("resolved", (*CPU[:2], "resolved", *CPU[3:]), None),
        ("acknowledged", CPU, "acknowledged"),
        ("macro_names", ("Zabbix agent is not available", "warning", "firing", "cart", "deployment"), None),
        ("simple_firing", MAIL, None),
        ("simple_resolved", (*MAIL[:2], "resolved", *MAIL[3:]), None),
        ("subject_resolved", ("Disk is nearly full", "info", "resolved", "db-1", "host"), None),
        ("exported", ("Load is high", "warning", "firing", "web-2", "host"), None),
    ],
)
def test_each_form(name: str, expected: tuple[str, ...], said: str | None) -> None:
    (alert,) = read(payload("zabbix", name), RECEIVED_AT)
    assert gist(alert) == expected
    assert (alert.labels.get("sender_status"), alert.source) == (said, "zabbix")


@pytest.mark.parametrize(
    ("subject", "status"),
    [
        ("OK: Mail queue", "resolved"),
        ("[RESOLVED] Mail queue", "resolved"),
        ("Recovery: Mail queue", "resolved"),
        ("Resolved in 5m 3s: Mail queue", "resolved"),
        ("Problem: Mail queue", "firing"),
        ("Okinawa: Mail queue", "firing"),
    ],
)
def test_a_message_without_a_status_says_it_in_its_subject(subject: str, status: str) -> None:
    (alert,) = read({"subject": subject, "host": "mail-1"}, RECEIVED_AT)
    assert (alert.status, alert.alert_type.removeprefix("Okinawa: ")) == (status, "Mail queue")


def test_an_event_has_tags_value_times_and_page() -> None:
    (alert,) = read(payload("zabbix", "resolved"), RECEIVED_AT)
    assert (alert.labels["env"], alert.metrics) == ("prod", {"CPU utilization": 20.1})
    assert (alert.fired_at, alert.ends_at) == (1772395571000, 1772396171000)
    assert alert.generator_url == "https://zabbix.example.org/tr_events.php?triggerid=14033&eventid=90871"


@pytest.mark.parametrize(
    ("severity", "expected"),
    [
        ("Disaster", "critical"),
        ("High", "critical"),
        ("Average", "warning"),
        ("Warning", "warning"),
        ("Information", "info"),
        ("Not classified", "info"),
        ("5", "critical"),
        (4, "critical"),
        (3, "warning"),
        ("2", "warning"),
        (0, "info"),
        (None, "warning"),
    ],
)
def test_severities_by_word_and_by_number(severity: Any, expected: str) -> None:
    assert (
        read(payload("zabbix", "simple_firing") | {"severity": severity}, RECEIVED_AT)[0].severity == expected
    )


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ("unacknowledged", None),
        ("suppressed", "muted"),
        ("changed severity from Warning to High", "updated"),
        ("", "updated"),
    ],
)
def test_what_is_done_to_a_problem_does_not_end_it(action: str, said: str | None) -> None:
    (alert,) = read(payload("zabbix", "acknowledged") | {"event_update_action": action}, RECEIVED_AT)
    assert (alert.status, alert.labels.get("sender_status")) == ("firing", said)


@pytest.mark.parametrize(
    ("change", "error", "field"),
    [
        ({"event_source": "1"}, NoAlert, "event_source"),
        ({"event_update_action": "commented"}, NoAlert, "event_update_action"),
        ({"event_name": "{EVENT.NAME}", "alert_subject": "{ALERT.SUBJECT}"}, NoAlert, "event_name"),
        ({"event_name": "", "alert_subject": None, "event_recovery_timestamp": ""}, BadPayload, "event_name"),
    ],
)
def test_what_is_no_alert_or_has_no_name(change: dict[str, Any], error: type[BadPayload], field: str) -> None:
    with pytest.raises(error) as refused:
        read(payload("zabbix", "firing") | change, RECEIVED_AT)
    assert refused.value.field == field

from __future__ import annotations

from typing import Any

import pytest

from connectors.alerts.source import RawAlert
from connectors.alerts.sources.alertmanager import read
from schemas.alert import AlertStatus, ResourceType, Severity
from schemas.errors import BadPayload
from tests.connectors.alerts.payloads import RECEIVED_AT, gist, payload


def one(**alert: Any) -> RawAlert:
    base = {"status": "firing", "labels": {"alertname": "X"}, "startsAt": "2026-03-01T10:00:00Z"}
    return read({"alerts": [base | alert]}, RECEIVED_AT)[0]


def test_the_example_of_cpu_throttling() -> None:
    (alert,) = read(payload("alertmanager", "firing"), RECEIVED_AT)
    assert alert == RawAlert(
        alert_type="CPUThrottlingHigh",
        severity=Severity.CRITICAL,
        source="prometheus",
        message="Pod is being CPU throttled",
        status=AlertStatus.FIRING,
        description="throttled 85% of the time",
        namespace="production",
        target_resource="api-server-7d4b8c9f5-xk2m3",
        resource_type=ResourceType.POD,
        fired_at=1_772_360_130_123,
        labels=alert.labels,
        annotations=alert.annotations,
        generator_url="http://prometheus:9090/graph?g0.expr=throttled",
    )


def test_the_senders_fingerprint_stays_as_a_label() -> None:
    assert one(fingerprint="abc").labels == {"alertname": "X", "sender_fingerprint": "abc"}
    assert "sender_fingerprint" not in one().labels


def test_status_is_the_alerts_own_not_the_groups() -> None:
    alerts = read(payload("alertmanager", "mixed_group_with_alerts_left_out"), RECEIVED_AT)
    assert [alert.status for alert in alerts] == [AlertStatus.FIRING, AlertStatus.RESOLVED]


@pytest.mark.parametrize(
    ("count", "incomplete"), [(None, False), (0, False), (3, True)], ids=["absent", "none", "some"]
)
def test_alerts_left_out_make_it_incomplete(count: int | None, incomplete: bool) -> None:
    group = payload("alertmanager", "firing") | {"truncatedAlerts": count}
    assert [alert.incomplete for alert in read(group, RECEIVED_AT)] == [incomplete]


@pytest.mark.parametrize(
    ("ends_at", "status"),
    [
        ("2026-03-01T21:19:59Z", AlertStatus.RESOLVED),
        ("2026-03-01T21:20:01Z", AlertStatus.FIRING),
        ("0001-01-01T00:00:00Z", AlertStatus.FIRING),
        (None, AlertStatus.FIRING),
    ],
    ids=["past", "to come", "year 1", "absent"],
)
def test_in_the_v2_api_a_past_end_means_resolved(ends_at: str | None, status: AlertStatus) -> None:
    (alert,) = read([{"labels": {"alertname": "X"}, "endsAt": ends_at}], RECEIVED_AT)
    assert alert.status is status
    assert (alert.ends_at is None) == (status is AlertStatus.FIRING)


def test_an_object_as_status_is_about_silences() -> None:
    assert one(status={"state": "active", "silencedBy": []}).status is AlertStatus.FIRING


def test_a_resolved_alert_may_have_no_end() -> None:
    alert = one(status="resolved", endsAt="0001-01-01T00:00:00Z")
    assert (alert.status, alert.ends_at) == (AlertStatus.RESOLVED, None)


@pytest.mark.parametrize(
    ("annotations", "message", "description"),
    [
        ({"summary": "S", "description": "D"}, "S", "D"),
        ({"summary": "", "message": "M", "description": "D"}, "M", "D"),
        ({"description": "D"}, "D", "D"),
        ({}, "X", None),
        (None, "X", None),
    ],
)
def test_a_message_is_always_found(annotations: Any, message: str, description: str | None) -> None:
    alert = one(annotations=annotations)
    assert (alert.message, alert.description) == (message, description)


def test_label_values_are_written_out_and_null_is_left_out() -> None:
    labels = {"alertname": "X", "code": 503, "ratio": 0.5, "canary": True, "zone": None}
    assert one(labels=labels).labels == {"alertname": "X", "code": "503", "ratio": "0.5", "canary": "true"}


@pytest.mark.parametrize(
    ("alert", "field"),
    [
        (None, "alerts.0"),
        ({}, "alerts.0.labels.alertname"),
        ({"labels": []}, "alerts.0.labels"),
        ({"labels": {"alertname": "X", "pod": {}}}, "alerts.0.labels.pod"),
        ({"labels": {"alertname": "X"}, "annotations": "no"}, "alerts.0.annotations"),
        ({"labels": {"alertname": "X"}, "startsAt": "yesterday"}, "alerts.0.startsAt"),
        ({"labels": {"alertname": "X"}, "startsAt": 17}, "alerts.0.startsAt"),
        ({"labels": {"alertname": "X"}, "endsAt": "2026-13-01T00:00:00Z"}, "alerts.0.endsAt"),
        ({"labels": {"alertname": "X"}, "status": "pending"}, "alerts.0.status"),
        ({"labels": {"alertname": "X"}, "generatorURL": {}}, "alerts.0.generatorURL"),
        ({"labels": {"alertname": "X", "n": float("nan")}}, "alerts.0.labels.n"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_is_named(alert: Any, field: str) -> None:
    with pytest.raises(BadPayload) as refused:
        read({"alerts": [alert]}, RECEIVED_AT)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("group", "told"),
    [({"a": 1}, "alerts: is missing"), ({"alerts": None}, "alerts: must be a list, not null")],
    ids=["absent", "null"],
)
def test_a_group_without_alerts_is_told(group: dict[str, Any], told: str) -> None:
    with pytest.raises(BadPayload, match=f"^{told}$"):
        read(group, RECEIVED_AT)


@pytest.mark.parametrize(
    ("name", "status"),
    [("version_1_firing", "firing"), ("version_1_resolved", "resolved"), ("version_2", "firing")],
)
def test_the_first_versions(name: str, status: str) -> None:
    (alert,) = read(payload("alertmanager", name), RECEIVED_AT)
    assert gist(alert) == ("InstanceDown", "critical", status, "till-4:9100", "host")
    assert (alert.message, alert.fired_at) == ("Instance is down", 1_772_366_400_000)


@pytest.mark.parametrize(
    ("change", "field"),
    [({"alert": [7]}, "alert.0"), ({"alert": [{"payload": 7}]}, "alert.0.payload"), ({"alert": 7}, "alert")],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_first_version_that_cannot_be_read(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadPayload) as refused:
        read(payload("alertmanager", "version_1_firing") | change, RECEIVED_AT)
    assert refused.value.field == field


def test_what_a_silence_holds_back_fires_muted() -> None:
    listed = payload("alertmanager", "v2_api")
    listed[0]["status"] = {"state": "suppressed", "silencedBy": ["81"], "inhibitedBy": []}
    muted = read(listed, RECEIVED_AT)[0]
    assert (muted.status, muted.labels["sender_status"], muted.subject) == ("firing", "muted", None)
    listed[0]["status"]["state"] = "active"
    assert "sender_status" not in read(listed, RECEIVED_AT)[0].labels

from __future__ import annotations

from typing import Any

import pytest

from connectors.alerts.sources.cloudwatch import read
from schemas.alert import AlertStatus, ResourceType, Severity
from schemas.errors import BadPayload, NoAlert
from tests.connectors.alerts.payloads import RECEIVED_AT, payload

FIRING, RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED
QUEUE = ("checkout-queue-age", Severity.WARNING, "checkout-orders", None)
WEB = ("web-cpu", Severity.WARNING, "i-0123456789abcdef0", ResourceType.HOST)
AGREE = "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=2336412f37fb687f5d51e6e241"


@pytest.mark.parametrize(
    ("name", "expected", "status", "metrics"),
    [
        ("firing", QUEUE, FIRING, {"ApproximateAgeOfOldestMessage": 412.0}),
        ("resolved", QUEUE, RESOLVED, {"ApproximateAgeOfOldestMessage": 12.0}),
        ("sns_firing", QUEUE, FIRING, {"ApproximateAgeOfOldestMessage": 412.0}),
        ("sns_records", QUEUE, FIRING, {"ApproximateAgeOfOldestMessage": 412.0}),
        ("parsed", QUEUE, FIRING, {"ApproximateAgeOfOldestMessage": 412.0}),
        ("insufficient_data", (QUEUE[0], Severity.INFO, *QUEUE[2:]), FIRING, {}),
        ("eventbridge_firing", WEB, FIRING, {"CPUUtilization": 95.2}),
        ("eventbridge_resolved", WEB, RESOLVED, {"CPUUtilization": 20.1}),
        ("alarm_action", WEB, FIRING, {"CPUUtilization": 95.2}),
        ("composite", ("shop-is-down", Severity.WARNING, None, None), FIRING, {}),
        (
            "anomaly",
            ("api-latency-odd", Severity.WARNING, "app/shop-api/50dc6c495c0c9188", ResourceType.SERVICE),
            FIRING,
            {"TargetResponseTime": 0.93},
        ),
        (
            "container_insights",
            ("pod-cpu-high", Severity.WARNING, "payments", ResourceType.POD),
            FIRING,
            {"pod_cpu_utilization": 97.5},
        ),
    ],
)
def test_each_form(
    name: str, expected: tuple[Any, ...], status: AlertStatus, metrics: dict[str, float]
) -> None:
    (alert,) = read(payload("cloudwatch", name), RECEIVED_AT)
    assert (alert.alert_type, alert.severity, alert.target_resource, alert.resource_type) == expected
    assert (alert.status, alert.metrics, alert.source) == (status, metrics, "cloudwatch")


def test_the_dimensions_of_container_insights_are_kubernetes() -> None:
    (alert,) = read(payload("cloudwatch", "container_insights"), RECEIVED_AT)
    assert (alert.namespace, alert.cluster) == ("checkout", "shop-eu")


@pytest.mark.parametrize(
    ("dimensions", "resource"),
    [
        ([{"name": "TopicName", "value": "orders"}], "orders"),
        ([{"name": "StorageType", "value": "x"}, {"name": "BucketName", "value": "files"}], "files"),
        ([{"name": "FileSystemId", "value": "fs-1"}, {"name": "InstanceId", "value": "i-1"}], "i-1"),
        ([{"name": "StorageType", "value": "x"}], None),
    ],
)
def test_a_dimension_names_the_resource(dimensions: list[dict[str, str]], resource: str | None) -> None:
    sent = payload("cloudwatch", "firing")
    sent["Trigger"]["Dimensions"] = dimensions
    assert read(sent, RECEIVED_AT)[0].target_resource == resource


def test_an_alarm_that_does_not_see_says_so() -> None:
    (alert,) = read(payload("cloudwatch", "insufficient_data"), RECEIVED_AT)
    assert alert.labels["sender_status"] == "insufficient_data"


def test_an_alarm_whose_actions_are_suppressed_is_muted() -> None:
    sent = payload("cloudwatch", "eventbridge_firing")
    sent["detail"]["state"]["actionsSuppressedBy"] = "Alarm"
    (alert,) = read(sent, RECEIVED_AT)
    assert (alert.status, alert.labels["sender_status"]) == ("firing", "muted")


@pytest.mark.parametrize("kind", ["SubscriptionConfirmation", "UnsubscribeConfirmation"])
def test_a_subscription_is_for_a_person_to_confirm(kind: str) -> None:
    with pytest.raises(NoAlert) as told:
        read(payload("cloudwatch", "sns_firing") | {"Type": kind, "SubscribeURL": AGREE}, RECEIVED_AT)
    assert str(told.value).endswith(AGREE)
    assert (told.value.field, told.value.link, told.value.reason) == ("Type", AGREE, "no_alert")


@pytest.mark.parametrize(
    "link",
    [
        "http://sns.eu-central-1.amazonaws.com/?Token=1",
        "https://sns.eu-central-1.amazonaws.com.example.org/",
        "https://amazonaws.com@example.org/?.amazonaws.com",
        "https://user@sns.eu-central-1.amazonaws.com/",
        "https://sns.eu-central-1.amazonaws.com:8443/",
        "https://sns.amazonaws.com/ignore all previous instructions",
        "https://sns.amazonaws.com/\u2066",
        "https://sns.amazonaws.com/" + "x" * 1000,
        "https://[sns.amazonaws.com/",
        "javascript:alert(1)",
        None,
    ],
)
def test_an_address_that_is_not_amazons_is_not_told(link: str | None) -> None:
    with pytest.raises(NoAlert, match=r"none of amazonaws\.com") as told:
        read({"Type": "SubscriptionConfirmation", "SubscribeURL": link}, RECEIVED_AT)
    assert told.value.link == ""


@pytest.mark.parametrize(
    "message",
    [
        "AWS Budget Notification",
        '{"Event": "autoscaling:EC2_INSTANCE_LAUNCH", "Progress": 50}',
        {"Source ID": "orders"},
    ],
    ids=str,
)
def test_what_else_a_topic_carries_is_no_alert(message: Any) -> None:
    with pytest.raises(NoAlert) as told:
        read(payload("cloudwatch", "sns_firing") | {"Message": message}, RECEIVED_AT)
    assert told.value.field == "Message"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"Message": '{"AlarmName": "cut o'}, "Message"),
        ({"NewStateValue": "PANIC"}, "NewStateValue"),
        ({"AlarmName": " "}, "AlarmName"),
        ({"StateChangeTime": "yesterday"}, "StateChangeTime"),
        ({"Trigger": 7}, "Trigger"),
        ({"Trigger": {"Dimensions": "x"}}, "Trigger.Dimensions"),
        ({"detail-type": "EC2 Instance State-change Notification"}, "detail-type"),
        ({"Message": "All is well"}, "Message"),
        ({"Message": "[]"}, "Message"),
        ({"Records": [{"Sns": {"Message": {}}}]}, "Records.0.Sns.Message.AlarmName"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_read_names_its_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadPayload) as refused:
        read(payload("cloudwatch", "firing") | change, RECEIVED_AT)
    assert refused.value.field == field

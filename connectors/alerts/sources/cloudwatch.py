"""Amazon CloudWatch: an alarm as SNS delivers it, as EventBridge tells it, or as it calls a function itself.

A subscription is never confirmed from here: whoever can post to us would choose the address.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import orjson

from connectors.alerts.disguise import readable
from connectors.alerts.fields import an_object, first_of, join, list_of_alerts, part, parts, required, text
from connectors.alerts.loose import finite, said, whereabouts
from connectors.alerts.source import Payload, RawAlert, Source
from connectors.alerts.times import any_moment
from connectors.alerts.vocabulary import severity_of, without_state
from schemas.alert import AlertStatus, Metric, ResourceType, Severity
from schemas.errors import BadPayload, NoAlert

_STATES = {
    "ALARM": AlertStatus.FIRING,
    "INSUFFICIENT_DATA": AlertStatus.FIRING,  # it does not see: nobody may take that for well
    "OK": AlertStatus.RESOLVED,
}
_CONFIRMATIONS = ("SubscriptionConfirmation", "UnsubscribeConfirmation")
_ALARMS = frozenset(
    {"AlarmName", "AlarmArn", "NewStateValue", "Trigger", "MetricName", "detail-type", "detail", "alarmData"}
)
_ENVELOPES = (*_CONFIRMATIONS, "Notification")
_STATE_CHANGE = "CloudWatch Alarm State Change"
_KUBERNETES = {
    "PodName": "pod",
    "Service": "service",
    "NodeName": "node",
    "Namespace": "namespace",
    "ClusterName": "cluster",
}
_THINGS: tuple[tuple[str, ResourceType | None], ...] = (
    ("InstanceId", ResourceType.HOST),
    ("ServiceName", ResourceType.SERVICE),
    ("FunctionName", ResourceType.SERVICE),
    ("ApiName", ResourceType.SERVICE),
    ("ApiId", ResourceType.SERVICE),
    ("LoadBalancer", ResourceType.SERVICE),
    ("LoadBalancerName", ResourceType.SERVICE),
    ("DBInstanceIdentifier", None),
    ("DBClusterIdentifier", None),
    ("QueueName", None),
    ("BucketName", None),
    ("TableName", None),
    ("AutoScalingGroupName", None),
)
_NAMING = ("Name", "Id", "Identifier")
_LATEST = re.compile(r"\[(-?\d[\d.eE+-]{0,30}) \(")  # "1 datapoint [93.5 (01/03/26 12:00:00)] was greater …"
_REGION = re.compile(r"[a-z0-9-]{1,30}")
_LONGEST_LINK = 1_000


def read(payload: Payload, received_at: int) -> list[RawAlert]:
    del received_at
    payload = an_object(payload, "")
    if "Records" in payload:
        records = list_of_alerts(payload["Records"], "Records")
        return [_record(an_object(item, f"Records.{i}"), f"Records.{i}") for i, item in enumerate(records)]
    return [_delivered(payload, "")]


def detects(payload: Payload) -> bool:
    if not isinstance(payload, dict):
        return False
    if "AlarmName" in payload:
        return "NewStateValue" in payload or "Trigger" in payload or "MetricName" in payload
    if "alarmArn" in payload:
        return isinstance(payload.get("alarmData"), dict)
    if "detail-type" in payload:
        return bool(payload["detail-type"] == _STATE_CHANGE)
    if "Records" in payload:
        records = payload["Records"]
        return (
            isinstance(records, list)
            and bool(records)
            and isinstance(records[0], dict)
            and "Sns" in records[0]
        )
    message = payload.get("Message")
    if "Type" in payload:
        return payload["Type"] in _ENVELOPES and "TopicArn" in payload
    return isinstance(message, dict) and "AlarmName" in message


def _record(record: dict[str, Any], at: str) -> RawAlert:
    """What a function gets that SNS calls."""
    return _delivered(part(record, "Sns", at), join(at, "Sns"))


def _delivered(message: dict[str, Any], at: str) -> RawAlert:
    kind = text(message, "Type", at)
    if kind in _CONFIRMATIONS:
        raise _confirmation(message, kind, at)
    if "Message" not in message:
        return _alarm(message, at)
    content, at = message["Message"], join(at, "Message")
    if isinstance(content, str):
        if not content.lstrip().startswith(("{", "[")):
            raise NoAlert("is a text that somebody published, no alarm", field=at)
        try:
            content = orjson.loads(content)
        except ValueError:
            raise BadPayload("must be an alarm as JSON", field=at) from None
    content = an_object(content, at)
    if content and _ALARMS.isdisjoint(content):
        raise NoAlert("tells of something else than an alarm", field=at)
    return _alarm(content, at)


def _confirmation(message: dict[str, Any], kind: str, at: str) -> NoAlert:
    """Words that a person can act on, with the address if it is Amazon's."""
    link = text(message, "SubscribeURL", at) or ""
    what = "asks whether SNS may send here" if kind.startswith("Sub") else "says that SNS stops sending here"
    field = join(at, "Type")
    if not _is_amazons(link):
        return NoAlert(f"{what}, no alert; its SubscribeURL is none of amazonaws.com", field=field)
    then = "to agree, open" if kind.startswith("Sub") else "to go on, open"
    return NoAlert(f"{what}, no alert; {then}", field=field, link=link)


def _is_amazons(link: str) -> bool:
    if len(link) > _LONGEST_LINK or not link.isascii() or not link.isprintable() or " " in link:
        return False
    try:
        parsed = urlsplit(link)
        host = parsed.hostname or ""
        plain = parsed.username is None and parsed.port is None
    except ValueError:
        return False
    return parsed.scheme == "https" and plain and host.endswith((".amazonaws.com", ".amazonaws.com.cn"))


@dataclass(frozen=True, slots=True)
class _Change:
    """What both forms say, the older one and EventBridge's."""

    name: str
    state: str
    severity: Severity
    reason: str | None
    description: str | None
    at: int | None
    arn: str | None
    labels: dict[str, str]


def _alarm(item: dict[str, Any], at: str) -> RawAlert:
    if "detail-type" in item and item["detail-type"] != _STATE_CHANGE:
        raise NoAlert("is another event of AWS, no alarm", field=join(at, "detail-type"))
    for name in ("detail", "alarmData"):
        if name in item:
            return _alert(_event(part(item, name, at), item, join(at, name)))
    trigger, where = (part(item, "Trigger", at), join(at, "Trigger")) if "Trigger" in item else (item, at)
    return _alert(
        _Change(
            name=required(item, ["AlarmName"], at),
            state=_state(item, "NewStateValue", at) or "ALARM",
            severity=severity_of(first_of(item, ("Severity", "Priority"), at)),
            reason=text(item, "NewStateReason", at),
            description=text(item, "AlarmDescription", at),
            at=any_moment(item, "StateChangeTime", at),
            arn=text(item, "AlarmArn", at),
            labels=_labels(_metric(trigger, where), where, item),
        )
    )


def _event(detail: dict[str, Any], outer: dict[str, Any], at: str) -> _Change:
    """The younger form: small letters, the state in an object, the metrics in the alarm's configuration."""
    state, in_state = part(detail, "state", at), join(at, "state")
    configuration, where = part(detail, "configuration", at), join(at, "configuration")
    arns = outer.get("resources")
    labels = _labels(_metric(configuration, where), where, outer)
    if said(state.get("actionsSuppressedBy")):
        labels["sender_status"] = "muted"  # a composite alarm, held back by another
    return _Change(
        name=required(detail, ["alarmName"], at),
        state=_state(state, "value", in_state) or "ALARM",
        severity=severity_of(None),
        reason=text(state, "reason", in_state),
        description=text(configuration, "description", where),
        at=any_moment(state, "timestamp", in_state),
        arn=said(outer.get("alarmArn")) or (said(arns[0]) if isinstance(arns, list) and arns else None),
        labels=labels,
    )


def _state(item: dict[str, Any], name: str, at: str) -> str | None:
    state = text(item, name, at)
    if state is not None and state not in _STATES:
        raise BadPayload(f"must be one of {', '.join(_STATES)}", field=join(at, name))
    return state


def _alert(change: _Change) -> RawAlert:
    status, severity, labels = _STATES[change.state], change.severity, change.labels
    if change.state == "INSUFFICIENT_DATA":
        labels["sender_status"], severity = "insufficient_data", Severity.INFO
    target, kind, namespace, cluster = whereabouts(labels)
    if target is None:
        target, kind = _thing(labels)
    firing = status is AlertStatus.FIRING
    return RawAlert(
        alert_type=without_state(change.name),
        severity=severity,
        source="cloudwatch",
        message=change.description or change.reason or change.name,
        status=status,
        description=change.reason,
        namespace=namespace,
        target_resource=target,
        resource_type=kind,
        cluster=cluster,
        metrics=_metrics(labels.get("metric"), change.reason),
        fired_at=change.at if firing else None,
        ends_at=None if firing else change.at,
        labels=labels,
        generator_url=_link(change.arn, change.name),
    )


def _either(item: dict[str, Any], name: str) -> Any:
    """`MetricName` in the one form is `metricName` in the other, and `name` within a metric of its own."""
    return item[name] if name in item else item.get(name[0].lower() + name[1:])


def _metric(trigger: dict[str, Any], at: str) -> dict[str, Any]:
    """The alarm's metric; of several (anomaly detection, mathematics) the first that is measured."""
    name = "Metrics" if "Metrics" in trigger else "metrics"
    for i, each in enumerate(parts(trigger, name, at)):
        stat = _either(each, "MetricStat")
        if stat is not None:
            where = f"{join(at, name)}.{i}"
            return an_object(_either(an_object(stat, where, "metricStat"), "Metric") or {}, where, "metric")
    return trigger


def _labels(metric: dict[str, Any], at: str, outer: dict[str, Any]) -> dict[str, str]:
    labels = {}
    for name, value in _dimensions(_either(metric, "Dimensions"), at):
        shown = said(value)
        if shown:
            labels[_KUBERNETES.get(name, name)] = shown
    for label, value in (
        ("metric", _either(metric, "MetricName") or metric.get("name")),
        ("metric_namespace", _either(metric, "Namespace")),
        ("region", _either(outer, "Region")),
        ("account", outer.get("AWSAccountId") or outer.get("account") or outer.get("accountId")),
    ):
        shown = said(value)
        if shown:
            labels.setdefault(label, shown)
    return labels


def _dimensions(value: Any, at: str) -> list[tuple[str, Any]]:
    if value is None:
        return []
    if isinstance(value, dict):
        return list(value.items())
    pairs = parts({"Dimensions": value}, "Dimensions", at)
    return [(name, _either(pair, "Value")) for pair in pairs if (name := said(_either(pair, "Name")))]


def _thing(labels: dict[str, str]) -> tuple[str, ResourceType | None] | tuple[None, None]:
    """What is known by its dimension, else what a dimension names."""
    known = next(((labels[name], kind) for name, kind in _THINGS if name in labels), None)
    return known or next(((labels[name], None) for name in labels if name.endswith(_NAMING)), (None, None))


def _metrics(name: str | None, reason: str | None) -> dict[str, Metric]:
    """The latest value, which stands in the reason alone."""
    found = _LATEST.search(reason[:1000]) if reason else None
    number = finite(found[1]) if found else None
    return {} if number is None else {name or "value": number}


def _link(arn: str | None, name: str) -> str | None:
    """The alarm in the console: arn:aws:cloudwatch:{region}:{account}:alarm:{name}."""
    pieces = (arn or "").split(":", 6)
    if len(pieces) < 7 or pieces[:3] != ["arn", "aws", "cloudwatch"] or not _REGION.fullmatch(pieces[3]):
        return None
    region = pieces[3]
    path = quote(readable(name), safe="")
    return f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#alarmsV2:alarm/{path}"


SOURCE = Source("cloudwatch", read, detects)

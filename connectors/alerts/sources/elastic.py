"""Elastic: Kibana's rules by the webhook connector, alert documents, and Watcher.

The body is a template that users write of documented variables (`rule.name`, `alert.actionGroup`,
`context.reason`, `kibana.alert.status`, `ctx.watch_id` …), nested or flat, in names of any form.
"""

from __future__ import annotations

from typing import Any

from connectors.alerts.fields import an_object
from connectors.alerts.loose import flat, fold, folded, graded, numbers, one_of, whereabouts
from connectors.alerts.source import Payload, RawAlert, Source
from connectors.alerts.times import perhaps
from connectors.alerts.vocabulary import without_state
from schemas.alert import AlertStatus
from schemas.errors import BadPayload

# Kibana's own documents put `kibana.alert` in front, those of its detection engine `signal`, Watcher `ctx`
_NAMES = (
    *("rulename", "kibanaalertrulename", "signalrulename", "alertrulename", "alertname"),
    *("metadataname", "ctxmetadataname", "watchid", "ctxwatchid"),
)
_IDS = ("kibanaalertuuid", "alertuuid", "alertinstanceid", "alertid")
_STATES = ("kibanaalertstatus", "alertstatus", "signalstatus", "status", "state", "eventaction", "eventtype")
_GROUPS = ("alertactiongroup", "actiongroup", "alertactiongroupname", "kibanaalertactiongroup")
_WORKFLOW = ("kibanaalertworkflowstatus", "workflowstatus", "signalstatus", "status", "state")
_SEVERITIES = (
    *("severity", "kibanaalertseverity", "contextalertseverity", "contextseverity", "alertseverity"),
    *("kibanaalertruleseverity", "signalruleseverity", "ruleseverity", "contextruleseverity"),
)
_MESSAGES = (
    *("message", "reason", "kibanaalertreason", "contextmessage", "contextreason", "alertmessage"),
    *("description", "contexttitle", "contextdescription"),
)
_BEGAN = (
    *("kibanaalertstart", "alertstart", "timestamp", "date", "contextdate", "contexttimestamp"),
    *("ctxexecutiontime", "executiontime", "ctxtriggertriggeredtime"),
)
_LINKS = ("contextalertdetailsurl", "alertdetailsurl", "kibanaalerturl", "contextlink", "ruleurl", "alerturl")
# the objects of a body that say what it is about: of rules, and of the Elastic Common Schema
_OBJECTS = (
    *("rule", "alert", "kibana", "signal", "host", "service", "kubernetes", "orchestrator", "container"),
    *("cloud", "labels", "url", "monitor", "observer"),
)
_OVER = frozenset(
    {"recovered", "resolved", "ok", "closed", "inactive", "untracked", "recoveredinstance", "alertrecovered"}
)
_MARKS = (
    *("spaceid", "rulespaceid", "kibanabaseurl", "kibanaalertuuid", "kibanaalertid", "alertactiongroup"),
    *("alertinstanceid", "alertid", "actiongroup", "alertuuid", "eventtype", "kibanaalertactiongroup"),
    *(
        "kibanaalertrulerevision",
        "kibanaalertstatus",
        "ctxexecutiontime",
        "ctxid",
        "signalstatus",
        "signalruleid",
    ),
)


def read(payload: Payload, received_at: int) -> list[RawAlert]:
    del received_at
    payload = an_object(payload, "")
    told = folded(payload)
    name = one_of(told, _NAMES)
    if name is None:
        raise BadPayload("is missing", field="rule.name")
    status = _status(told)
    labels = _labels(payload)
    if own := one_of(told, _IDS):
        labels["sender_fingerprint"] = own
    if status is AlertStatus.FIRING and "acknowledged" in _words(told, _WORKFLOW):
        labels["sender_status"] = "acknowledged"
    target, kind, namespace, cluster = whereabouts(labels)
    ended = "kibanaalertend" if "kibanaalertend" in told else "alertend"
    return [
        RawAlert(
            alert_type=without_state(name),
            severity=graded(one_of(told, _SEVERITIES) or _group_severity(told)),
            source="elastic",
            message=one_of(told, _MESSAGES) or name,
            status=status,
            namespace=namespace,
            target_resource=target,
            resource_type=kind,
            cluster=cluster,
            metrics=numbers(context) if isinstance(context := payload.get("context"), dict) else {},
            fired_at=_began(told, status),
            ends_at=perhaps(told, ended) if status is AlertStatus.RESOLVED else None,
            labels=labels,
            generator_url=one_of(told, _LINKS),
        )
    ]


def _words(told: dict[str, str], names: tuple[str, ...]) -> set[str]:
    return {fold(told[name]) for name in names if name in told}


def _status(told: dict[str, str]) -> AlertStatus:
    """Which of them a body has is its user's choice; one that says that it is over is enough."""
    words = _words(told, _STATES) | _words(told, _GROUPS)
    return AlertStatus.FIRING if _OVER.isdisjoint(words) else AlertStatus.RESOLVED


def _group_severity(told: dict[str, str]) -> str | None:
    """Rules with two thresholds have a group of actions for each: `metrics.threshold.fired`, `….warning`."""
    return "warning" if "warning" in (one_of(told, _GROUPS) or "").lower() else None


def _began(told: dict[str, str], status: AlertStatus) -> int | None:
    """The time of a message about an end is not when it began, unless it says so."""
    names = _BEGAN if status is AlertStatus.FIRING else _BEGAN[:2]
    return next(filter(None, (perhaps(told, name) for name in names)), None)


def _labels(payload: dict[str, Any]) -> dict[str, str]:
    """The context is told of by its own names, as if it stood outside."""
    labels = flat({name: value for name, value in payload.items() if not isinstance(value, dict)})
    labels |= flat({name: payload[name] for name in _OBJECTS if isinstance(payload.get(name), dict)})
    context = payload.get("context")
    if isinstance(context, dict):
        groups = context.get("groupByKeys")
        labels |= flat(context)
        labels |= flat(groups) if isinstance(groups, dict) else {}
    return labels


def detects(payload: Payload) -> bool:
    """A rule's or watch's name, and one of the variables that are Elastic's own."""
    if not isinstance(payload, dict) or len(payload) > 1_000:
        return False
    if {"watch_id", "ctx"} & payload.keys() and not {"alerts", "labels"} & payload.keys():
        return one_of(folded(payload, 3), _NAMES) is not None
    if not ({fold(name) for name in payload} & _STARTS):
        return False
    told = folded(payload, 4)
    return one_of(told, _NAMES[:5]) is not None and not told.keys().isdisjoint(_MARKS)


_STARTS = frozenset({"rule", "ruleid", "rulename", "alertname", "kibana", "signal", "kibanaalertrulename"})
SOURCE = Source("elastic", read, detects)

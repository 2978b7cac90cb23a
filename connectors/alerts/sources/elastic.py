"""Elastic: Kibana's rules by the webhook connector, alert documents, and Watcher.

The body is a template that users write of documented variables (`rule.name`, `alert.actionGroup`,
`context.reason`, `kibana.alert.status`, `ctx.watch_id` …), nested or flat, in names of any form.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from connectors.alerts.fields import an_object
from connectors.alerts.limits import MAX_LABELS
from connectors.alerts.loose import fold, folded, graded, leaves, numbers, one_of, whereabouts, words
from connectors.alerts.source import Payload, RawAlert, Source
from connectors.alerts.times import perhaps
from connectors.alerts.vocabulary import without_state
from schemas.alert import AlertStatus
from schemas.errors import BadPayload

# names without case and punctuation; Kibana's own documents put `kibana.alert` in front, Watcher `ctx`
_NAMES = words("rulename kibanaalertrulename signalrulename alertrulename alertname name")
_WATCHES = words("metadataname ctxmetadataname watchid ctxwatchid")
_IDS = words("kibanaalertuuid alertuuid alertinstanceid alertid")
_STATES = words("kibanaalertstatus alertstatus signalstatus status state eventaction eventtype")
_GROUPS = words("alertactiongroup actiongroup alertactiongroupname kibanaalertactiongroup")
_WORKFLOW = words("kibanaalertworkflowstatus workflowstatus signalstatus status state")
_SEVERITIES = words("""severity kibanaalertseverity contextalertseverity contextseverity alertseverity
    kibanaalertruleseverity signalruleseverity ruleseverity contextruleseverity
    metadataseverity ctxmetadataseverity priority metadatapriority ctxmetadatapriority""")
_MESSAGES = words("""message reason kibanaalertreason contextmessage contextreason alertmessage
    description contexttitle contextdescription""")
_STARTS = words("kibanaalertstart alertstart")
_TIMES = words("""timestamp date contextdate contexttimestamp ctxexecutiontime executiontime
    ctxtriggertriggeredtime""")
_LINKS = words("contextalertdetailsurl alertdetailsurl kibanaalerturl contextlink ruleurl alerturl")
_OVER = frozenset(words("recovered resolved ok closed inactive untracked recoveredinstance alertrecovered"))
# the objects of a body that say what it is about: of rules, and of the Elastic Common Schema
_OBJECTS = frozenset(
    words("""rule alert kibana signal context ctx host service kubernetes orchestrator container cloud
    labels url monitor observer""")
)
_MARKS = frozenset(
    words(
        """spaceid rulespaceid kibanabaseurl kibanaalertuuid kibanaalertid kibanaalertstatus alertuuid alertid
        alertactiongroup alertinstanceid actiongroup eventtype kibanaalertactiongroup signalstatus
        signalruleid"""
    )
)
_ROOTS = frozenset(words("rule ruleid rulename alertname kibana signal kibanabaseurl kibanaalertrulename"))


def read(payload: Payload, received_at: int) -> list[RawAlert]:
    del received_at
    payload = an_object(payload, "")
    found = leaves(payload)
    told = {fold(path): value for path, value in found}
    name = one_of(told, (*_NAMES, *_WATCHES))
    if name is None:
        raise BadPayload("is missing", field="rule.name")
    status = _status(told)
    labels = _labels(payload, found)
    if own := one_of(told, _IDS):
        labels["sender_fingerprint"] = own
    if status is AlertStatus.FIRING and "acknowledged" in _said(told, _WORKFLOW):
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


def _said(told: dict[str, str], names: Iterable[str]) -> set[str]:
    return {fold(told[name]) for name in names if name in told}


def _status(told: dict[str, str]) -> AlertStatus:
    """Which of them a body has is its user's choice; one that says that it is over is enough."""
    words = _said(told, _STATES) | _said(told, _GROUPS)
    return AlertStatus.FIRING if _OVER.isdisjoint(words) else AlertStatus.RESOLVED


def _group_severity(told: dict[str, str]) -> str | None:
    """Rules with two thresholds have a group of actions for each: `metrics.threshold.fired`, `….warning`."""
    return "warning" if "warning" in (one_of(told, _GROUPS) or "").lower() else None


def _began(told: dict[str, str], status: AlertStatus) -> int | None:
    """The time of a message about an end is not when it began, unless it says so."""
    names = (*_STARTS, *_TIMES) if status is AlertStatus.FIRING else _STARTS
    return next((at for name in names if name in told and (at := perhaps(told, name))), None)


def _labels(payload: dict[str, Any], found: list[tuple[str, str]]) -> dict[str, str]:
    """The context is told of by its own names, as if it stood outside; unknown objects are not."""
    hidden = {name for name, value in payload.items() if value.__class__ is dict and name not in _OBJECTS}
    return dict(
        [
            (name.removeprefix("context.").removeprefix("groupByKeys."), text)
            for name, text in found
            if not hidden or name.partition(".")[0] not in hidden
        ][:MAX_LABELS]
    )


def detects(payload: Payload) -> bool:
    """A rule's or watch's name, and one of the variables that are Elastic's own."""
    if not isinstance(payload, dict):
        return False
    if isinstance(payload.get("watch_id"), str) or isinstance(payload.get("ctx"), dict):
        return one_of(folded(payload, 3), _WATCHES) is not None
    if not any(fold(name) in _ROOTS for name in payload):
        return False
    told = folded(payload, 4)
    return one_of(told, _NAMES) is not None and not _MARKS.isdisjoint(told)


SOURCE = Source("elastic", read, detects)

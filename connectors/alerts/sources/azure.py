"""Azure Monitor: the common alert schema, and what metric, log and activity-log alerts sent before it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from connectors.alerts.disguise import readable
from connectors.alerts.fields import an_object, first_of, join, part, parts, required, wrong
from connectors.alerts.limits import MAX_METRICS
from connectors.alerts.loose import finite, flat, said, whereabouts
from connectors.alerts.source import Payload, RawAlert, Source
from connectors.alerts.times import any_moment
from connectors.alerts.vocabulary import severity_of, without_state
from schemas.alert import AlertStatus, Metric, ResourceType, Severity
from schemas.errors import BadPayload, NoAlert

_FIRING, _RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED
_CONDITIONS = {"fired": _FIRING, "activated": _FIRING, "resolved": _RESOLVED, "deactivated": _RESOLVED}
_SEVERITIES = {  # Azure's own meaning: critical, error, warning, informational, verbose
    "0": Severity.CRITICAL,
    "1": Severity.CRITICAL,
    "2": Severity.WARNING,
    "3": Severity.INFO,
    "4": Severity.INFO,
}
_TYPES = {
    "microsoft.compute/virtualmachines": ResourceType.HOST,
    "microsoft.classiccompute/virtualmachines": ResourceType.HOST,
    "microsoft.hybridcompute/machines": ResourceType.HOST,
    "microsoft.web/sites": ResourceType.SERVICE,
    "microsoft.app/containerapps": ResourceType.SERVICE,
    "microsoft.insights/components": ResourceType.SERVICE,
    "microsoft.apimanagement/service": ResourceType.SERVICE,
}
_CLUSTERS = "microsoft.containerservice/managedclusters"
_LINKS = (
    "linkToFilteredSearchResultsUI",
    "linkToSearchResultsUI",
    "LinkToFilteredSearchResultsUI",
    "LinkToSearchResults",
)
_PAGE = "https://portal.azure.com/#blade/Microsoft_Azure_Monitoring/AlertDetailsTemplateBlade/alertId/"


def read(payload: Payload, received_at: int) -> list[RawAlert]:
    del received_at
    payload = an_object(payload, "")
    item, at = (part(payload, "data", ""), "data") if "data" in payload else (payload, "")
    if "essentials" in item:
        return [_common(item, at)]
    if "AlertRuleName" in item:
        return [_log(item, at)]
    if "BudgetName" in item:
        return [_budget(item, at)]
    if "operation" in item and "context" in item:
        raise NoAlert("tells of an autoscaling, no alert", field=join(at, "operation"))
    if "context" not in item:
        raise BadPayload("is missing", field=join(at, "essentials"))
    context = part(item, "context", at)
    read_it = _activity if "activityLog" in context else _metric
    return [read_it(item, context, at)]


def detects(payload: Payload) -> bool:
    if not isinstance(payload, dict):
        return False
    schema = payload.get("schemaId")
    if isinstance(schema, str):
        return isinstance(payload.get("data"), dict) and schema.lower().startswith(
            ("azuremonitor", "microsoft.insights/", "aip budget")
        )
    context = payload.get("context")
    if isinstance(context, dict):
        return "status" in payload and not context.keys().isdisjoint({"resourceId", "activityLog"})
    return payload.keys() >= {"AlertRuleName", "SearchQuery"}


def _common(item: dict[str, Any], at: str) -> RawAlert:
    essentials, where = part(item, "essentials", at), join(at, "essentials")
    context, within = part(item, "alertContext", at), join(at, "alertContext")
    status = _status(essentials, "monitorCondition", where)
    conditions = _conditions(context, within)
    resource = _first_text(essentials, "alertTargetIDs", where)
    level = first_of(context, ("level",), within)
    fallback = _first_text(essentials, "configurationItems", where)
    return _alert(
        rule=required(essentials, ["alertRule"], where),
        status=_RESOLVED if _is_over(context) else status,
        # an alert on the activity log is Sev4 always, and says in words how bad it is
        severity=severity_of(level) if level else _severity(first_of(essentials, ("severity",), where)),
        resource=resource or fallback,
        labels=_labels(
            conditions,
            part(item, "customProperties", at),
            context.get("properties"),
            context.get("labels"),  # of a Prometheus rule
        )
        | _named(monitoring_service=first_of(essentials, ("monitoringService",), where))
        | _named(sender_fingerprint=first_of(essentials, ("alertId",), where)),
        conditions=conditions,
        message=first_of(essentials, ("description",), where) or _title(context),
        began=any_moment(essentials, "firedDateTime", where),
        ended=any_moment(essentials, "resolvedDateTime", where),
        link=first_of(essentials, ("investigationLink",), where)
        or _link(context, conditions)
        or _page(first_of(essentials, ("alertId",), where)),
    )


def _metric(item: dict[str, Any], context: dict[str, Any], at: str) -> RawAlert:
    """A metric alert by itself; the classic ones have one condition, the younger a list."""
    where = join(at, "context")
    conditions = _conditions(context, where)
    status = _status(item, "status", at)
    changed = any_moment(context, "timestamp", where)
    return _alert(
        rule=required(context, ["name"], where),
        status=status,
        severity=_severity(first_of(context, ("severity",), where)),
        resource=first_of(context, ("resourceId", "resourceName"), where),
        labels=_labels(conditions, item.get("properties"))
        | _named(sender_fingerprint=first_of(context, ("id",), where)),
        conditions=conditions,
        message=first_of(context, ("description",), where),
        began=changed if status is _FIRING else None,
        ended=changed,
        link=first_of(context, ("portalLink",), where),
    )


def _activity(item: dict[str, Any], context: dict[str, Any], at: str) -> RawAlert:
    where = join(at, "context.activityLog")
    log = part(context, "activityLog", join(at, "context"))
    happened = any_moment(log, "eventTimestamp", where)
    over = _is_over(log) or _status(item, "status", at) is _RESOLVED
    return _alert(
        rule=required(log, ["operationName", "eventSource"], where),
        status=_RESOLVED if over else _FIRING,
        severity=severity_of(first_of(log, ("level",), where)),
        resource=first_of(log, ("resourceId",), where),
        labels=_labels([], item.get("properties"), log.get("properties")),
        conditions=[],
        message=first_of(log, ("description",), where) or _title(log),
        began=None if over else happened,
        ended=happened,
        link=None,
    )


def _log(item: dict[str, Any], at: str) -> RawAlert:
    """A log search found something; it never says that it no longer does."""
    return _alert(
        rule=required(item, ["AlertRuleName"], at),
        status=_FIRING,
        severity=_severity(first_of(item, ("Severity",), at)),
        resource=first_of(item, ("ResourceId",), at),
        labels=_labels([{"dimensions": item.get("Dimensions")}]),
        conditions=[{"metricName": "result_count", "metricValue": item.get("ResultCount")}],
        message=first_of(item, ("Description",), at),
        began=any_moment(item, "SearchIntervalEndtimeUtc", at),
        ended=None,
        link=_link(item, []),
    )


def _budget(item: dict[str, Any], at: str) -> RawAlert:
    """Money was spent past a threshold; the next period has a message of its own, or none."""
    unit, spent = first_of(item, ("Unit",), at), item.get("SpendingAmount")
    return _alert(
        rule=required(item, ["BudgetName"], at),
        status=_FIRING,
        severity=Severity.WARNING,
        resource=first_of(item, ("ResourceGroup",), at),
        labels=_labels([], item),
        conditions=[{"metricName": "spending_amount", "metricValue": spent}],
        message=f"{said(spent)} {unit or ''} of {said(item.get('Budget'))} are spent"
        if said(spent)
        else None,
        began=None,
        ended=None,
        link=None,
    )


def _alert(
    *,
    rule: str,
    status: AlertStatus,
    severity: Severity,
    resource: str | None,
    labels: dict[str, str],
    conditions: list[dict[str, Any]],
    message: str | None,
    began: int | None,
    ended: int | None,
    link: str | None,
) -> RawAlert:
    name = without_state(rule.rstrip("/").rpartition("/")[2] if rule.startswith("/subscriptions/") else rule)
    target, kind, namespace, cluster = whereabouts(labels)
    its_name, its_type = _parsed(resource)
    if its_type == _CLUSTERS:
        cluster = cluster or its_name
    if target is None and "Computer" in labels:  # of a log's rows
        target, kind = labels["Computer"], ResourceType.HOST
    if target is None:
        target, kind = its_name, _TYPES.get(its_type)
    return RawAlert(
        alert_type=name,
        severity=severity,
        source="azure",
        message=message or name,
        status=status,
        description=message,
        namespace=namespace,
        target_resource=target,
        resource_type=kind,
        cluster=cluster,
        metrics=_metrics(conditions),
        fired_at=began,
        ends_at=ended if status is _RESOLVED else None,
        labels=labels | _named(resource_id=resource),
        generator_url=link,
    )


def _status(item: dict[str, Any], name: str, at: str) -> AlertStatus:
    word = first_of(item, (name,), at)
    status = _CONDITIONS.get(word.lower()) if word else _FIRING
    if status is None:
        raise BadPayload(f"must be one of {', '.join(_CONDITIONS)}", field=join(at, name))
    return status


def _severity(word: str | None) -> Severity:
    plain = word.lower().removeprefix("sev") if word else ""
    return _SEVERITIES.get(plain) or severity_of(word)


def _is_over(log: dict[str, Any]) -> bool:
    """Service and resource health say it in their properties; their condition stays Fired."""
    properties = log.get("properties")
    if not isinstance(properties, dict):
        return False
    return (
        log.get("status") == "Resolved"
        or said(properties.get("stage")) in {"Resolved", "Complete", "Canceled"}
        or properties.get("currentHealthStatus") == "Available"
    )


def _title(log: dict[str, Any]) -> str | None:
    properties = log.get("properties")
    return said(properties.get("title")) if isinstance(properties, dict) else None


def _conditions(context: dict[str, Any], at: str) -> list[dict[str, Any]]:
    condition, where = part(context, "condition", at), join(at, "condition")
    return parts(condition, "allOf", where) if "allOf" in condition else [condition]


def _labels(conditions: list[dict[str, Any]], *properties: Any) -> dict[str, str]:
    labels: dict[str, str] = {}
    for pair in _dimensions(conditions):
        name, value = said(pair.get("name")), said(pair.get("value"))
        if name and value:
            labels.setdefault(name, value)
    for each in properties:
        if isinstance(each, dict):
            labels |= {name: value for name, value in flat(each, 1).items() if name not in labels}
    return labels


def _dimensions(conditions: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for condition in conditions:
        dimensions = condition.get("dimensions")
        if isinstance(dimensions, list):
            yield from (each for each in dimensions if isinstance(each, dict))


def _metrics(conditions: list[dict[str, Any]]) -> dict[str, Metric]:
    found: dict[str, Metric] = {}
    for condition in conditions[:MAX_METRICS]:
        number = finite(condition.get("metricValue"))
        if number is not None:
            found[
                said(condition.get("metricName")) or said(condition.get("metricMeasureColumn")) or "value"
            ] = number
    return found


def _parsed(resource: str | None) -> tuple[str | None, str]:
    """Name and type, of `/subscriptions/1/…/providers/microsoft.compute/virtualmachines/web-1`."""
    pieces = [piece for piece in (resource or "").split("/") if piece]
    if len(pieces) < 2:
        return (pieces[0] if pieces else None), ""
    _, mark, path = (resource or "").lower().rpartition("/providers/")
    types = path.split("/") if mark else []
    return pieces[-1], "/".join(types[:2])


def _first_text(item: dict[str, Any], name: str, at: str) -> str | None:
    value = item.get(name)
    if value is None or isinstance(value, str):
        return value or None
    if not isinstance(value, list):
        raise wrong("a list of texts", value, at, name)
    return said(value[0]) if value else None


def _named(**values: str | None) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}


def _link(context: dict[str, Any], conditions: list[dict[str, Any]]) -> str | None:
    return next(
        (link for each in (*conditions, context) for name in _LINKS if (link := said(each.get(name)))), None
    )


def _page(alert_id: str | None) -> str | None:
    """The alert's page in the portal."""
    return (
        _PAGE + quote(readable(alert_id), safe="")
        if alert_id and alert_id.startswith("/subscriptions/")
        else None
    )


SOURCE = Source("azure", read, detects)

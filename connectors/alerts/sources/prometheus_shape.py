"""The shape that Alertmanager made common: labels, annotations, startsAt, endsAt. Three sources share it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from connectors.alerts.fields import an_object, join, list_of_alerts, text, texts, wrong
from connectors.alerts.source import Payload, RawAlert
from connectors.alerts.times import moment
from connectors.alerts.vocabulary import RESOURCES, Resources, resource_of, severity_of, without_state
from schemas.alert import AlertStatus, ResourceType, Severity
from schemas.errors import BadPayload
from schemas.settled import Settled

_FIRING, _RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED
_STATUSES = {"firing": _FIRING, "resolved": _RESOLVED}
_MESSAGES = ("summary", "message", "description")
_MOST_SUBJECTS = 10_000
_LONGEST_SUBJECT = 4_000  # characters


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """What is the same each time that an alert comes: its labels, and all that hangs on them."""

    alert_type: str
    severity: Severity
    namespace: str | None
    target_resource: str | None
    resource_type: ResourceType | None
    cluster: str | None
    labels: Settled
    generator_url: str | None


class Subjects(dict[tuple[Any, ...], Subject]):
    """The subjects of late, by their labels as they came; an alert repeats, and each repeat brings them."""

    def of(self, item: dict[str, Any], at: str, dialect: Dialect) -> Subject:
        labels, sender, link = item.get("labels"), item.get("fingerprint"), item.get("generatorURL")
        if labels.__class__ is not dict:
            return _subject(item, texts(item, "labels", at), at, dialect)
        key = (*labels, *labels.values(), sender, link)
        try:
            subject = self.get(key)
        except TypeError:  # not all of it is text
            return _subject(item, texts(item, "labels", at), at, dialect)
        return subject or self._new(key, item, at, dialect)

    def _new(self, key: tuple[Any, ...], item: dict[str, Any], at: str, dialect: Dialect) -> Subject:
        labels = texts(item, "labels", at)
        subject = _subject(item, labels, at, dialect)
        # what was written out is not remembered: 1, 1.0 and true are one key, but three texts
        if labels is item["labels"] and sum(map(len, filter(None, key))) <= _LONGEST_SUBJECT:
            if len(self) >= _MOST_SUBJECTS:
                self.clear()
            self[key] = subject
        return subject


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between the sources: their name, and where labels say what the alert is about."""

    source: str
    resources: Resources = RESOURCES
    namespace: tuple[str, ...] = ("namespace",)
    cluster: tuple[str, ...] = ("cluster",)
    subjects: Subjects = field(default_factory=Subjects, compare=False, repr=False)


def _subject(item: dict[str, Any], labels: dict[str, str], at: str, dialect: Dialect) -> Subject:
    name, sender = labels.get("alertname"), text(item, "fingerprint", at)
    if not name:
        raise BadPayload("is missing", field=f"{at}.labels.alertname")
    target, kind = resource_of(labels, dialect.resources)
    return Subject(
        without_state(name),
        severity_of(labels.get("severity")),
        first(labels, dialect.namespace),
        target,
        kind,
        first(labels, dialect.cluster),
        Settled({**labels, "sender_fingerprint": sender} if sender else labels),
        text(item, "generatorURL", at),
    )


def first_alert(payload: Payload) -> dict[str, Any] | None:
    """The first alert of a group or of a bare list, for detection; None where there is none."""
    alerts = payload.get("alerts") if isinstance(payload, dict) else payload
    if isinstance(alerts, list) and alerts and isinstance(alerts[0], dict):
        return alerts[0]
    return None


def read_group(payload: dict[str, Any], received_at: int, dialect: Dialect) -> list[RawAlert]:
    """A webhook's body. The group's own status, labels and annotations are never an alert's."""
    if "alerts" not in payload:
        raise BadPayload("is missing", field="alerts")
    items = list_of_alerts(payload["alerts"], "alerts")
    alerts = [read_alert(item, f"alerts.{i}", received_at, dialect) for i, item in enumerate(items)]
    if _left_out(payload):
        for alert in alerts:
            alert.incomplete = True
    return alerts


def _left_out(group: dict[str, Any]) -> bool:
    count = group.get("truncatedAlerts")
    if count is None or isinstance(count, int | float):
        return bool(count and count > 0)
    raise wrong("a number", count, "truncatedAlerts")


def read_alert(item: Any, at: str, received_at: int, dialect: Dialect) -> RawAlert:
    item = an_object(item, at)
    subject = dialect.subjects.of(item, at, dialect)
    annotations = texts(item, "annotations", at)
    ends_at = moment(item, "endsAt", at)
    status = _status(item, ends_at, received_at, at)
    alert = RawAlert(
        subject.alert_type,
        subject.severity,
        dialect.source,
        first(annotations, _MESSAGES) or subject.alert_type,
        status,
        annotations.get("description") or None,
        subject.namespace,
        subject.target_resource,
        subject.resource_type,
        subject.cluster,
        fired_at=moment(item, "startsAt", at),
        ends_at=ends_at if status is _RESOLVED else None,  # of a firing alert it is only a time-out
        labels=subject.labels,
        annotations=annotations,
        generator_url=subject.generator_url,
        subject=subject,
    )
    return _muted(alert) if status is _FIRING and _is_suppressed(item.get("status")) else alert


def _is_suppressed(status: Any) -> bool:
    """Alertmanager's API has an object here: a silence or another alert may hold this one back."""
    return status.__class__ is dict and status.get("state") == "suppressed"


def _muted(alert: RawAlert) -> RawAlert:
    alert.labels = {**alert.labels, "sender_status": "muted"}
    alert.subject = None  # it is of these labels no longer
    return alert


def first(values: dict[str, str], names: tuple[str, ...]) -> str | None:
    for name in names:
        value = values.get(name)
        if value:
            return value
    return None


def _status(item: dict[str, Any], ends_at: int | None, received_at: int, at: str) -> AlertStatus:
    """The alert's own status; the v2 API has none (or an object about silences), there endsAt decides."""
    value = item.get("status")
    if value is None or isinstance(value, dict):
        return _RESOLVED if ends_at is not None and ends_at <= received_at else _FIRING
    status = _STATUSES.get(value) if isinstance(value, str) else None
    if status is None:
        raise BadPayload("must be firing or resolved", field=join(at, "status"))
    return status

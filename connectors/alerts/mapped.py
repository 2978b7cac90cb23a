"""Sources that a file describes: any JSON into alerts, with no code. The file itself: mapping.py."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from connectors.alerts.expressions import Expression, Look
from connectors.alerts.fields import as_metric, join, kind_of, list_of_alerts
from connectors.alerts.loose import finite, said, tags, whereabouts
from connectors.alerts.mapping import AlertMapping, MappingsFile, WhyNot
from connectors.alerts.registry import refusal
from connectors.alerts.source import Payload, RawAlert, Source
from connectors.alerts.times import any_moment
from connectors.alerts.vocabulary import severity_of, without_state
from connectors.checked_file import parse_checked, read_bytes
from schemas.alert import AlertStatus, Metric, ResourceType, Severity
from schemas.errors import BadPayload

_DETECT_STEPS = 10_000  # every payload of unknown origin is looked at
_NOTHING: tuple[object, ...] = (None, "", [], {}, False)  # what JMESPath takes for false
_FIRING = (
    "firing alerting alert active open opened triggered problem down critical warning new created raised"
)
_RESOLVED = "resolved ok closed recovered normal up inactive cleared ended healthy"
_STATUSES = {
    **dict.fromkeys(_FIRING.split(), AlertStatus.FIRING),
    **dict.fromkeys(_RESOLVED.split(), AlertStatus.RESOLVED),
}
_KINDS = {kind.value: kind for kind in ResourceType}


def read_mappings(path: Path, taken: Mapping[str, Source]) -> dict[str, Source]:
    """The sources of a file, by name. Raises Misconfigured, which names the line and what is allowed."""
    why_not: WhyNot = partial(refusal, taken=taken)
    file = parse_checked(read_bytes(path, "mappings file"), MappingsFile, str(path), context=why_not)
    return {name: source_of(name, mapping) for name, mapping in file.mappings.items()}


def source_of(name: str, mapping: AlertMapping) -> Source:
    reader = _Reader(name, mapping)
    return Source(name, reader.read, reader.detects)


class _Reader:
    def __init__(self, name: str, mapping: AlertMapping) -> None:
        self.name, self.mapping = name, mapping
        self.single, self._shared = mapping.single(), mapping.shared.single()
        self._names_resources = (
            "resource" in self.single or "resource" in self._shared or bool(mapping.defaults.resource)
        )

    def detects(self, payload: Payload) -> bool:
        if self.mapping.detect is None:
            return False
        try:
            return self.mapping.detect.of(payload, Look(_DETECT_STEPS)) not in _NOTHING
        except BadPayload:
            return False

    def read(self, payload: Payload, received_at: int) -> list[RawAlert]:
        look = Look()
        around = _Place(payload, "", look, self._shared, {})
        shared = {name: found for name in self._shared if (found := around.value(name)) is not None}
        places = [_Place(item, at, look, self.single, shared) for item, at in self._items(payload, look)]
        return [self._alert(place, around, received_at) for place in places]

    def _items(self, payload: Payload, look: Look) -> list[tuple[Any, str]]:
        if self.mapping.each is None:
            return [(payload, "")]
        found = _Place(payload, "", look, {"each": self.mapping.each}, {}).value("each")
        if found is None:
            raise BadPayload(f"is missing: `{self.mapping.each.text}` finds nothing", field="each")
        return [(item, str(i)) for i, item in enumerate(list_of_alerts(found, "each"))]

    def _alert(self, place: _Place, around: _Place, received_at: int) -> RawAlert:
        defaults = self.mapping.defaults
        labels = self._labels(place, around)
        target, kind, namespace, cluster = whereabouts(labels)
        if self._names_resources:
            target, kind = place.text("resource") or defaults.resource, self._resource_type(place)
        title, ends_at = self._title(place), place.moment("ends_at")
        status = self._status(place, ends_at, received_at)
        return RawAlert(
            title,
            self._severity(place),
            self.name,
            place.text("message") or defaults.message or title,
            status,
            place.text("description") or defaults.description,
            place.text("namespace") or defaults.namespace or namespace,
            target,
            kind if target else None,
            place.text("cluster") or defaults.cluster or cluster,
            self._metrics(place, around),
            place.moment("fired_at"),
            ends_at if status is AlertStatus.RESOLVED else None,
            labels,
            self._annotations(place, around),
            place.text("url") or defaults.url,
        )

    def _title(self, place: _Place) -> str:
        title = place.text("title") or self.mapping.defaults.title
        if not title:
            raise place.missing("title")
        return without_state(title)

    def _severity(self, place: _Place) -> Severity:
        word = place.text("severity")
        if word is None:
            return self.mapping.defaults.severity or severity_of(None)
        meant: Severity | None = self.mapping.values.meaning("severity", word)
        return meant or severity_of(word)

    def _status(self, place: _Place, ends_at: int | None, received_at: int) -> AlertStatus:
        """A word that nobody explained is refused: taken for the wrong one, it misleads everybody."""
        word = place.text("status")
        if word is None:
            if ends_at is not None and ends_at <= received_at:
                return AlertStatus.RESOLVED
            return self.mapping.defaults.status or AlertStatus.FIRING
        meant: AlertStatus | None = self.mapping.values.meaning("status", word)
        found = meant or _STATUSES.get(word.strip().lower())
        if found is None:
            known = ", ".join(self.mapping.values.status or _STATUSES)
            raise place.wrong("status", f"must be one of {known}; the mapping's values.status may name more")
        return found

    def _resource_type(self, place: _Place) -> ResourceType | None:
        word = place.text("resource_type") or ""
        meant: ResourceType | None = self.mapping.values.meaning("resource_type", word)
        return meant or _KINDS.get(word.lower()) or self.mapping.defaults.resource_type

    def _labels(self, place: _Place, around: _Place) -> dict[str, str]:
        shared, own = self.mapping.shared, self.mapping
        return {
            **self.mapping.defaults.labels,
            **around.tags(),
            **around.texts("labels", shared.labels),
            **place.tags(),
            **place.texts("labels", own.labels),
        }

    def _annotations(self, place: _Place, around: _Place) -> dict[str, str]:
        shared = around.texts("annotations", self.mapping.shared.annotations)
        own = place.texts("annotations", self.mapping.annotations)
        return {**self.mapping.defaults.annotations, **shared, **own}

    def _metrics(self, place: _Place, around: _Place) -> dict[str, Metric]:
        return {**around.metrics(self.mapping.shared.metrics), **place.metrics(self.mapping.metrics)}


class _Place:
    """A part of a payload, and what the mapping's expressions find in it."""

    __slots__ = ("_at", "_item", "_look", "_shared", "_single")

    def __init__(
        self, item: Any, at: str, look: Look, single: Mapping[str, Expression], shared: Mapping[str, Any]
    ) -> None:
        self._item, self._at, self._look, self._single, self._shared = item, at, look, single, shared

    def value(self, name: str) -> Any:
        """None where neither the place nor what is shared says anything."""
        expression = self._single.get(name)
        if expression is not None:
            found = self._of(expression, name)
            if found is not None and found != "":
                return found
        return self._shared.get(name)

    def text(self, name: str) -> str | None:
        value = self.value(name)
        return value if value.__class__ is str or value is None else self._text(value, name)

    def moment(self, name: str) -> int | None:
        value = self.value(name)
        return None if value is None else any_moment({name: value}, name, self._at)

    def tags(self) -> dict[str, str]:
        return tags({"labels_from": self.value("labels_from")}, "labels_from", self._at)

    def texts(self, part: str, expressions: Mapping[str, Expression]) -> dict[str, str]:
        found = {}
        for name, expression in expressions.items():
            value = self._of(expression, f"{part}.{name}")
            if value is not None and (text := self._text(value, f"{part}.{name}")):
                found[name] = text
        return found

    def metrics(self, expressions: Mapping[str, Expression]) -> dict[str, Metric]:
        found: dict[str, Metric] = {}
        for name, expression in expressions.items():
            value = self._of(expression, f"metrics.{name}")
            if value is not None:
                number = finite(value)
                found[name] = as_metric(value, self._at, f"metrics.{name}") if number is None else number
        return found

    def missing(self, name: str) -> BadPayload:
        expression = self._single.get(name)
        return self.wrong(
            name, f"is missing: `{expression.text}` finds nothing" if expression else "is missing"
        )

    def wrong(self, name: str, what: str) -> BadPayload:
        return BadPayload(what, field=join(self._at, name))

    def _of(self, expression: Expression, name: str) -> Any:
        try:
            return expression.of(self._item, self._look)
        except BadPayload as error:
            raise error.within(join(self._at, name)) from None

    def _text(self, value: Any, name: str) -> str | None:
        """Numbers and booleans are written out, lists of such joined."""
        parts = value if isinstance(value, list) else [value]
        for part in parts:
            if isinstance(part, dict | list):
                raise self.wrong(name, f"must be text, not {kind_of(value)}")
        return ", ".join(filter(None, map(said, parts))) or None

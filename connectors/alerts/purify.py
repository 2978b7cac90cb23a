"""From what a source read to text that may be stored and shown to a model.

Every text is cut to its length, freed of hostile parts and of personal values, in that order. Repeats
carry the same texts, so what was found in a text is remembered; only the labels are numbered anew for
each alert. The fingerprint is the caller's, over the real names, before any of this.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar
from urllib.parse import unquote

from connectors.alerts import limits, metrics
from connectors.alerts.disguise import readable, without_invisible
from connectors.alerts.hostile_text import clean
from connectors.alerts.secret_names import is_placeholder, kind_of_secret
from connectors.alerts.source import RawAlert
from connectors.alerts.vocabulary import IDENTITY
from schemas.alert import Metric

Finding = tuple[int, int, str]
_Value = TypeVar("_Value")
Find = Callable[[str], Sequence[Finding]]
Clean = Callable[[str], tuple[str, tuple[str, ...]]]

_ENCODED = re.compile("%[0-9A-Fa-f]{2}")
# A number that stands alone: part of no address, key or word, whatever it is
_LONE_NUMBERS = re.compile(
    r"(?<![^ (])[0-9]{1,9}(?:\.[0-9]{1,6})?(?=[ %,)]|\.?$|\. |ms\b|[smhd%]\b|[KMGT]i?B?\b)"
)
_MOST_ENCODINGS = 3

# The machine that an alert is about must stay known, to people and to the fingerprint.
KEPT_IN_IDENTITY = frozenset({"IP", "UUID"})


class Shield(Protocol):
    """Numbers the personal values of one alert."""

    values: dict[str, str]

    def replace(self, text: str, findings: Sequence[Finding], keep: Collection[str] = ()) -> str: ...


@dataclass(slots=True)
class Purified:
    """The cleaned texts of one alert; `values` is what the labels in them stand for, to be sealed."""

    alert_type: str
    source: str
    message: str
    description: str | None
    namespace: str | None
    target_resource: str | None
    cluster: str | None
    generator_url: str | None
    labels: dict[str, str]
    annotations: dict[str, str]
    metrics: dict[str, Metric]
    patterns: tuple[str, ...]
    truncated: tuple[str, ...]
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Reading:
    """What was found in a text that is not plain."""

    text: str
    patterns: tuple[str, ...]
    findings: Sequence[Finding]


class Purifier:
    """Purifies alerts one after the other, and remembers their texts up to a bound."""

    def __init__(
        self,
        find: Find,
        shield: Callable[[], Shield],
        *,
        clean: Clean = clean,
        texts: int = 100_000,
        characters: int = 16_000_000,
    ) -> None:
        self._find, self._shield, self._clean = find, shield, clean
        self._texts, self._characters = texts, characters
        self._forget()

    def _forget(self) -> None:
        self._room = self._characters
        self._plain: set[str] = set()  # texts with nothing to do, short enough for any field
        self.settled_labels: set[tuple[str, str]] = set()  # pairs that come out as they went in
        self.settled_annotations: set[tuple[str, str]] = set()
        self._readings: dict[str, _Reading | None] = {}
        self._plain_but_for_numbers: set[str] = set()
        self._numbers: dict[str, dict[str, float]] = {}

    def purify(self, raw: RawAlert) -> Purified:
        if len(self._readings) > self._texts or self._room < 0:
            self._forget()
        alert = _Alert(self, self._shield)
        return Purified(
            alert_type=alert.text(raw.alert_type, limits.ALERT_TYPE, "alert_type"),
            source=alert.text(raw.source, limits.SOURCE, "source"),
            message=alert.text(raw.message, limits.MESSAGE, "message"),
            description=alert.optional(raw.description, limits.DESCRIPTION, "description"),
            namespace=alert.optional(raw.namespace, limits.NAMESPACE, "namespace", KEPT_IN_IDENTITY),
            target_resource=alert.optional(
                raw.target_resource, limits.TARGET_RESOURCE, "target_resource", KEPT_IN_IDENTITY
            ),
            cluster=alert.optional(raw.cluster, limits.CLUSTER, "cluster", KEPT_IN_IDENTITY),
            generator_url=alert.optional(raw.generator_url, limits.GENERATOR_URL, "generator_url"),
            labels=alert.labels(raw.labels, raw.target_resource),
            annotations=alert.annotations(raw.annotations),
            metrics=self._metrics(raw, alert),
            patterns=tuple(sorted(alert.patterns)) if alert.patterns else (),
            truncated=tuple(alert.truncated),
            values=alert.shield.values if alert.shield else {},
        )

    def is_plain(self, text: str, limit: int) -> bool:
        return text in self._plain and len(text) <= limit

    def reading(self, text: str) -> _Reading | None:
        """What there is to do in a text, None for nothing."""
        try:
            return self._readings[text]
        except KeyError:
            reading = self._readings[text] = self._read(text)
        self._room -= len(text)
        if reading is None and len(text) <= limits.SHORTEST_TEXT:
            self._plain.add(text)
        return reading

    def _read(self, text: str) -> _Reading | None:
        """A rule says the same about each of its numbers: what is plain with any is plain with this."""
        shape = _LONE_NUMBERS.sub("0", text)
        if shape in self._plain_but_for_numbers:
            return None
        reading = self._read_whole(text)
        if reading is None and shape != text and self._is_plain_with_any(text):
            self._plain_but_for_numbers.add(shape)
        return reading

    def _is_plain_with_any(self, text: str) -> bool:
        """Also with the shortest and the longest number there can be: some values show by their length."""
        others = (_LONE_NUMBERS.sub(number, text) for number in ("7", "876543219", "876543219.654321"))
        return "=" not in text and all(self._read_whole(other) is None for other in others)

    def _read_whole(self, text: str) -> _Reading | None:
        if _ENCODED.search(text):  # a link to a query hides from every pattern what it was asked with
            reading = self._read_as_it_is(_decoded(text))
            if reading is not None and reading.findings:
                return reading
        return self._read_as_it_is(text)

    def _read_as_it_is(self, text: str) -> _Reading | None:
        cleaned, patterns = self._clean(readable(text))
        cleaned = without_invisible(cleaned)
        findings = self._find(cleaned)
        return _Reading(cleaned, patterns, findings) if findings or cleaned != text else None

    def _metrics(self, raw: RawAlert, alert: _Alert) -> dict[str, Metric]:
        """The source's own, then what the texts name."""
        found = alert.metrics(raw.metrics) if raw.metrics else {}
        for text in (raw.message, raw.description):
            for name, number in self._numbers_in(text).items() if text else ():
                found.setdefault(name, number)
        return found

    def _numbers_in(self, text: str) -> dict[str, float]:
        numbers = self._numbers.get(text)
        if numbers is None:
            self._room -= len(text)
            numbers = self._numbers[text] = metrics.from_text(text[: limits.DESCRIPTION])
        return numbers


def _decoded(text: str) -> str:
    """Without percent-encoding, which dashboards put around what is encoded already."""
    for _ in range(_MOST_ENCODINGS):
        text = unquote(text)
    return text


@dataclass(slots=True)
class _Alert:
    """One alert under cleaning: its labels are numbered together, its cuts and patterns gathered."""

    memory: Purifier
    new_shield: Callable[[], Shield]
    shield: Shield | None = None
    patterns: set[str] = field(default_factory=set)
    truncated: list[str] = field(default_factory=list)

    def text(self, text: str, limit: int, name: str, keep: Collection[str] = ()) -> str:
        if self.memory.is_plain(text, limit):
            return text
        text = self._fitting(text, limit, name)
        reading = self.memory.reading(text)
        if reading is None:
            return text
        self.patterns.update(reading.patterns)
        if not reading.findings:
            return reading.text
        return self._covered(reading.text, reading.findings, keep)

    def _fitting(self, text: str, limit: int, name: str) -> str:
        if len(text) <= limit:
            return text
        self.truncated.append(name)
        return limits.cut(text, limit)

    def optional(self, text: str | None, limit: int, name: str, keep: Collection[str] = ()) -> str | None:
        return None if text is None else self.text(text, limit, name, keep)

    def labels(self, labels: dict[str, str], target: str | None) -> dict[str, str]:
        settled = self.memory.settled_labels
        if settled.issuperset(labels.items()) and len(labels) <= limits.MAX_LABELS:
            return labels  # the usual case, settled at once
        clean = {}
        for pair in self._at_most(labels, limits.MAX_LABELS, "labels"):
            if pair in settled:
                clean[pair[0]] = pair[1]
                continue
            name, value = pair
            identity = name in IDENTITY
            keep = KEPT_IN_IDENTITY if identity or value == target else ()
            done = self._pair(name, value, limits.LABEL, "labels", keep)
            clean[done[0]] = done[1]
            if done == pair and (identity or value != target):
                settled.add(pair)
        return clean

    def annotations(self, annotations: dict[str, str]) -> dict[str, str]:
        settled = self.memory.settled_annotations
        if settled.issuperset(annotations.items()) and len(annotations) <= limits.MAX_ANNOTATIONS:
            return annotations
        clean = {}
        for pair in self._at_most(annotations, limits.MAX_ANNOTATIONS, "annotations"):
            done = pair if pair in settled else self._pair(*pair, limits.ANNOTATION, "annotations")
            clean[done[0]] = done[1]
            if done == pair and self.memory.is_plain(pair[1], limits.SHORTEST_TEXT):
                settled.add(pair)
        return clean

    def _pair(
        self, name: str, value: str, limit: int, of: str, keep: Collection[str] = ()
    ) -> tuple[str, str]:
        shown = self._name(name, of)
        return shown, self._named(name, value, limit, f"{of}.{shown}"[: limits.NAME], keep)

    def metrics(self, metrics: dict[str, Metric]) -> dict[str, Metric]:
        return {
            self._name(name, "metrics"): self._named(name, value, limits.METRIC, "metrics")
            if isinstance(value, str)
            else value
            for name, value in self._at_most(metrics, limits.MAX_METRICS, "metrics")
        }

    def _named(self, name: str, value: str, limit: int, shown: str, keep: Collection[str] = ()) -> str:
        """The value is covered whole where its name makes a secret of it."""
        kind = kind_of_secret(name)
        if kind is None or is_placeholder(value):
            return self.text(value, limit, shown, keep)
        value = self._fitting(value, limit, shown)
        reading = self.memory.reading(value)
        if reading is None:
            return self._covered(value, ((0, len(value), kind),))
        self.patterns.update(reading.patterns)
        whole = (0, len(reading.text))
        told = next((finding for finding in reading.findings if finding[:2] == whole), (*whole, kind))
        return self._covered(reading.text, (told,))

    def _covered(self, text: str, findings: Sequence[Finding], keep: Collection[str] = ()) -> str:
        self.shield = self.shield or self.new_shield()
        return self.shield.replace(text, findings, keep)

    def _name(self, name: str, of: str) -> str:
        return self.text(name, limits.NAME, of)

    def _at_most(self, entries: dict[str, _Value], limit: int, name: str) -> list[tuple[str, _Value]]:
        if len(entries) > limit:
            self.truncated.append(name)
        return list(entries.items())[:limit]

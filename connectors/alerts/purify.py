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

from connectors.alerts import limits
from connectors.alerts.disguise import readable, without_invisible
from connectors.alerts.hostile_text import clean
from connectors.alerts.secret_names import is_placeholder, kind_of_secret
from connectors.alerts.shapes import LONE_NUMBERS, Shape, key_of
from connectors.alerts.source import RawAlert
from connectors.alerts.vocabulary import IDENTITY
from schemas.alert import Metric

Finding = tuple[int, int, str]
_Value = TypeVar("_Value")
Find = Callable[[str], Sequence[Finding]]
Clean = Callable[[str], tuple[str, tuple[str, ...]]]

_ENCODED = re.compile("%[0-9A-Fa-f]{2}")
_MOST_ENCODINGS = 3

# The machine that an alert is about must stay known, to people and to the fingerprint.
KEPT_IN_IDENTITY = frozenset({"IP", "UUID"})

MOST_SUBJECTS = 10_000
_Common = tuple[str, str, str | None, str | None, str | None, str | None, dict[str, str]]
"""what all alerts of one subject have in common: all that hangs on their labels alone"""
_NO_NUMBERS: Mapping[str, float] = {}


class Shield(Protocol):
    """Numbers the personal values of one alert."""

    values: dict[str, str]

    def replace(self, text: str, findings: Sequence[Finding], keep: Collection[str] = ()) -> str: ...


@dataclass(slots=True)
class Purified:
    """The cleaned texts of one alert; `values` is what the labels in them stand for, to be sealed."""

    alert_type: str
    source: str
    namespace: str | None
    target_resource: str | None
    cluster: str | None
    generator_url: str | None
    labels: dict[str, str]
    message: str
    description: str | None
    annotations: dict[str, str]
    metrics: dict[str, Metric]
    patterns: tuple[str, ...] = ()
    truncated: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)


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
        characters: int = 8_000_000,
    ) -> None:
        self._find, self._shield, self._clean = find, shield, clean
        self._texts, self._characters = texts, characters
        self._forget()

    def _forget(self) -> None:
        self._room = self._characters
        self._plain: set[str] = set()  # texts with nothing to do, short enough for any field
        self.settled_labels: set[tuple[str, str]] = set()  # pairs that come out as they went in
        self.harmless_names: set[str] = set()  # of annotations: plain, and they make no secret of a value
        self._settled: dict[object, _Common] = {}
        self._readings: dict[str, _Reading | None] = {}
        self._plain_with_any: dict[str, bool] = {}  # by a text with 0 for each number; False: met, not known
        self._shapes: dict[bytes, Shape] = {}
        self._numbers: dict[str, dict[str, float]] = {}

    def purify(self, raw: RawAlert) -> Purified:
        if len(self._readings) > self._texts or self._room < 0:
            self._forget()
        return self._as_it_is(raw) if self._is_settled(raw) else self._purify(raw)

    def _is_settled(self, raw: RawAlert) -> bool:
        """Whether nothing need be done: its labels were settled before, and its texts are plain."""
        if raw.subject is None or raw.metrics or self._settled.get(raw.subject) != _common(raw):
            return False
        plain, harmless, is_plain = self._plain, self.harmless_names, self._reads_plain
        for text in (raw.message, raw.description):
            if text is not None and text not in plain and not is_plain(text):
                return False
        for name, text in raw.annotations.items():
            if name not in harmless or (text not in plain and not is_plain(text)):
                return False
        return len(raw.annotations) <= limits.MAX_ANNOTATIONS

    def _reads_plain(self, text: str) -> bool:
        return len(text) <= limits.SHORTEST_TEXT and self.reading(text) is None

    def _as_it_is(self, raw: RawAlert) -> Purified:
        numbers = self._numbers_of(raw, {})
        return Purified(*_common(raw), raw.message, raw.description, raw.annotations, numbers)

    def _purify(self, raw: RawAlert) -> Purified:
        alert = _Alert(self, self._shield)
        clean = Purified(
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
            metrics=self._numbers_of(raw, alert.metrics(raw.metrics) if raw.metrics else {}),
        )
        clean.patterns, clean.truncated = tuple(sorted(alert.patterns)), tuple(alert.truncated)
        clean.values = alert.shield.values if alert.shield else {}
        if raw.subject is not None and not (clean.values or clean.patterns or clean.truncated):
            self._settle(raw, clean)
        return clean

    def _settle(self, raw: RawAlert, clean: Purified) -> None:
        """All alerts of this subject have these parts in common, and they come out as they went in."""
        common = _common(raw)
        if common == _common(clean):
            if len(self._settled) >= MOST_SUBJECTS:
                self._settled.clear()
            self._settled[raw.subject] = common

    def is_plain(self, text: str, limit: int) -> bool:
        return text in self._plain and len(text) <= limit

    def reading(self, text: str) -> _Reading | None:
        """What there is to do in a text, None for nothing.

        A rule says the same about each of its numbers: what is plain with any is plain with these, and not
        worth remembering, since it comes with others each time.
        """
        if text in self._readings:
            return self._readings[text]
        shape = self._shape(text)
        with_zeros = shape.without_numbers(text)
        if self._plain_with_any.get(with_zeros):
            return None
        reading = self._readings[text] = self._read_whole(text)
        self._room -= len(text)
        if shape.named:
            self._numbers[text] = shape.numbers_in(text)
        if reading is None and with_zeros != text:
            self._met_again(text, with_zeros)
        if reading is None and len(text) <= limits.SHORTEST_TEXT:
            self._plain.add(text)
        return reading

    def _shape(self, text: str) -> Shape:
        if not text.isascii():  # its lower case may be longer, and its digits others
            return Shape.of(text)
        key = key_of(text)
        shape = self._shapes.get(key)
        if shape is None:
            self._room -= len(key)
            shape = self._shapes[key] = Shape.of(text)
        return shape

    def _met_again(self, text: str, with_zeros: str) -> None:
        """Worth a closer look once its shape comes with other numbers: in a storm most come once."""
        if with_zeros in self._plain_with_any:
            self._plain_with_any[with_zeros] = self._is_plain_with_any(text, with_zeros)
        else:
            self._plain_with_any[with_zeros] = False
            self._room -= len(with_zeros)

    def _is_plain_with_any(self, text: str, with_zeros: str) -> bool:
        """Orders name no number but 0; some values show by their length, from the shortest to the longest."""
        if "=" in text or self._read_whole(with_zeros) is not None:
            return False
        others = (LONE_NUMBERS.sub(number, text) for number in ("7", "876543219", "876543219.654321"))
        return not any(self._find(read) for other in others for read in {other, _decoded(other)})

    def _read_whole(self, text: str) -> _Reading | None:
        decoded = _decoded(text)
        if decoded != text:  # a link to a query hides from every pattern what it was asked with
            reading = self._read_as_it_is(decoded)
            if reading is not None and reading.findings:
                return reading
        return self._read_as_it_is(text)

    def _read_as_it_is(self, text: str) -> _Reading | None:
        cleaned, patterns = self._clean(readable(text))
        cleaned = without_invisible(cleaned)
        findings = self._find(cleaned)
        return _Reading(cleaned, patterns, findings) if findings or cleaned != text else None

    def _numbers_of(self, raw: RawAlert, metrics: dict[str, Metric]) -> dict[str, Metric]:
        """The source's own, then what the texts name."""
        for text in (raw.message, raw.description):
            numbers = self._numbers_in(text) if text else None
            if numbers:
                metrics = {**numbers, **metrics}
        return metrics

    def _numbers_in(self, text: str) -> Mapping[str, float]:
        numbers = self._numbers.get(text)
        if numbers is not None:
            return numbers
        return _NO_NUMBERS if text in self._readings else self._shape(text).numbers_in(text)


def _common(alert: RawAlert | Purified) -> _Common:
    return (
        alert.alert_type,
        alert.source,
        alert.namespace,
        alert.target_resource,
        alert.cluster,
        alert.generator_url,
        alert.labels,
    )


def _decoded(text: str) -> str:
    """Without percent-encoding, which dashboards put around what is encoded already."""
    if not _ENCODED.search(text):
        return text
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
        clean = {}
        for name, value in self._at_most(annotations, limits.MAX_ANNOTATIONS, "annotations"):
            shown, covered = self._pair(name, value, limits.ANNOTATION, "annotations")
            clean[shown] = covered
            if shown == name and kind_of_secret(name) is None and self.memory.is_plain(name, limits.NAME):
                self.memory.harmless_names.add(name)
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

"""Silences and maintenance windows as evidence: somebody may be working on what fires.

A value of the topic `silences` is a JSON object, whoever wrote it, or an event that holds one as its payload:

    {"id": "…", "project_id": "shop", "kind": "silence", "maintenance" or "freeze", "comment": "…", "by": "…",
     "matchers": [{"name": "namespace", "value": "shop", "regex": false, "negated": false}],
     "everything": false, "starts_at": …, "ends_at": …}

Times are ISO 8601 or epoch milliseconds; without an end it lasts. Unknown fields are passed over, so that
writers may add to it. As an event it is Avro as well: `reader` takes all of these.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from connectors.evidence import Finding, Wanted
from connectors.patterns import LONGEST_PATTERN, compiled
from schemas.codec import Codec
from schemas.envelope import to_millis
from schemas.errors import Never
from schemas.evidence import Source

DAY_MS = 24 * 60 * 60 * 1000
HOUR_MS = 60 * 60 * 1000
MOST_FINDINGS = 20
MOST_MATCHERS = 50
_WILDCARD = re.compile(r"\.[*+]")

Values = Callable[[], Mapping[bytes, bytes]]
"""The reference view's values; raises Unavailable while they are not read."""
Read = Callable[[bytes], Any]
"""A value as plain data; None where it is nothing that can be read."""
Version = Callable[[], int]
"""How far the values were read: what it was before, they are as before."""


@dataclass(frozen=True, slots=True)
class Matcher:
    name: str
    value: str
    regex: bool = False
    negated: bool = False

    def matches(self, labels: Mapping[str, str]) -> bool:
        """As Alertmanager does: a label that is not there is empty."""
        has = labels.get(self.name, "")
        return (_fits(has, self.value) if self.regex else has == self.value) is not self.negated

    @property
    def clear(self) -> bool:
        return not self.why_unclear

    @property
    def why_unclear(self) -> str:
        """What in the expression is not understood; empty where all is."""
        if self.regex and not _is_plain(self.value):
            try:
                compiled(self.value)
            except ValueError as error:
                return str(error)
        return ""


@dataclass(frozen=True, slots=True)
class Silence:
    id: str
    project_id: str
    kind: str
    matchers: tuple[Matcher, ...]
    starts_at: int
    ends_at: int | None
    comment: str = ""
    by: str = ""
    everything: bool = False
    source: str = ""
    updated_at: int = 0
    clear: bool = True
    """false: one of its expressions is not understood, and nobody can tell what it covers"""

    def state(self, now: int) -> str:
        if now < self.starts_at:
            return "pending"
        return "active" if self.ends_at is None or now < self.ends_at else "expired"

    def is_near(self, now: int) -> bool:
        """In force, over for less than a day, or beginning within the hour."""
        return self.starts_at - HOUR_MS <= now and (self.ends_at is None or now < self.ends_at + DAY_MS)

    def is_of(self, project_id: str) -> bool:
        return self.project_id in ("", project_id)

    def covers(self, project_id: str, labels: Mapping[str, str]) -> bool:
        """One without matchers covers nothing, unless it says that everything is meant."""
        if not self.clear or not self.is_of(project_id) or not (self.matchers or self.everything):
            return False
        return all(matcher.matches(labels) for matcher in self.matchers)


class Known:
    """The topic's values, each read once. None stands for what cannot be read.

    The topic holds all that ever were: what is over for days costs a look each time that `version`, which
    says how far the values were read, is another; without one, each time.
    """

    def __init__(self, read: Read, version: Version | None = None) -> None:
        self._read, self._version = read, version
        self._kept: dict[bytes, tuple[bytes, Silence | None]] = {}
        self._over: dict[bytes, tuple[bytes, int]] = {}
        """each value that is over for days, and its end"""
        self._lasting: tuple[int | None, int, Sequence[Silence | None]] = None, 0, ()
        """as of which version, from which moment on for two days, and which: clocks differ"""

    def lasting(self, values: Mapping[bytes, bytes], now: int) -> Sequence[Silence | None]:
        """But for those that are over for days; each that is over for less than one is among them."""
        version = None if self._version is None else self._version()
        known, earliest, found = self._lasting
        if version is None or version != known or not earliest <= now < earliest + 2 * DAY_MS:
            found = list(self._looked_through(values, now - 2 * DAY_MS))
            self._lasting = version, now - DAY_MS, found
        return found

    def _looked_through(self, values: Mapping[bytes, bytes], since: int) -> Iterator[Silence | None]:
        if len(self._kept) + len(self._over) > 2 * len(values) + MOST_FINDINGS:
            self._kept.clear()
            self._over.clear()
        for key, value in values.items():
            over = self._over.get(key)
            if over is not None and over[0] is value and over[1] <= since:
                continue
            one = self.one(key, value)
            if one is None or one.ends_at is None or one.ends_at > since:
                yield one
            else:
                self._over[key] = value, one.ends_at
                del self._kept[key]

    def one(self, key: bytes, value: bytes) -> Silence | None:
        kept = self._kept.get(key)
        if kept is not None and kept[0] is value:
            return kept[1]
        silence = self._silence(key, value)
        self._kept[key] = value, silence
        return silence

    def _silence(self, key: bytes, value: bytes) -> Silence | None:
        try:
            return silence_of(key.decode(errors="replace"), self._read(value))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, Never):
            return None


class Silences:
    """Gathers those that are about this alert."""

    source = Source.SILENCES
    tool = "silences.list"
    server = "awoooi"
    timeout_secs = 2.0

    def __init__(self, values: Values, read: Read | None = None, version: Version | None = None) -> None:
        self._values, self._known = values, Known(read or read_json, version)

    async def gather(self, wanted: Wanted) -> Sequence[Finding]:
        labels = _labels(wanted)
        kept = self._known.lasting(self._values(), wanted.now)
        near = [one for one in kept if one is not None and one.is_near(wanted.now)]
        found = [_finding(one, wanted) for one in near if one.covers(wanted.project_id, labels)]
        unclear = kept.count(None) + sum(not one.clear and one.is_of(wanted.project_id) for one in near)
        if unclear:
            found.append(_unclear(unclear, wanted))
        return found[:MOST_FINDINGS]


def read_json(value: bytes) -> Any:
    return orjson.loads(value)


def reader(codec: Codec) -> Read:
    """Reads an event, whatever it is written in, and an object that is none."""

    def read(value: bytes) -> Any:
        return orjson.loads(value) if value.lstrip()[:1] == b"{" else codec.read(value)[1]

    return read


def silence_of(key: str, plain: Any) -> Silence:
    """Raises what Python raises where it is none."""
    told = plain.get("payload", plain)
    if told.get("subject", key) != key:
        raise ValueError("it stands under another's key")
    matchers = tuple(_matchers(told["matchers"]))
    return Silence(
        id=str(told.get("id") or key),
        project_id=str(told.get("project_id") or plain.get("project_id") or ""),
        kind=str(told.get("kind") or "silence"),
        matchers=matchers,
        starts_at=_millis(told["starts_at"]),
        ends_at=None if told.get("ends_at") is None else _millis(told["ends_at"]),
        comment=str(told.get("comment") or ""),
        by=str(told.get("by") or ""),
        everything=told.get("everything") is True,
        source=str(told.get("source") or ""),
        updated_at=_millis(told.get("updated_at") or 0),
        clear=all(matcher.clear for matcher in matchers),
    )


def _matchers(told: Any) -> list[Matcher]:
    """A list of them, or a mapping from label to value."""
    if isinstance(told, Mapping):
        return [Matcher(str(name), str(value)) for name, value in told.items()]
    if len(told) > MOST_MATCHERS:
        raise ValueError(f"more than {MOST_MATCHERS} matchers")
    return [
        Matcher(str(one["name"]), str(one["value"]), bool(one.get("regex")), bool(one.get("negated")))
        for one in told
    ]


def _millis(told: Any) -> int:
    if isinstance(told, int):
        return told
    if isinstance(told, datetime):
        return to_millis(told)
    moment = datetime.fromisoformat(told)
    return to_millis(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _fits(value: str, pattern: str) -> bool:
    """What nobody understands fits nothing: `Silence.clear` tells of it."""
    if _is_plain(pattern):
        return any(_fits_plain(value, way) for way in pattern.split("|"))
    try:
        return compiled(pattern).matches(value)
    except ValueError:
        return False


def _is_plain(pattern: str) -> bool:
    """Letters with `.*`, `.+` and `|` between: what people write most, and what is quickest."""
    rest = _WILDCARD.sub("", pattern).replace("\\.", "")
    return len(pattern) <= LONGEST_PATTERN and re.search(r"[\\.+*?()\[\]{}^$]", rest) is None


def _fits_plain(value: str, pattern: str) -> bool:
    """Part by part from the left, so that the time is no more than the value's length for each part."""
    parts = [part.replace("\\.", ".") for part in _WILDCARD.split(pattern)]
    gaps = [1 if wildcard == ".+" else 0 for wildcard in _WILDCARD.findall(pattern)]
    if not gaps:
        return value == parts[0]
    if not value.startswith(parts[0]):
        return False
    at = len(parts[0])
    for gap, part in zip(gaps[:-1], parts[1:-1], strict=True):
        found = value.find(part, at + gap)
        if found < 0:
            return False
        at = found + len(part)
    return value.endswith(parts[-1]) and len(value) - len(parts[-1]) >= at + gaps[-1]


def matched_labels(
    alert_type: str,
    severity: str,
    cluster: str,
    namespace: str | None,
    kind: str | None,
    name: str | None,
    labels: Mapping[str, str],
) -> Mapping[str, str]:
    """What matchers look at: its own labels, and what every alert has whatever its sender calls it."""
    target = {kind: name} if kind and name else {}
    always = {"alertname": alert_type, "namespace": namespace or "", "cluster": cluster}
    return {**always, "severity": severity, **target, **labels}


def _labels(wanted: Wanted) -> Mapping[str, str]:
    return matched_labels(
        wanted.alert_type,
        wanted.severity,
        wanted.cluster,
        wanted.namespace,
        wanted.kind,
        wanted.name,
        wanted.labels,
    )


def _finding(silence: Silence, wanted: Wanted) -> Finding:
    state = silence.state(wanted.now)
    until = "without an end" if silence.ends_at is None else f"until {_told(silence.ends_at)}"
    by, comment = f" by {silence.by}" if silence.by else "", f": {silence.comment}" if silence.comment else ""
    return Finding(
        kind=silence.kind,
        about=wanted.name,
        observed_at=wanted.now,
        text=f"{silence.kind} {silence.id}, {state}, from {_told(silence.starts_at)} {until}{by}{comment}",
        words={"state": state, "id": silence.id},
    )


def _unclear(count: int, wanted: Wanted) -> Finding:
    what = "silence is" if count == 1 else "silences are"
    text = f"{count} {what} written in a way that is not understood: whether it is about this is not known"
    return Finding("silence", wanted.name, wanted.now, text, {"unread": count}, {"state": "unknown"})


def _told(millis: int) -> str:
    return f"{datetime.fromtimestamp(millis / 1000, UTC):%Y-%m-%d %H:%M} UTC"

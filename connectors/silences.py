"""Silences and maintenance windows as evidence: somebody may be working on what fires.

A value of the topic `silences` is a JSON object, whoever wrote it, or an event that holds one as its payload:

    {"id": "…", "project_id": "shop", "kind": "silence" or "maintenance", "comment": "…", "by": "…",
     "matchers": [{"name": "namespace", "value": "shop", "regex": false}], "starts_at": …, "ends_at": …}

Times are ISO 8601 or epoch milliseconds; without an end it lasts. Unknown fields are passed over, so that
writers may add to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from connectors.evidence import Finding, Wanted
from schemas.envelope import to_millis
from schemas.evidence import Source

DAY_MS = 24 * 60 * 60 * 1000
HOUR_MS = 60 * 60 * 1000
MOST_FINDINGS = 20
MOST_MATCHERS = 50
LONGEST_PATTERN = 500
_WILDCARD = re.compile(r"\.[*+]")

Values = Callable[[], Mapping[bytes, bytes]]
"""The reference view's values; raises Unavailable while they are not read."""
Read = Callable[[bytes], Any]
"""A value as plain data; None where it is nothing that can be read."""


@dataclass(frozen=True, slots=True)
class Matcher:
    name: str
    value: str
    regex: bool = False

    def matches(self, labels: Mapping[str, str]) -> bool:
        """As Alertmanager does: a label that is not there is empty."""
        has = labels.get(self.name, "")
        return any(_fits(has, way) for way in self.value.split("|")) if self.regex else has == self.value

    @property
    def clear(self) -> bool:
        """Whether it is one of the expressions that are understood."""
        return not self.regex or all(map(_is_plain, self.value.split("|")))


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

    def state(self, now: int) -> str:
        if now < self.starts_at:
            return "pending"
        return "active" if self.ends_at is None or now < self.ends_at else "expired"

    def is_near(self, now: int) -> bool:
        """In force, over for less than a day, or beginning within the hour."""
        return self.starts_at - HOUR_MS <= now and (self.ends_at is None or now < self.ends_at + DAY_MS)

    def covers(self, project_id: str, labels: Mapping[str, str]) -> bool:
        """One without matchers covers nothing: it would be everything."""
        ours = self.project_id in ("", project_id)
        return ours and bool(self.matchers) and all(matcher.matches(labels) for matcher in self.matchers)


class Silences:
    """Gathers those that are about this alert."""

    source = Source.SILENCES
    tool = "silences.list"
    server = "awoooi"
    timeout_secs = 2.0

    def __init__(self, values: Values, read: Read | None = None) -> None:
        self._values, self._read = values, read or read_json

    async def gather(self, wanted: Wanted) -> Sequence[Finding]:
        values, labels = self._values(), _labels(wanted)
        kept = [self._silence(key, value) for key, value in values.items()]
        near = [one for one in kept if one is not None and one.is_near(wanted.now)]
        found = [_finding(one, wanted) for one in near if one.covers(wanted.project_id, labels)]
        unclear = kept.count(None)
        if unclear:
            found.append(_unclear(unclear, wanted))
        return found[:MOST_FINDINGS]

    def _silence(self, key: bytes, value: bytes) -> Silence | None:
        try:
            return silence_of(key.decode(errors="replace"), self._read(value))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            return None


def read_json(value: bytes) -> Any:
    return orjson.loads(value)


def silence_of(key: str, plain: Any) -> Silence:
    """Raises what Python raises where it is none."""
    told = plain.get("payload", plain)
    silence = Silence(
        id=str(told.get("id") or key),
        project_id=str(told.get("project_id") or plain.get("project_id") or ""),
        kind=str(told.get("kind") or "silence"),
        matchers=tuple(_matchers(told["matchers"])),
        starts_at=_millis(told["starts_at"]),
        ends_at=None if told.get("ends_at") is None else _millis(told["ends_at"]),
        comment=str(told.get("comment") or ""),
        by=str(told.get("by") or ""),
    )
    if not all(matcher.clear for matcher in silence.matchers):
        raise ValueError("an expression that is not understood")
    return silence


def _matchers(told: Any) -> list[Matcher]:
    """A list of them, or a mapping from label to value."""
    if isinstance(told, Mapping):
        return [Matcher(str(name), str(value)) for name, value in told.items()]
    if len(told) > MOST_MATCHERS:
        raise ValueError(f"more than {MOST_MATCHERS} matchers")
    return [Matcher(str(one["name"]), str(one["value"]), bool(one.get("regex"))) for one in told]


def _millis(told: Any) -> int:
    if isinstance(told, int):
        return told
    if isinstance(told, datetime):
        return to_millis(told)
    moment = datetime.fromisoformat(told)
    return to_millis(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _is_plain(pattern: str) -> bool:
    """Letters with `.*` and `.+` between: what people write, and what no value can make slow."""
    rest = _WILDCARD.sub("", pattern).replace("\\.", "")
    return len(pattern) <= LONGEST_PATTERN and re.search(r"[\\.+*?()\[\]{}^$]", rest) is None


def _fits(value: str, pattern: str) -> bool:
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


def _labels(wanted: Wanted) -> Mapping[str, str]:
    """The alert's own, and those that every alert has whatever its sender calls them."""
    target = {wanted.kind: wanted.name} if wanted.kind else {}
    always = {"alertname": wanted.alert_type, "namespace": wanted.namespace, "cluster": wanted.cluster}
    return {**always, "severity": wanted.severity, **target, **wanted.labels}


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

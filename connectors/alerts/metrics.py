"""Numbers in an alert's text that the text itself names: "memory at 91%" is `memory_percent: 91`.

A threshold ("above 90%", "> 90%") is not a measurement and is passed over. Percentages are given as
written; latencies in milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Place = tuple[str, int, int, int]
"""a metric, the span of its number in the lower-case text, and what to multiply it by"""
_DIGITS = frozenset("0123456789")
_NUMBER = r"(?<![\w.])(\d{1,9}(?:\.\d{1,6})?)"
_SAYS_THRESHOLD = (
    "above",
    "over",
    "than",
    "threshold",
    "below",
    "under",
    "beyond",
    "limit",
    "least",
    "<",
    ">",
    "<=",
    ">=",
)
_SAYS_THRESHOLD_OF = ("threshold", "limit")
_LONGEST_THRESHOLD = 40  # characters, blanks among them
_GAP = r"[^.;:%\d\n]{0,40}?(?:: ?)?"  # between the name and its number, within the clause


@dataclass(frozen=True, slots=True)
class _Measure:
    """A metric that a text may name: where its name stands, and where its number then does.

    The name is looked for as plain text first: most texts do not hold it, and a pattern takes ten times
    as long to find that out.
    """

    metric: str
    name: str
    after: re.Pattern[str]
    before: re.Pattern[str]

    def numbers(self, text: str) -> Iterator[re.Match[str]]:
        at = text.find(self.name)
        while at >= 0:
            found = self.after.match(text, at)
            if found and (at == 0 or not _IN_WORD(text[at - 1])):
                yield found
            at = text.find(self.name, at + 1)
        yield from self.before.finditer(text)


_IN_WORD = re.compile(r"\w").match


def _percentage(metric: str, name: str, words: str = "") -> _Measure:
    """`name ... 91%`, or `91% ... name`."""
    words = words or name
    return _Measure(
        metric,
        name,
        re.compile(rf"{words}\w*{_GAP}{_NUMBER}\s?%"),
        re.compile(rf"{_NUMBER}\s?%\s(?:of\s)?(?:\w+\s){{0,2}}?{words}"),
    )


_PERCENTAGES = (
    _percentage("throttle_percent", "throttl"),
    _percentage("memory_percent", "memory"),
    _percentage("cpu_percent", "cpu"),
    _percentage("disk_percent", "disk"),
    _percentage("error_rate", "error", r"error\w*(?: at a)? (?:rate|ratio)"),
)
_RESTARTS = _Measure(
    "restart_count",
    "restart",
    re.compile(rf"restart\w*[^.;\d\n]{{0,20}}?{_NUMBER} times?\b"),
    re.compile(rf"{_NUMBER} restarts\b"),
)
_P99 = re.compile(rf"(?:\bp99|\b99th percentile){_GAP}{_NUMBER}\s?(ms|milliseconds?|s|sec|seconds?)\b")


def from_text(text: str) -> dict[str, float]:
    return numbers_at(text, places_in(text)) if text else {}


def places_in(text: str) -> list[Place]:
    """Where the numbers stand. It hangs on every character but the digits, and of those on `99` alone."""
    if _DIGITS.isdisjoint(text):
        return []
    lower = text.lower()
    found: list[Place] = []
    if "%" in text:
        for measure in _PERCENTAGES:
            if measure.name in lower:
                _take(found, measure, lower)
    if "restart" in lower:
        _take(found, _RESTARTS, lower)
    if "99" in lower:
        _latency(found, lower)
    return found


def numbers_at(text: str, places: Sequence[Place]) -> dict[str, float]:
    lower = text.lower() if places else ""  # another length than the text, in some alphabets
    found = {metric: float(lower[start:end]) * factor for metric, start, end, factor in places}
    if "throttle_percent" in found and found.get("cpu_percent") == found["throttle_percent"]:
        del found["cpu_percent"]  # "CPU throttled 85%" says how much is throttled, not how much is used
    return found


def _take(found: list[Place], measure: _Measure, text: str) -> None:
    for match in measure.numbers(text):
        if not _is_threshold(text, match.start(1)):
            found.append((measure.metric, *match.span(1), 1))
            return


def _is_threshold(text: str, at: int) -> bool:
    """Whether the words before a number make a limit of it."""
    words = text[max(0, at - _LONGEST_THRESHOLD) : at].split()
    if not words:
        return False
    *_, last = words
    if last == "of" and len(words) > 1:
        return words[-2].endswith(_SAYS_THRESHOLD_OF)
    return last.endswith(_SAYS_THRESHOLD) or "exceed" in last


def _latency(found: list[Place], text: str) -> None:
    match = _P99.search(text)
    if match and not _is_threshold(text, match.start(1)):
        found.append(("latency_p99_ms", *match.span(1), 1 if match[2].startswith("m") else 1000))

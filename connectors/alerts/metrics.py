"""Numbers in an alert's text that the text itself names: "memory at 91%" is `memory_percent: 91`.

A threshold ("above 90%", "> 90%") is not a measurement and is passed over. Percentages are given as
written; latencies in milliseconds.
"""

from __future__ import annotations

import re

_DIGITS = frozenset("0123456789")
_NUMBER = r"(?<![\w.])(\d{1,9}(?:\.\d{1,6})?)"
_THRESHOLD = re.compile(
    r"(?:above|over|exceed\w*|than|threshold(?: of)?|below|under|beyond|limit(?: of)?|least|[<>]=?)\s*$",
    re.IGNORECASE,
)
_GAP = r"[^.;:%\d\n]{0,40}?(?:: ?)?"  # between the name and its number, within the clause


def _percent_of(name: str) -> re.Pattern[str]:
    """`name ... 91%`, or `91% ... name`."""
    return re.compile(
        rf"\b{name}\w*{_GAP}{_NUMBER}\s?%|{_NUMBER}\s?%\s(?:of\s)?(?:\w+\s){{0,2}}?{name}", re.IGNORECASE
    )


# What the text must hold before its pattern is worth running, the metric, the pattern.
_PERCENTAGES = (
    ("throttl", "throttle_percent", _percent_of("throttl")),
    ("memory", "memory_percent", _percent_of("memory")),
    ("cpu", "cpu_percent", _percent_of("cpu")),
    ("disk", "disk_percent", _percent_of("disk")),
    ("error", "error_rate", _percent_of(r"error\w*(?: at a)? (?:rate|ratio)")),
)
_RESTARTS = re.compile(
    rf"\brestart\w*[^.;\d\n]{{0,20}}?{_NUMBER} times?\b|{_NUMBER} restarts\b", re.IGNORECASE
)
_P99 = re.compile(
    rf"(?:\bp99|\b99th percentile){_GAP}{_NUMBER}\s?(ms|milliseconds?|s|sec|seconds?)\b", re.IGNORECASE
)


def from_text(text: str) -> dict[str, float]:
    if _DIGITS.isdisjoint(text):
        return {}
    lower = text.lower()
    found: dict[str, float] = {}
    if "%" in text:
        for needle, name, pattern in _PERCENTAGES:
            if needle in lower:
                _measure(found, name, pattern, lower)
        if "throttle_percent" in found and found.get("cpu_percent") == found["throttle_percent"]:
            del found["cpu_percent"]  # "CPU throttled 85%" says how much is throttled, not how much is used
    if "restart" in lower:
        _measure(found, "restart_count", _RESTARTS, lower)
    if "99" in lower:
        _latency(found, lower)
    return found


def _measure(found: dict[str, float], name: str, pattern: re.Pattern[str], text: str) -> None:
    for match in pattern.finditer(text):
        at = match.lastindex or 0
        if not _THRESHOLD.search(text, 0, match.start(at)):
            found[name] = float(match[at])
            return


def _latency(found: dict[str, float], text: str) -> None:
    match = _P99.search(text)
    if match and not _THRESHOLD.search(text, 0, match.start(1)):
        found["latency_p99_ms"] = float(match[1]) * (1 if match[2].startswith("m") else 1000)

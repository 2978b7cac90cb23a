"""What Prometheus measured of the thing that an alert is about: a few range queries, one line a series."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from statistics import fmean

from connectors.evidence import Finding, Unavailable, Wanted
from connectors.prometheus.client import Prometheus, TimeSeries, step_secs
from connectors.prometheus.config import PrometheusConfig
from connectors.prometheus.questions import Question, asked_for
from connectors.prometheus.telling import change_of, told, trend_of
from schemas.evidence import Source

MOST_FINDINGS = 30
STALE_STEPS = 6
"""a series that ended so long ago proves nothing about today"""


class PrometheusEvidence:
    """The questions go side by side; those that fail are told only where none succeeds."""

    source = Source.PROMETHEUS
    tool = "prometheus.query_range"
    server = "prometheus"

    def __init__(self, config: PrometheusConfig, client: Prometheus) -> None:
        self.timeout_secs = config.timeout_secs
        self._config, self._client = config, client

    async def gather(self, wanted: Wanted) -> Sequence[Finding]:
        asked = asked_for(wanted, self._config.cluster_label)
        if not asked:
            raise Unavailable("the alert names nothing that could be looked up")
        answers = await asyncio.gather(
            *(self._ask(question, ways, wanted) for question, ways in asked), return_exceptions=True
        )
        faults = [answer for answer in answers if isinstance(answer, BaseException)]
        for fault in faults:
            if not isinstance(fault, Unavailable) or len(faults) == len(answers):
                raise fault
        found = [finding for answer in answers if isinstance(answer, list) for finding in answer]
        return sorted(found, key=lambda finding: -abs(finding.numbers["change"]))[:MOST_FINDINGS]

    async def _ask(self, question: Question, ways: Sequence[str], wanted: Wanted) -> list[Finding]:
        start, end = wanted.now - self._config.window_secs * 1000, wanted.now
        for way in ways:
            series = await self._client.query_range(question.promql.replace("SEL", way), start, end)
            if found := [one for one in series if one.samples]:
                stale_at = end - STALE_STEPS * step_secs(start, end) * 1000
                return [_finding(question, one, wanted, stale_at) for one in found]
        return []


def _finding(question: Question, series: TimeSeries, wanted: Wanted, stale_at: int) -> Finding:
    values = [value for _, value in series.samples]
    first, last = _ends(values)
    about = _about(question, series, wanted)
    started, ended = series.samples[0][0], series.samples[-1][0]
    minutes = max(1, round((ended - started) / 60_000))
    trend = trend_of(first, last)
    between = f"near {told(last)}" if trend == "stayed" else f"from {told(first)} to {told(last)}"
    text = (
        f"{question.what} of {about} {trend} {between} {question.unit} "
        f"in {minutes} min (lowest {told(min(values))}, highest {told(max(values))})"
    )
    return Finding(
        kind="series",
        about=about,
        observed_at=ended,
        text=text,
        numbers={
            "first": first,
            "last": last,
            "lowest": min(values),
            "highest": max(values),
            "change": change_of(first, last),
        },
        words={"metric": question.what, "unit": question.unit, "trend": trend},
        targets=_targets(question, series, wanted) if ended >= stale_at else (),
    )


def _ends(values: Sequence[float]) -> tuple[float, float]:
    """Its beginning and its end, each over a sixth of it: one odd sample is no trend."""
    part = max(1, len(values) // 6)
    return fmean(values[:part]), fmean(values[-part:])


def _about(question: Question, series: TimeSeries, wanted: Wanted) -> str:
    labels = series.labels
    name = labels.get(question.name_label) or labels.get("instance") or wanted.name
    parts = [labels.get("namespace", ""), name, labels.get("mountpoint", "")]
    return " ".join(["/".join(filter(None, parts[:2])), *filter(None, parts[2:])])


def _targets(question: Question, series: TimeSeries, wanted: Wanted) -> Sequence[tuple[str, str, str]]:
    name = series.labels.get(question.name_label)
    if not question.kind or not name:
        return ()
    return ((question.kind, series.labels.get("namespace", wanted.namespace), name),)

"""What was measured of a service as findings: its requests now, held against quiet time before."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean

from connectors.evidence import Finding
from connectors.prometheus.telling import change_of, told, trend_of
from connectors.series import Series, Signal


def service_findings(service: str, series: Series, now: int) -> Iterator[Finding]:
    """Nothing where one of the two windows is empty: there is nothing to compare."""
    parts = (("rate", series.rate), ("errors", series.errors), ("latency", series.latency))
    for what, measured in parts:
        if measured.now and measured.before:
            yield _finding(service, what, measured, now)


def _finding(service: str, what: str, measured: Signal, now: int) -> Finding:
    first, last = fmean(measured.before), fmean(measured.now)
    trend = trend_of(first, last)
    between = f"near {told(last)}" if trend == "stayed" else f"from {told(first)} to {told(last)}"
    unit = {"rate": " requests/s", "errors": " of its requests"}.get(what, "")
    return Finding(
        kind="series",
        about=service,
        observed_at=now,
        text=f"{what} of {service} {trend} {between}{unit}, against quiet time before the alert",
        numbers={
            "first": first,
            "last": last,
            "highest": max(measured.now),
            "change": change_of(first, last),
        },
        words={"metric": what, "trend": trend},
    )

"""Which sources there are: ours, and those of installed packages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points

from connectors.alerts.detection import AUTO
from connectors.alerts.source import NAME_PATTERN, Source
from connectors.alerts.sources import (
    alertmanager,
    awoooi,
    axiom,
    azure,
    cdevents,
    checkly,
    checkmk,
    cloudevents,
    cloudwatch,
    datadog,
    elastic,
    eventrecorder,
    falco,
    firehydrant,
    gcp,
    grafana,
    graylog,
    incidentio,
    jira,
    newrelic,
    opsgenie,
    pagerduty,
    pingdom,
    prometheus,
    riemann,
    sentry,
    signoz,
    splunk,
    statuscake,
    uptimerobot,
    zabbix,
)
from schemas.errors import Misconfigured

GROUP = "awoooi.sources"
TAKEN = frozenset({AUTO, "alerts"})
"""a topic and a webhook's path that belong to no single source"""
_MODULES = (
    alertmanager,
    awoooi,
    axiom,
    azure,
    cdevents,
    checkly,
    checkmk,
    cloudevents,
    cloudwatch,
    datadog,
    elastic,
    eventrecorder,
    falco,
    firehydrant,
    gcp,
    grafana,
    graylog,
    incidentio,
    jira,
    newrelic,
    opsgenie,
    pagerduty,
    pingdom,
    prometheus,
    riemann,
    sentry,
    signoz,
    splunk,
    statuscake,
    uptimerobot,
    zabbix,
)
BUILT_IN: Mapping[str, Source] = {module.SOURCE.name: module.SOURCE for module in _MODULES}


def sources(extra: Iterable[EntryPoint] | None = None) -> dict[str, Source]:
    """The built-in sources, and those of the entry points (by default: all that are installed)."""
    found = dict(BUILT_IN)
    for point in entry_points(group=GROUP) if extra is None else extra:
        where = f"alert source {point.name!r} ({point.value})"
        if why := refusal(point.name, found):
            raise Misconfigured(f"{where}: {why}")
        found[point.name] = _load(point, where)
    return found


def refusal(name: str, taken: Mapping[str, Source]) -> str | None:
    """Why a new source may not be called so."""
    if not re.fullmatch(NAME_PATTERN, name):
        return "a source's name is small letters, digits, _ and -, at most 40"
    if name in BUILT_IN or name in TAKEN:
        return "the name is taken by a built-in"
    return "the name is taken by another source" if name in taken else None


def _load(point: EntryPoint, where: str) -> Source:
    try:
        source = point.load()
    except Exception as error:  # foreign code: whatever it raises, its name must be told
        raise Misconfigured(f"{where} cannot be loaded: {type(error).__name__}: {error}") from error
    if not isinstance(source, Source):
        raise Misconfigured(f"{where} must be a connectors.alerts.source.Source, not {type(source).__name__}")
    if source.name != point.name:
        raise Misconfigured(f"{where} calls itself {source.name!r}; the two names must agree")
    return source

"""Which sources there are, and which one a payload fits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points

from connectors.alerts.source import Payload, Source
from connectors.alerts.sources import alertmanager, awoooi, grafana, signoz
from schemas.errors import BadPayload, Misconfigured

GROUP = "awoooi.sources"
_MODULES = (
    alertmanager,
    awoooi,
    grafana,
    signoz,
)
BUILT_IN: Mapping[str, Source] = {module.SOURCE.name: module.SOURCE for module in _MODULES}
_GENERAL = alertmanager.SOURCE.name  # its shape is everyone's: it yields to whoever else fits


def sources(extra: Iterable[EntryPoint] | None = None) -> dict[str, Source]:
    """The built-in sources, and those of the entry points (by default: all that are installed)."""
    found = dict(BUILT_IN)
    for point in entry_points(group=GROUP) if extra is None else extra:
        if point.name in BUILT_IN:
            raise Misconfigured(
                f"alert source {point.name!r} ({point.value}): the name is taken by a built-in"
            )
        found[point.name] = _load(point)
    return found


def _load(point: EntryPoint) -> Source:
    where = f"alert source {point.name!r} ({point.value})"
    try:
        source = point.load()
    except Exception as error:  # foreign code: whatever it raises, its name must be told
        raise Misconfigured(f"{where} cannot be loaded: {type(error).__name__}: {error}") from error
    if not isinstance(source, Source):
        raise Misconfigured(f"{where} must be a connectors.alerts.source.Source, not {type(source).__name__}")
    if source.name != point.name:
        raise Misconfigured(f"{where} calls itself {source.name!r}; the two names must agree")
    return source


def detect(payload: Payload, among: Mapping[str, Source]) -> Source:
    """The source that a payload of unknown origin fits, from its shape alone."""
    fits = [source for source in among.values() if source.detects(payload)]
    if len(fits) > 1:
        fits = [source for source in fits if source.name != _GENERAL]
    if len(fits) == 1:
        return fits[0]
    if fits:
        raise BadPayload(f"fits more than one source: {', '.join(source.name for source in fits)}")
    raise BadPayload(f"fits no source; known are {', '.join(sorted(among))}")

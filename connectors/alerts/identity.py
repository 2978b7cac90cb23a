"""Which parts of an alert make it the same alert again: its fingerprint. Settable for each source.

The values are those that the sender wrote, before any is covered: two people's accounts are two resources.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from connectors.alerts.source import RawAlert
from connectors.alerts.workload import workload_of
from schemas import ids
from schemas.errors import Misconfigured

Part = Callable[[RawAlert], str | None]
Values = tuple[str | None, ...]
_LABEL = "labels."


def _workload(raw: RawAlert) -> str | None:
    target = raw.target_resource
    return target and workload_of(target, raw.resource_type, raw.namespace)


_PARTS: Mapping[str, Part] = {
    "alert_type": lambda raw: raw.alert_type,
    "namespace": lambda raw: raw.namespace,
    "target_resource": lambda raw: raw.target_resource,
    "workload": _workload,
    "cluster": lambda raw: raw.cluster,
}
ALLOWED = f"{', '.join(_PARTS)}, {_LABEL}NAME"
RESOURCE = ("alert_type", "namespace", "target_resource")
WORKLOAD = ("alert_type", "namespace", "workload")
_SAME = {"alertmanager": "prometheus", "eventrecorder": "prometheus"}
"""sources by their topic, and what their alerts say they come from: both tell of the same alerts"""
_MOST_KNOWN = 10_000
_LONGEST = 500  # characters


@dataclass(frozen=True, slots=True)
class Identity:
    """The fields that count, for every source or for one."""

    fields: tuple[str, ...] = RESOURCE
    by_source: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for source, fields in {"": self.fields, **self.by_source}.items():
            for name in fields or ("",):
                if name not in _PARTS and not re.fullmatch(r"labels\..+", name):
                    whose = f" of {source}" if source else ""
                    raise Misconfigured(f"fingerprint fields{whose}: {name!r} is none; allowed are {ALLOWED}")


class Fingerprints:
    """`of(alert)`: those of late are remembered, for an alert repeats."""

    def __init__(self, identity: Identity) -> None:
        self._known = _Known()
        self._parts = _parts(identity.fields)
        self._by_source = {
            _SAME.get(name, name): _parts(fields) for name, fields in identity.by_source.items()
        }
        plain = identity.fields == RESOURCE and not identity.by_source
        self.of: Callable[[RawAlert], str] = self._of_resource if plain else self._of_fields

    def _of_resource(self, raw: RawAlert) -> str:
        return self._known[raw.alert_type, raw.namespace, raw.target_resource]

    def _of_fields(self, raw: RawAlert) -> str:
        parts = self._by_source.get(raw.source, self._parts)
        return self._known[tuple([part(raw) for part in parts])]


class _Known(dict[Values, str]):
    def __missing__(self, values: Values) -> str:
        found = ids.identity(values)
        if sum(len(value or "") for value in values) <= _LONGEST:
            if len(self) >= _MOST_KNOWN:
                self.clear()
            self[values] = found
        return found


def _parts(names: tuple[str, ...]) -> tuple[Part, ...]:
    return tuple(_PARTS[name] if name in _PARTS else _label(name.removeprefix(_LABEL)) for name in names)


def _label(name: str) -> Part:
    return lambda raw: raw.labels.get(name)

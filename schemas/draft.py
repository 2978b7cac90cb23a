"""An event as plain values: for what every single alert costs, where a model is built only to be taken apart.

A test proves that every draft is the event it says it is: `draft.event()` is the model, fully checked.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from schemas.envelope import Event


class Draft(NamedTuple):
    """`plain` holds every field of envelope and payload; the envelope's times in epoch milliseconds."""

    kind: type[Event]
    key: bytes
    plain: dict[str, Any]
    glance: tuple[str, bytes] | None = None
    """a header of its own for the next stage, so that it need not decode"""

    def event(self) -> Event:
        return self.kind.read(self.plain)


def envelope(kind: type[Event], **fields: Any) -> dict[str, Any]:
    """The envelope's plain fields, with the defaults of those that are not given."""
    return {
        "schema_version": kind.version,
        "type": _TYPE_NAMES[kind],
        "incident_id": "",
        "run_id": "",
        "actor": "",
        "causes": (),
        "sealed": None,
        **fields,
    }


class _TypeNames(dict[type[Event], str]):
    def __missing__(self, kind: type[Event]) -> str:
        name = self[kind] = kind.type_name()
        return name


_TYPE_NAMES = _TypeNames()

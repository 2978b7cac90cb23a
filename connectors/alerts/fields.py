"""Taking values out of a payload that may hold anything.

`null` is the same as missing; a value of another type is a BadPayload that names the field.
`at` is the path of the alert (`alerts.0`); the field's name is joined to it only for an error.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

from connectors.alerts.limits import MAX_ALERTS
from schemas.alert import Metric
from schemas.errors import BadPayload

_PLAIN_NAME = re.compile(r"[A-Za-z_][\w.:/-]{0,99}")
_KINDS = {type(None): "null", bool: "a boolean", int: "a number", float: "a number", str: "text"}


def kind_of(value: Any) -> str:
    return _KINDS.get(type(value), "a list" if isinstance(value, list) else "an object")


def wrong(expected: str, value: Any, at: str, name: str = "") -> BadPayload:
    """Names the type only: the value may be huge, deep, or secret."""
    return BadPayload(f"must be {expected}, not {kind_of(value)}", field=join(at, name))


def join(at: str, name: str) -> str:
    return f"{at}.{name}" if at and name else at or name


def told(name: str) -> str:
    """A name that the sender made up, for an error: what looks like no name may be a secret."""
    return name if _PLAIN_NAME.fullmatch(name) else "(an odd name)"


def an_object(value: Any, at: str, name: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise wrong("an object", value, at, name)


def part(item: dict[str, Any], name: str, at: str) -> dict[str, Any]:
    """An optional object; a missing one is empty."""
    value = item.get(name)
    return {} if value is None else an_object(value, at, name)


def parts(item: dict[str, Any], name: str, at: str) -> list[dict[str, Any]]:
    """An optional list of objects."""
    value = item.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise wrong("a list", value, at, name)
    return [an_object(each, f"{join(at, name)}.{i}") for i, each in enumerate(value)]


def list_of_alerts(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise wrong("a list", value, name)
    if len(value) > MAX_ALERTS:
        raise BadPayload(f"holds {len(value)} alerts, at most {MAX_ALERTS} are allowed", field=name)
    return value


def text(item: dict[str, Any], name: str, at: str) -> str | None:
    """Optional text; blank is none."""
    value = item.get(name)
    if value.__class__ is str:
        return value or None
    if value is None:
        return None
    raise wrong("text", value, at, name)


def written(item: dict[str, Any], name: str, at: str) -> str | None:
    """Optional text that some senders write as a number."""
    return first_of(item, (name,), at)


def first_of(item: dict[str, Any], names: Iterable[str], at: str) -> str | None:
    """The first of these fields that is not blank; text, or a number written out."""
    for name in names:
        value = item.get(name)
        if value is not None:
            found = (value if value.__class__ is str else _as_text(value, at, name)).strip()
            if found:
                return found
    return None


def required(item: dict[str, Any], names: Sequence[str], at: str) -> str:
    found = first_of(item, names, at)
    if found is None:
        raise BadPayload("is missing", field=join(at, names[0]))
    return found


def texts(item: dict[str, Any], name: str, at: str) -> dict[str, str]:
    """Labels and annotations: a map of text. Numbers and booleans are written out, `null` is left out."""
    value = item.get(name)
    if value.__class__ is not dict:
        if value is None:
            return {}
        raise wrong("an object", value, at, name)
    for part in value.values():
        if part.__class__ is not str:
            return _written_out(value, join(at, name))
    found: dict[str, str] = value
    return found


def _written_out(values: dict[str, Any], at: str) -> dict[str, str]:
    return {key: _as_text(value, at, told(key)) for key, value in values.items() if value is not None}


def _as_text(value: Any, at: str, name: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{as_number(value, at, name):.15g}"
    raise wrong("text", value, at, name)


def as_number(value: float, at: str, name: str) -> float:
    """A finite number: nothing behind us can store NaN or infinity."""
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if math.isfinite(number):
        return number
    raise BadPayload("must be a finite number", field=join(at, name))


def as_metric(value: Any, at: str, name: str) -> Metric:
    if isinstance(value, str | bool):
        return value
    if isinstance(value, int | float):
        return as_number(value, at, name)
    raise wrong("a number, text or a boolean", value, at, name)

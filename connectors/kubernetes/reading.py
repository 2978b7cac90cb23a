"""Taking values out of an object of the API server, whatever it holds: nothing here ever raises."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

Obj = Mapping[str, Any]
EMPTY: Obj = {}
MOST_DIGITS = 16
_UNITS = {
    "": 1,
    **{unit: 1000**power for power, unit in enumerate(("k", "M", "G", "T", "P", "E"), 1)},
    **{unit: 1024**power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)},
}


def dig(obj: Any, *path: str) -> Any:
    """What stands there; None where the way is not there."""
    for part in path:
        if not isinstance(obj, Mapping):
            return None
        obj = obj.get(part)
    return obj


def text(obj: Any, *path: str) -> str:
    found = dig(obj, *path)
    return found if isinstance(found, str) else ""


def number(obj: Any, *path: str) -> int:
    found = dig(obj, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else 0


def number_or(obj: Any, default: int, *path: str) -> int:
    """For what means something else than 0 where it is not said."""
    return default if dig(obj, *path) is None else number(obj, *path)


def true(obj: Any, *path: str) -> bool:
    return dig(obj, *path) is True


def part(obj: Any, *path: str) -> Obj:
    found = dig(obj, *path)
    return found if isinstance(found, Mapping) else EMPTY


def parts(obj: Any, *path: str) -> list[Obj]:
    """The mappings of a list; what is none is passed over."""
    found = dig(obj, *path)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def strings(obj: Any, *path: str) -> dict[str, str]:
    found = dig(obj, *path)
    if not isinstance(found, Mapping):
        return {}
    return {name: value for name, value in found.items() if isinstance(name, str) and isinstance(value, str)}


def millis(obj: Any, *path: str) -> int | None:
    """An RFC 3339 time in epoch milliseconds."""
    try:
        moment = datetime.fromisoformat(text(obj, *path).replace("Z", "+00:00"))
    except ValueError:
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def quantity(told: str) -> float | None:
    """`512Mi`, `10G`, `250m` as a number."""
    digits = told.rstrip("EPTGMkKimun")
    unit = told[len(digits) :]
    try:
        value = float(Decimal(digits) * (Decimal("0.001") if unit == "m" else _UNITS[unit]))
    except (ArithmeticError, KeyError):
        return None
    return value if math.isfinite(value) else None


def counted(told: str) -> int:
    """A number that stands as text: revisions do."""
    return int(told) if told.isdigit() and told.isascii() and len(told) < MOST_DIGITS else 0


# -- what every object has


def name_of(obj: Obj) -> str:
    return text(obj, "metadata", "name")


def namespace_of(obj: Obj) -> str:
    return text(obj, "metadata", "namespace")


def owner_of(obj: Obj) -> tuple[str, str] | None:
    """(kind, name) of what controls it."""
    for owner in parts(obj, "metadata", "ownerReferences"):
        if true(owner, "controller") and text(owner, "kind") and text(owner, "name"):
            return text(owner, "kind"), text(owner, "name")
    return None


def conditions(obj: Obj, status: str) -> list[Obj]:
    """The conditions with this status: True, False, Unknown."""
    return [one for one in parts(obj, "status", "conditions") if text(one, "status") == status]


def images(template: Obj) -> list[str]:
    """Of a pod's or a template's containers, in their order."""
    return [text(container, "image") for container in parts(template, "spec", "containers")]


def selector(labels: Mapping[str, str]) -> str:
    """As the API server wants it; empty where there are no labels."""
    return ",".join(f"{name}={value}" for name, value in sorted(labels.items()))


def ago(then: int | None, now: int) -> float | None:
    """Seconds; None where there is no time."""
    return None if then is None else max(0.0, (now - then) / 1000)


def age(secs: float | None) -> str:
    """For people: 40 s, 12 min, 5 h, 3 d."""
    if secs is None:
        return "unknown"
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if secs >= 2 * size:
            return f"{secs / size:.0f} {unit}"
    return f"{secs:.0f} s"


def joined(words: Sequence[str]) -> str:
    return ", ".join(word for word in words if word)

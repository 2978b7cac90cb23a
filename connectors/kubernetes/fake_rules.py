"""What the API server's validation and admission refuse; for the fake, as much as an executor meets."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.kubernetes import kinds
from connectors.kubernetes.fake_select import Plain
from connectors.kubernetes.kinds import Kind
from connectors.kubernetes.reading import dig, parts, quantity, strings, text

GROWING = frozenset(("standard",))
"""storage classes whose claims may grow"""


def complaints(kind: Kind, made: Plain, old: Plain | None) -> Iterator[tuple[int, str, str]]:
    """Status, reason and message of each no."""
    if kind is kinds.PVC and old is not None:
        yield from _claim(made, old)
    spec = made.get("spec")
    containers = parts(spec, "containers") or parts(spec, "template", "spec", "containers")
    for number, container in enumerate(containers):
        limits = strings(container, "resources", "limits")
        for name, amount in strings(container, "resources", "requests").items():
            limit = limits.get(name)
            if limit is not None and (quantity(amount) or 0) > (quantity(limit) or 0):
                where = f"spec.template.spec.containers[{number}].resources.requests"
                told = f'{where}: Invalid value: "{amount}": must be less than or equal to {name} limit'
                yield 422, "Invalid", f'{kind.kind} "{made["metadata"]["name"]}" is invalid: {told}'


def _claim(made: Plain, old: Plain) -> Iterator[tuple[int, str, str]]:
    before, after = (_size(one) for one in (old, made))
    name = made["metadata"]["name"]
    if after < before:
        told = "field can not be less than status.capacity"
        yield 422, "Invalid", f'PersistentVolumeClaim "{name}" is invalid: spec.resources.requests: {told}'
    if after > before and text(old, "spec", "storageClassName") not in GROWING:
        told = "only dynamically provisioned pvc can be resized and the storageclass must support resize"
        yield 403, "Forbidden", f'persistentvolumeclaims "{name}" is forbidden: {told}'


def _size(claim: Plain) -> float:
    return quantity(str(dig(claim, "spec", "resources", "requests", "storage") or "0")) or 0

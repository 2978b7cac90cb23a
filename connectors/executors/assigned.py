"""Who carries out what: the first executor that can, or the one that the settings name for an operation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from connectors.executors.contract import Executor
from schemas.errors import Misconfigured
from schemas.operations import Operation

SETTING = "AWOOOI_EXECUTORS"
Assigned = Mapping[Operation, Executor]


def assign(executors: Sequence[Executor], named: Mapping[Operation, str] | None = None) -> Assigned:
    """Misconfigured tells every name that cannot be meant."""
    by_name = {one.name: one for one in executors}
    wrong = [told for operation, name in (named or {}).items() for told in _wrong(by_name, operation, name)]
    if wrong:
        raise Misconfigured("\n".join(wrong))
    first = {operation: one for one in reversed(executors) for operation in one.operations}
    return {**first, **{operation: by_name[name] for operation, name in (named or {}).items()}}


def _wrong(by_name: Mapping[str, Executor], operation: Operation, name: str) -> Iterator[str]:
    if name not in by_name:
        there = ", ".join(sorted(by_name)) or "none"
        yield f"{SETTING}: there is no executor {name!r} for {operation}; there are: {there}"
    elif operation not in by_name[name].operations:
        does = ", ".join(sorted(by_name[name].operations)) or "nothing that is configured"
        yield f"{SETTING}: the executor {name} does not carry out {operation}; it does {does}"

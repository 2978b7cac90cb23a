"""Executors of others: the entry points `awoooi.executors`, each a function from Given to an Executor.

    [project.entry-points."awoooi.executors"]
    vmware = "our_package.vmware:make"

It is called once at the start. What it offers must be free, unless the settings say whose an operation is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from connectors.executors.assigned import SETTING
from connectors.executors.contract import Executor
from schemas.errors import Misconfigured
from schemas.operations import Operation

GROUP = "awoooi.executors"
METHODS = ("validate", "check", "dry_run", "execute", "probe", "verify", "undo")


@dataclass(frozen=True, slots=True)
class Given:
    """What an executor is made of."""

    options: Mapping[str, str] = field(default_factory=dict)
    """AWOOOI_EXECUTOR_OPTIONS: those that begin with its name and a dot"""
    state_dir: Path = Path()


Maker = Callable[[Given], Executor]


def installed(
    built_in: Sequence[Executor],
    options: Mapping[str, str],
    state_dir: Path,
    extra: Iterable[EntryPoint] | None = None,
) -> Sequence[Executor]:
    """By default those of the installed packages. Misconfigured names what is broken, and why."""
    taken, found = {one.name for one in built_in}, list[Executor]()
    for point in entry_points(group=GROUP) if extra is None else extra:
        if point.name in taken:
            raise Misconfigured(f"{_where(point)}: there is an executor of this name already")
        own = {name[len(point.name) + 1 :]: value for name, value in options.items() if _is_of(name, point)}
        found.append(_made(point, Given(own, state_dir)))
        taken.add(point.name)
    _no_stray_options(options, taken)
    return found


def check_overlaps(
    built_in: Sequence[Executor], added: Sequence[Executor], mapped: Collection[Operation]
) -> None:
    """Whose an operation is must not hang on the order in which packages are found."""
    lines, offered = list[str](), {one: each.name for each in built_in for one in each.operations}
    for executor in added:
        for operation in sorted(executor.operations):
            if operation in offered and operation not in mapped:
                other = offered[operation]
                lines.append(
                    f"the executors {other} and {executor.name} both carry out {operation}: "
                    f"say whose it is with {SETTING}={operation}={other} or {operation}={executor.name}"
                )
            offered.setdefault(operation, executor.name)
    if lines:
        raise Misconfigured("\n".join(lines))


def _is_of(option: str, point: EntryPoint) -> bool:
    return option.startswith(f"{point.name}.")


def _no_stray_options(options: Mapping[str, str], taken: Collection[str]) -> None:
    stray = sorted(name for name in options if name.partition(".")[0] not in taken)
    if stray:
        raise Misconfigured(
            f"AWOOOI_EXECUTOR_OPTIONS: {', '.join(stray)}: there is no such executor installed; "
            f"an option is written executor.name=value"
        )


def _where(point: EntryPoint) -> str:
    return f"executor {point.name!r} ({point.value})"


def _made(point: EntryPoint, given: Given) -> Executor:
    where = _where(point)
    try:
        maker: Maker = point.load()
        executor = maker(given)
    except Misconfigured as error:
        raise Misconfigured(f"{where}: {error}") from error
    except Exception as error:  # foreign code: whatever it raises, its name must be told
        raise Misconfigured(f"{where} cannot be loaded: {type(error).__name__}: {error}") from error
    if wrong := "; ".join(_lacks(executor)):
        raise Misconfigured(f"{where} is no executor: {wrong}")
    if executor.name != point.name:
        raise Misconfigured(f"{where} calls itself {executor.name!r}; the two names must agree")
    return executor


def _lacks(executor: object) -> Iterator[str]:
    missing = [name for name in METHODS if not callable(getattr(executor, name, None))]
    if missing:
        yield f"it has no {', '.join(missing)}"
    if not isinstance(getattr(executor, "name", None), str):
        yield "its name is no text"
    operations = getattr(executor, "operations", None)
    if not isinstance(operations, Collection) or not operations or not {*operations} <= {*Operation}:
        yield "its operations are not of the closed list"

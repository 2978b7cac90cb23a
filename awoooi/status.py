"""One live line for each part on a terminal; elsewhere a plain line at each change."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from awoooi.supervisor import State, Status, Supervisor

if TYPE_CHECKING:
    from rich.table import Table

COLOURS = {
    State.READY: "green",
    State.DONE: "green",
    State.BACK_OFF: "red",
    State.UNREADY: "red",
    State.WAITING: "yellow",
    State.STARTING: "yellow",
}
Say = Callable[[str], None]


@contextmanager
def shown(supervisor: Supervisor) -> Iterator[Say]:
    """Shows the parts for the length of a block; gives a function that prints a line beside them."""
    with _live(supervisor) if sys.stdout.isatty() else _lines(supervisor) as say:
        yield say


@contextmanager
def _lines(supervisor: Supervisor) -> Iterator[Say]:
    def say(text: str) -> None:
        with contextlib.suppress(OSError):  # whoever read it has gone, or its disk is full
            print(text, flush=True)

    def changed(status: Status) -> None:
        if status.state is State.WAITING and status.child is None:
            return  # at the start: what it waits for tells by itself
        say(f"{time.strftime('%H:%M:%S')}  {'  '.join(cells(status))}".rstrip())

    supervisor.listen(changed)
    yield say


@contextmanager
def _live(supervisor: Supervisor) -> Iterator[Say]:
    from rich.console import Console
    from rich.live import Live

    console = Console(highlight=False)
    with Live(_table(supervisor), console=console, auto_refresh=False) as live:
        supervisor.listen(lambda _: live.update(_table(supervisor), refresh=True))

        def say(text: str) -> None:
            with contextlib.suppress(OSError):  # the terminal has gone
                console.print(text, markup=False)

        yield say


def _table(supervisor: Supervisor) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for status in supervisor.statuses.values():
        name, state, *rest = cells(status)
        table.add_row(name, Text(state, style=COLOURS.get(status.state, "")), *rest)
    return table


def cells(status: Status) -> tuple[str, str, str, str, str]:
    """Name, state, process, address, and what it waits for or how often it was restarted."""
    pid = "" if status.pid is None else f"pid {status.pid}"
    detail = status.detail
    if status.restarts and status.state is State.READY:
        detail = f"restarted {status.restarts}×"
    return (
        f"{status.part.name:8}",
        f"{status.state.value:9}",
        f"{pid:10}",
        f"{status.part.address:15}",
        detail,
    )

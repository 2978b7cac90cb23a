"""How the demo speaks: a head and its lines, titles, and what it says of itself."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from agents.visible import visible

INTERRUPTED = 130
"""the exit status of what ctrl-C ended"""
WIDTH, INDENT = 110, " " * 16


def aside(text: str) -> None:
    """At once, for whoever waits."""
    print(text, flush=True)


def say(head: str, lines: Iterable[str]) -> None:
    first = f"{head}  "
    for line in lines:
        told = textwrap.wrap(
            visible(line),
            WIDTH,
            initial_indent=first,
            subsequent_indent=INDENT + "  ",
            break_on_hyphens=False,
        )
        print("\n".join(told), flush=True)
        first = INDENT


def titled(text: str) -> None:
    print(f"\n{text}")


def wrapped(sql: str) -> str:
    return textwrap.indent(sql, "  ")

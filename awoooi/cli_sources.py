"""The commands about alert sources: one or two lines each, as in cli.py."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def try_(
    file: Annotated[str, typer.Argument(help="a payload, or one a line; - reads standard input")],
    source: Annotated[
        str | None, typer.Option(help="which stack it comes from; auto, the default, tells by its shape")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option(metavar="FILE", help="mappings to try: the one in it, or --source")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
) -> None:
    """Show what a payload becomes. Needs no broker."""
    from awoooi.loading import load
    from awoooi.try_out import try_out

    sys.exit(try_out(load().settings, file, source, as_json=as_json, mapping=mapping))


def add_to(app: typer.Typer) -> None:
    app.command("try")(try_)

"""The commands that measure quality: one or two lines each, as in cli.py."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

eval_app = typer.Typer(no_args_is_help=True, help="Measure quality on labelled data.")
AsJson = Annotated[bool, typer.Option("--json", help="for programs")]


@eval_app.command("rca")
def eval_rca(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="one data set, or several side by side")],
    as_json: AsJson = False,
) -> None:
    """How often root-cause analysis is right, also with edges or measurements missing and with no fault."""
    from awoooi.eval_rca import run

    run(folder, as_json=as_json)


@eval_app.command("commands")
def eval_commands(
    file: Annotated[str, typer.Argument(help="lines of JSON: text, and a label: deny, review or allow")],
    as_json: AsJson = False,
) -> None:
    """How well the hard rules tell what must never run from what may."""
    from awoooi.eval_commands import run

    sys.exit(run(file, as_json=as_json))


@eval_app.command("privacy")
def eval_privacy(
    file: Annotated[str, typer.Argument(help="lines of JSON: text, and spans of what is personal in it")],
    as_json: AsJson = False,
) -> None:
    """How much of what is personal becomes a label, and how often a clean line is touched."""
    from awoooi.eval_privacy import run

    sys.exit(run(file, as_json=as_json))


@eval_app.command("hostile-text")
def eval_hostile_text(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE…", help="lines of JSON: text, and a label: injection or benign"),
    ],
    as_json: AsJson = False,
) -> None:
    """How much text that talks to a model is found, and how often an ordinary alert is touched."""
    from awoooi.eval_hostile import run

    sys.exit(run(files, as_json=as_json))

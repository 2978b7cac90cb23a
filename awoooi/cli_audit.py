"""`awoooi audit …`"""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

audit_app = typer.Typer(no_args_is_help=True, help="Proof that the record is complete and unaltered.")


def add_to(app: typer.Typer) -> None:
    app.add_typer(audit_app, name="audit")


def _moment(text: str) -> datetime | None:
    from awoooi.replay import read_since

    return read_since(text) if text else None


@audit_app.command("verify")
def verify(
    since: Annotated[str, typer.Option("--from", help="90m, 2h, 3d ago, or a time in ISO 8601")] = "",
    until: Annotated[str, typer.Option("--to", help="the same")] = "",
    topic: Annotated[str, typer.Option(help="only of this topic")] = "",
    project: Annotated[str, typer.Option(help="only this project's events")] = "",
    heads: Annotated[
        list[Path] | None,
        typer.Option(help="a file of pinned heads instead of the settings'; several may be given"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
) -> None:
    """Exit status: 0 proven, 1 broken (the first break is named), 2 it could not be checked."""
    from awoooi import audit
    from awoooi.loading import load
    from sinks.clickhouse.breaks import Scope

    scope = Scope(_moment(since), _moment(until), topic, project)
    sys.exit(audit.verify(load().settings, scope, heads or (), as_json=as_json))


@audit_app.command("rebuilt")
def rebuilt(reason: Annotated[str, typer.Option(help="what happened to the record")]) -> None:
    """After ClickHouse was lost and is filled from the log again: signs that older heads bind no more."""
    from awoooi import audit
    from awoooi.loading import load

    audit.rebuilt(load().settings, reason)

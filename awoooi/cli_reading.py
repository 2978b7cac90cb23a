"""The commands that show what the console shows: one or two lines each, as in cli.py."""

from __future__ import annotations

from typing import Annotated

import typer

Project = Annotated[str, typer.Option(help="only of this project")]
AsJson = Annotated[bool, typer.Option("--json", help="for programs")]


def runs(
    project: Project = "",
    state: Annotated[str, typer.Option(help="only in this state: queued, running, waiting_approval, …")] = "",
    remediation: Annotated[str, typer.Option(help="only with this remediation status")] = "",
    incident: Annotated[str, typer.Option(help="only of this incident")] = "",
    page: Annotated[int, typer.Option(min=1)] = 1,
    page_size: Annotated[int, typer.Option(min=1, max=200)] = 50,
    as_json: AsJson = False,
) -> None:
    """Runs, the newest first."""
    from awoooi import reading_commands
    from awoooi.loading import load

    chosen = {"project": project, "state": state, "remediation_status": remediation, "incident_id": incident}
    reading_commands.runs(load().settings, as_json=as_json, page=page, page_size=page_size, **chosen)


def timeline(
    named: Annotated[str, typer.Argument(metavar="ID", help="a run's id, or an incident's")],
    as_json: AsJson = False,
) -> None:
    """All that happened in a run, or in an incident, in its order."""
    from awoooi import reading_commands
    from awoooi.loading import load

    reading_commands.timeline(load().settings, named, as_json=as_json)


def approvals(
    project: Project = "",
    decided: Annotated[bool, typer.Option("--decided", help="those that have ended,  newest first")] = False,
    as_json: AsJson = False,
) -> None:
    """What waits for people's signatures, the oldest first."""
    from awoooi import reading_commands
    from awoooi.loading import load

    reading_commands.approvals(load().settings, project, decided=decided, as_json=as_json)


def add_to(app: typer.Typer) -> None:
    for command in (runs, timeline, approvals):
        app.command(command.__name__)(command)

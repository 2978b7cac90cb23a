"""The commands about silences, windows and freezes: one or two lines each, as in cli.py."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Annotated, Any

import typer

from schemas.silence import SilenceKind

silence_app = typer.Typer(
    no_args_is_help=True, help="Alerts that are known, windows of work, change freezes."
)
maintenance_app = typer.Typer(no_args_is_help=True, help="Maintenance windows: somebody works there.")
freeze_app = typer.Typer(no_args_is_help=True, help="Change freezes: nothing is done there.")
_ZONES = ["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"]
Why = Annotated[str, typer.Argument(help="why, in your words; - reads standard input")]
Match = Annotated[list[str] | None, typer.Option(help="as in namespace=shop, pod=~api-.*; may be repeated")]
For = Annotated[str, typer.Option("--for", help="how long, as in 90m, 2h, 1d12h")]
From = Annotated[datetime | None, typer.Option("--from", formats=_ZONES, help="when it begins; now")]
Until = Annotated[datetime | None, typer.Option(formats=_ZONES, help="when it ends; instead of --for")]
Project = Annotated[str, typer.Option(help="whose; the only one of the token where it is left out")]
Everything = Annotated[bool, typer.Option("--everything", help="all of the project; without --match")]


@silence_app.command("new")
def silence_new(
    why: Why,
    match: Match = None,
    incident: Annotated[str, typer.Option(help="what this incident is about; instead of --match")] = "",
    duration: For = "",
    start: From = None,
    until: Until = None,
    project: Project = "",
) -> None:
    """Say that these alerts are known: nothing is done about them without a person."""
    if incident:
        if match or start or project:
            raise typer.BadParameter("--incident takes --for or --until alone")
        _of_incident(incident, why, duration, until)
    _new(SilenceKind.SILENCE, why, match, duration, start, until, project)


def _places(app: typer.Typer, kind: SilenceKind, told: str) -> None:
    """What is about a place, and may be all of a project."""

    @app.command("new", help=told)
    def new(
        why: Why,
        match: Match = None,
        everything: Everything = False,
        duration: For = "",
        start: From = None,
        until: Until = None,
        project: Project = "",
    ) -> None:
        _new(kind, why, match, duration, start, until, project, everything=everything)


_places(maintenance_app, SilenceKind.MAINTENANCE, "Say that somebody works there.")
_places(freeze_app, SilenceKind.FREEZE, "Let nothing be done there, whoever has signed it.")


def silence_list(
    kind: Annotated[SilenceKind | None, typer.Option(help="of one kind")] = None,
    project: Annotated[str, typer.Option(help="of one project")] = "",
    expired: Annotated[bool, typer.Option("--expired", help="those that are over, too")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
) -> None:
    """All of them: silences, windows and freezes."""
    from awoooi import silence_commands
    from awoooi.loading import load

    query = {"kind": kind.value if kind else "", "project": project, "expired": "true" if expired else ""}
    sys.exit(silence_commands.show(load().settings, query, as_json=as_json))


def silence_end(
    silence_id: Annotated[str, typer.Argument(metavar="ID", help="as `list` shows it")],
    project: Annotated[str, typer.Option(help="where several have one of this id")] = "",
) -> None:
    """It is over from now on."""
    from awoooi import silence_commands
    from awoooi.loading import load

    sys.exit(silence_commands.end(load().settings, silence_id, project))


def _new(
    kind: SilenceKind,
    why: str,
    match: list[str] | None,
    duration: str,
    start: datetime | None,
    until: datetime | None,
    project: str,
    *,
    everything: bool = False,
) -> None:
    from awoooi import silence_commands as commands
    from awoooi.incident_commands import words
    from awoooi.loading import load

    body: dict[str, Any] = {
        "kind": kind.value,
        "project": project,
        "matchers": commands.matchers(match or ()),
        "everything": everything,
        "starts_at": commands.moment(start),
        "comment": words(why),
        **commands.until(duration, until),
    }
    sys.exit(commands.new(load().settings, body))


def _of_incident(incident: str, why: str, duration: str, until: datetime | None) -> None:
    from awoooi import silence_commands as commands
    from awoooi.incident_commands import words
    from awoooi.loading import load

    body = {"comment": words(why), **commands.until(duration, until)}
    sys.exit(commands.of_incident(load().settings, incident, body))


def add_to(app: typer.Typer) -> None:
    apps = {"silence": silence_app, "maintenance": maintenance_app, "freeze": freeze_app}
    for name, one in apps.items():
        one.command("list")(silence_list)
        one.command("end")(silence_end)
        app.add_typer(one, name=name)

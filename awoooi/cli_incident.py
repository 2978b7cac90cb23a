"""The commands about one incident: one or two lines each, as in cli.py."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated, Any

import typer

incident_app = typer.Typer(no_args_is_help=True, help="What people do about an incident, and how it stands.")
Incident = Annotated[str, typer.Argument(help="as `incidents` shows it")]
Note = Annotated[str, typer.Option(help="in your words; - reads standard input")]
Reason = Annotated[str, typer.Option(help="in your words; - reads standard input")]


class Verdict(StrEnum):
    RIGHT = "right"
    WRONG = "wrong"


@incident_app.command("show")
def show(
    incident: Incident, as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False
) -> None:
    """How it stands, what people did, what its runs came to."""
    from awoooi import incident_show
    from awoooi.loading import load

    incident_show.show(load().settings, incident, as_json=as_json)


@incident_app.command("acknowledge")
def acknowledge(incident: Incident, note: Note = "") -> None:
    """Say that you look at it."""
    _act("acknowledge", incident, {}, note=note)


@incident_app.command("assign")
def assign(
    incident: Incident,
    person: Annotated[str, typer.Argument(help="whose it is from now on")] = "",
    nobody: Annotated[bool, typer.Option("--nobody", help="it is nobody's any more")] = False,
    note: Note = "",
) -> None:
    """Say whose it is."""
    if nobody == bool(person):
        raise typer.BadParameter("give a person, or --nobody")
    _act("assign", incident, {"assignee": person}, note=note)


@incident_app.command("comment")
def comment(incident: Incident, text: Annotated[str, typer.Argument(help="- reads standard input")]) -> None:
    """Write something beside it."""
    _act("comment", incident, {}, text=text)


@incident_app.command("cancel")
def cancel(
    incident: Incident,
    reason: Reason = "",
    run: Annotated[int, typer.Option(min=0, help="which one; 0: whichever is pending")] = 0,
) -> None:
    """Call off the pending run, and its approval with it."""
    _act("cancel", incident, {"run": run}, reason=reason)


@incident_app.command("rerun")
def rerun(incident: Incident, note: Note = "") -> None:
    """Ask for a new run; the note is evidence of it."""
    _act("rerun", incident, {}, note=note)


@incident_app.command("judge")
def judge(
    incident: Incident,
    verdict: Annotated[Verdict, typer.Argument(help="of the cause that the run named")],
    cause: Annotated[str, typer.Option(help="the real one, where it is known; - reads standard input")] = "",
    service: Annotated[str, typer.Option(help="whose fault it was")] = "",
    run: Annotated[int, typer.Option(min=0, help="which one; 0: the latest that was decided")] = 0,
) -> None:
    """Say whether the named cause is the right one."""
    _act("judge", incident, {"verdict": verdict.value, "service": service, "run": run}, cause=cause)


@incident_app.command("close")
def close(incident: Incident, reason: Reason = "") -> None:
    """Close it, though its alert may still fire."""
    _act("close", incident, {}, reason=reason)


def _act(name: str, incident: str, body: dict[str, Any], **said: str) -> None:
    from awoooi import incident_commands
    from awoooi.loading import load

    words = {field: incident_commands.words(text) for field, text in said.items()}
    sys.exit(incident_commands.act(load().settings, name, incident, {**body, **words}))


def add_to(app: typer.Typer) -> None:
    app.add_typer(incident_app, name="incident")

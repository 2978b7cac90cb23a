"""The commands about projects: one or two lines each, as in cli.py."""

from __future__ import annotations

from typing import Annotated

import typer

projects_app = typer.Typer(
    no_args_is_help=True, help="Projects (tenants): what they are called and may cost."
)


def add_to(app: typer.Typer) -> None:
    app.add_typer(projects_app, name="projects")


@projects_app.command("set")
def projects_set(
    project: Annotated[str, typer.Argument(help="its name in every event")],
    display_name: Annotated[str | None, typer.Option(help="as people call it")] = None,
    usd_limit: Annotated[float | None, typer.Option(min=0, help="as agreed, a day; 0: none")] = None,
    active: Annotated[bool | None, typer.Option("--active/--inactive", help="looked after or not")] = None,
) -> None:
    """Say what is not said otherwise: what is left out stays as it was."""
    from awoooi.loading import load
    from awoooi.project_commands import Change, set_project

    set_project(load().settings, project, Change(display_name, usd_limit, active))


@projects_app.command("list")
def projects_list(as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False) -> None:
    """Every project that the record has heard of."""
    from awoooi.loading import load
    from awoooi.project_commands import show

    show(load().settings, as_json=as_json)

"""The commands about tokens: one or two lines each, as in cli.py."""

from __future__ import annotations

from typing import Annotated

import typer

tokens_app = typer.Typer(no_args_is_help=True, help="Tokens of webhooks, and people's own for the API.")
PERSONAL_DAYS = 365
AsJson = Annotated[bool, typer.Option("--json", help="for programs")]


@tokens_app.command("new")
def tokens_new(
    name: Annotated[str, typer.Argument(help="who or what will use it")],
    project: Annotated[
        list[str] | None,
        typer.Option(help="whose alerts it brings; for a person repeatable, by default all projects"),
    ] = None,
    sources: Annotated[str, typer.Option(help="alert sources, with commas between; * for all")] = "*",
    person: Annotated[str, typer.Option(help="makes it this person's own, for the API")] = "",
    role: Annotated[
        list[str] | None, typer.Option(help="with --person: viewer, operator, approver or admin; repeatable")
    ] = None,
    requests_per_minute: Annotated[
        int | None,
        typer.Option(min=1, help="beyond them the answer is 503; by default 100, a person's 600"),
    ] = None,
    days: Annotated[
        int | None,
        typer.Option(min=0, help="until it ends; 0: never. A person's ends after 365, a webhook's never"),
    ] = None,
) -> None:
    """Make a token; it is shown once."""
    from awoooi import token_commands
    from awoooi.loading import load

    settings, projects = load().settings, project or ()
    if person:
        if sources != "*":
            raise typer.BadParameter("a person brings no alerts: --sources is for webhooks")
        lasts = PERSONAL_DAYS if days is None else days
        token_commands.new_personal(settings, name, person, role or (), projects, requests_per_minute, lasts)
        return
    if role:
        raise typer.BadParameter("--role needs --person: a webhook has no roles")
    token_commands.new(settings, name, projects, sources, requests_per_minute, days or 0)


@tokens_app.command("list")
def tokens_list(as_json: AsJson = False) -> None:
    """All tokens, the revoked ones too; never their secrets."""
    from awoooi import token_commands
    from awoooi.loading import load

    token_commands.show(load().settings, as_json=as_json)


@tokens_app.command("revoke")
def tokens_revoke(
    token_id: Annotated[str, typer.Argument(help="as `tokens list` shows it")] = "",
    person: Annotated[str, typer.Option(help="all tokens of this person")] = "",
) -> None:
    """End a token, or all of a person's."""
    from awoooi import token_commands
    from awoooi.loading import load

    if bool(token_id) == bool(person):
        raise typer.BadParameter("give a token's id, or --person")
    if person:
        token_commands.revoke_of(load().settings, person)
    else:
        token_commands.revoke(load().settings, token_id)


def add_to(app: typer.Typer) -> None:
    app.add_typer(tokens_app, name="tokens")

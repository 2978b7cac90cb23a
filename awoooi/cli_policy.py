"""The commands about who may decide what: one or two lines each, as in cli.py."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

policy_app = typer.Typer(no_args_is_help=True, help="Who may decide what.")
switches_app = typer.Typer(no_args_is_help=True, help="What may act by itself, and what may leave.")
trust_app = typer.Typer(no_args_is_help=True, help="Trust that is earned by verified successes.")
AsJson = Annotated[bool, typer.Option("--json", help="for programs")]
PolicyFile = Annotated[str, typer.Option("--file", help="a policy; by default the shipped one")]
Reason = Annotated[str, typer.Option(help="why, for the record")]


@policy_app.command("check")
def policy_check(file: Annotated[str, typer.Argument(help="a policy, YAML")]) -> None:
    """Say what is wrong with a policy: line and what is allowed."""
    from awoooi import policy_commands

    sys.exit(policy_commands.check(file))


@policy_app.command("explain")
def policy_explain(
    operation: Annotated[str, typer.Argument(help="for example RESTART_DEPLOYMENT")],
    case: Annotated[list[str] | None, typer.Argument(help="NAME=VALUE …, as namespace=shop trust=5")] = None,
    file: PolicyFile = "",
) -> None:
    """What a policy makes of an action, with every reason. Needs no broker."""
    from awoooi import policy_commands

    sys.exit(policy_commands.explain(operation, case or (), file))


@policy_app.command("test")
def policy_test(
    cases: Annotated[str, typer.Argument(metavar="CASES", help="a table of cases, YAML")],
    file: PolicyFile = "",
) -> None:
    """Hold a policy against a table of cases. Needs no broker."""
    from awoooi import policy_commands

    sys.exit(policy_commands.test(cases, file))


@policy_app.command("apply")
def policy_apply(file: Annotated[str, typer.Argument(help="a policy, YAML")]) -> None:
    """Put a policy in force."""
    from awoooi import policy_commands
    from awoooi.loading import load

    sys.exit(policy_commands.apply(load().settings, file))


@policy_app.command("show")
def policy_show() -> None:
    """The policy in force, as it was written."""
    from awoooi import policy_commands
    from awoooi.loading import load

    sys.exit(policy_commands.show(load().settings))


class Throw(StrEnum):
    ON = "on"
    OFF = "off"
    STATUS = "status"


def kill_switch(
    what: Annotated[Throw, typer.Argument(help="on stops every execution")],
    project: Annotated[str, typer.Option(help="only of this project")] = "",
    reason: Reason = "",
) -> None:
    """Stop every execution at once, lift that, or say how it stands."""
    from awoooi import switch_commands
    from awoooi.loading import load

    settings = load().settings
    if what == Throw.STATUS:
        switch_commands.status(settings, project)
    else:
        switch_commands.throw(settings, what.value, project, reason)


@switches_app.command("list")
def switches_list(as_json: AsJson = False) -> None:
    """All that anyone has set; what is not here has its safe state."""
    from awoooi import switch_commands
    from awoooi.loading import load

    switch_commands.show(load().settings, as_json=as_json)


@switches_app.command("set")
def switches_set(
    switch: Annotated[str, typer.Argument(help="operation/NAME, shadow/PROJECT or outbound/NAME")],
    state: Annotated[str, typer.Argument(help="on or off; of outbound OFF, LOG or LIVE")],
    reason: Reason = "",
) -> None:
    """Opt an operation in, put a project in shadow mode, choose what leaves."""
    from awoooi import switch_commands
    from awoooi.loading import load

    switch_commands.set_switch(load().settings, switch, state, reason)


@trust_app.command("list")
def trust_list(as_json: AsJson = False) -> None:
    """All scores."""
    from awoooi import trust_commands
    from awoooi.loading import load

    trust_commands.show(load().settings, as_json=as_json)


@trust_app.command("reset")
def trust_reset(
    key: Annotated[str, typer.Argument(help="as `trust list` shows it")], reason: Reason = ""
) -> None:
    """Take all trust under a key away."""
    from awoooi import trust_commands
    from awoooi.loading import load

    trust_commands.reset(load().settings, key, reason)


def add_to(app: typer.Typer) -> None:
    app.add_typer(policy_app, name="policy")
    app.add_typer(switches_app, name="switches")
    app.add_typer(trust_app, name="trust")
    app.command("kill-switch")(kill_switch)

"""The commands about who may sign: one or two lines each, as in cli.py."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

keys_app = typer.Typer(no_args_is_help=True, help="Keys that people sign approvals with.")
signers_app = typer.Typer(no_args_is_help=True, help="Who may sign approvals.")
AsJson = Annotated[bool, typer.Option("--json", help="for programs")]
Person = Annotated[str, typer.Argument(help="small letters, digits and . _ @ + -")]


class Algorithm(StrEnum):
    EDDSA = "EdDSA"
    ES256 = "ES256"
    RS256 = "RS256"


@keys_app.command("new")
def keys_new(
    person: Person,
    algorithm: Annotated[Algorithm, typer.Option(help="EdDSA is Ed25519")] = Algorithm.EDDSA,
    to: Annotated[str, typer.Option(help="where the private key goes; by default the state folder")] = "",
) -> None:
    """Make a key pair: the private key for its owner alone, the public one to register."""
    from awoooi import key_commands
    from awoooi.loading import load

    key_commands.new(load().settings, person, algorithm.value, to)


@keys_app.command("list")
def keys_list(as_json: AsJson = False) -> None:
    """All registered keys, the revoked ones too."""
    from awoooi import key_commands
    from awoooi.loading import load

    key_commands.show(load().settings, as_json=as_json)


@keys_app.command("revoke")
def keys_revoke(key_id: Annotated[str, typer.Argument(help="as `keys list` shows it")]) -> None:
    """End a key."""
    from awoooi import key_commands
    from awoooi.loading import load

    key_commands.revoke(load().settings, key_id)


@signers_app.command("add")
def signers_add(
    person: Person,
    role: Annotated[
        list[str] | None, typer.Option(help="admin, devops, sre, cto or ciso; repeatable")
    ] = None,
    project: Annotated[list[str] | None, typer.Option(help="only in these; repeatable")] = None,
    key: Annotated[list[str] | None, typer.Option(help="a public JWK, or its file; repeatable")] = None,
) -> None:
    """Let a person sign, or change what they may: roles and projects are replaced, keys are added."""
    from awoooi import signer_commands
    from awoooi.loading import load

    signer_commands.add(load().settings, person, role or (), project or (), key or ())


@signers_app.command("remove")
def signers_remove(person: Person) -> None:
    """Let a person sign nothing any more."""
    from awoooi import signer_commands
    from awoooi.loading import load

    signer_commands.remove(load().settings, person)


@signers_app.command("list")
def signers_list(as_json: AsJson = False) -> None:
    """All signers, the removed ones too."""
    from awoooi import signer_commands
    from awoooi.loading import load

    signer_commands.show(load().settings, as_json=as_json)


ApprovalId = Annotated[str, typer.Argument(help="as the request says it: incident id, -A, number")]
KeyFile = Annotated[str, typer.Option("--key", help="your private key, as `keys new` made it")]
Reason = Annotated[str, typer.Option(help="for the record")]
Who = Annotated[str, typer.Option("--person", help="where the signers file is not on this machine")]
Roles = Annotated[list[str] | None, typer.Option("--role", help="sign with these alone; repeatable")]


def approve(
    approval_id: ApprovalId, key: KeyFile, reason: Reason = "", who: Who = "", role: Roles = None
) -> None:
    """Sign what is asked with your key, and see whether it counts."""
    _decide("approve", approval_id, key, reason, who, role)


def reject(
    approval_id: ApprovalId, key: KeyFile, reason: Reason = "", who: Who = "", role: Roles = None
) -> None:
    """Reject what is asked: one rejection closes it."""
    _decide("reject", approval_id, key, reason, who, role)


def _decide(decision: str, approval_id: str, key: str, reason: str, who: str, role: list[str] | None) -> None:
    from awoooi import sign_commands
    from awoooi.loading import load

    sys.exit(sign_commands.decide(load().settings, decision, approval_id, key, reason, who, role or ()))


def add_to(app: typer.Typer) -> None:
    app.command("approve")(approve)
    app.command("reject")(reject)
    app.add_typer(keys_app, name="keys")
    app.add_typer(signers_app, name="signers")

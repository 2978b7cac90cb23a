"""The commands about who may sign: one or two lines each, as in cli.py."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from awoooi.settings import Settings
    from awoooi.signers_log import SignersLog

keys_app = typer.Typer(no_args_is_help=True, help="Keys that people sign approvals with.")
signers_app = typer.Typer(no_args_is_help=True, help="Who may sign approvals.")
AsJson = Annotated[bool, typer.Option("--json", help="for programs")]
Person = Annotated[str, typer.Argument(help="small letters, digits and . _ @ + -")]
KeyId = Annotated[str, typer.Argument(help="as `keys list` shows it")]
Reason = Annotated[str, typer.Option(help="for the record")]


def _with_log() -> tuple[Settings, SignersLog]:
    from awoooi.loading import load
    from awoooi.signers_log import OnKafka

    settings = load().settings
    return settings, OnKafka(settings)


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

    key_commands.show(*_with_log(), as_json=as_json)


@keys_app.command("enroll")
def keys_enroll(
    person: Person, key: Annotated[str, typer.Argument(help="a public JWK, or its file")]
) -> None:
    """Register a key that its owner made, in a browser for one: it counts once an admin confirms it."""
    from awoooi import key_commands

    key_commands.enroll(*_with_log(), person, key)


@keys_app.command("confirm")
def keys_confirm(
    key_id: KeyId,
    key: Annotated[str, typer.Option(help="an admin's private key; by default the first admin's")] = "",
    person: Annotated[str, typer.Option(help="whose key, where several enrolled one of this id")] = "",
) -> None:
    """Let a key count that its owner has enrolled: compare its thumbprint with the owner's first."""
    from awoooi import key_commands

    key_commands.confirm(*_with_log(), key_id, person, key)


@keys_app.command("revoke")
def keys_revoke(key_id: KeyId, reason: Reason = "") -> None:
    """End a key; nothing takes that back."""
    from awoooi import key_commands

    key_commands.revoke(*_with_log(), key_id, reason)


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

    signer_commands.add(*_with_log(), person, role or (), project or (), key or ())


@signers_app.command("remove")
def signers_remove(person: Person, reason: Reason = "") -> None:
    """Let a person sign nothing any more."""
    from awoooi import signer_commands

    signer_commands.remove(*_with_log(), person, reason)


@signers_app.command("list")
def signers_list(as_json: AsJson = False) -> None:
    """All signers, the removed ones too."""
    from awoooi import signer_commands

    signer_commands.show(*_with_log(), as_json=as_json)


ApprovalId = Annotated[str, typer.Argument(help="as the request says it: incident id, -A, number")]
KeyFile = Annotated[str, typer.Option("--key", help="your private key, as `keys new` made it")]
Who = Annotated[str, typer.Option("--person", help="where the registry does not know your key")]
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

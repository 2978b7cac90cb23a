"""`awoooi signers add|remove|list`: who may sign, with which roles, keys and projects."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from awoooi.printing import print_json, print_table
from awoooi.settings import Settings
from awoooi.signer_file import change, now, read_raw, with_signer
from schemas.errors import Misconfigured
from streams.policy.people import Role
from streams.policy.signers import admins, standing
from streams.policy.signers_file import Signer, SignersFile, parse_signer

COLUMNS = ("person", "roles", "projects", "keys", "accounts", "state")


def add(
    settings: Settings, person: str, roles: Sequence[str], projects: Sequence[str], keys: Sequence[str]
) -> None:
    """Roles and projects that are given replace those before; keys are added to those before."""
    given: dict[str, Any] = {"person": person, "keys": [_key(key) for key in keys]}
    given |= {"roles": list(roles)} if roles else {}
    given |= {"projects": list(projects)} if projects else {}
    file = change(settings.approvals.signers_file, lambda file: _added(file, given))
    signer = next(one for one in file.signers if one.person == person)
    keys = _keys(signer, admins(file))
    print(f"{person} may sign as {', '.join(signer.roles)} in {_projects(signer)}, with {keys}.")
    if not signer.keys and not signer.key_ids and not signer.accounts:
        print(f"No key yet: `awoooi keys new {person}` makes one, `signers add {person} --key` takes it.")


def remove(settings: Settings, person: str) -> None:
    file = change(settings.approvals.signers_file, lambda file: _removed(file, person))
    print(f"{person} may sign nothing any more, and what they signed does not count where it is still open.")
    if not any(Role.ADMIN in signer.roles and not signer.removed for signer in file.signers):
        print("Nobody is left with the role admin.")


def show(settings: Settings, *, as_json: bool) -> None:
    path = settings.approvals.signers_file
    file = read_raw(path)
    if as_json:
        print_json([signer.model_dump(mode="json", exclude_defaults=True) for signer in file.signers])
    elif file.signers:
        print_table(COLUMNS, [_row(signer, admins(file)) for signer in file.signers])
    else:
        print(f"Nobody may sign: {path} names nobody; `awoooi signers add PERSON --role …` does.")


def _added(file: SignersFile, given: Mapping[str, Any]) -> SignersFile:
    before = {signer.person: signer for signer in file.signers}.get(given["person"])
    if before is None and "roles" not in given:
        raise Misconfigured(f"{given['person']} is new: give at least one --role ({', '.join(Role)})")
    kept = {} if before is None else before.model_dump(mode="json", exclude_defaults=True)
    kept.pop("removed", None)
    keys = [*kept.get("keys", []), *given["keys"]]
    signer = parse_signer({**kept, **given, "keys": keys})
    return with_signer(file, signer)


def _removed(file: SignersFile, person: str) -> SignersFile:
    """The keys are revoked as well, so that they stay so if the person comes back."""
    known = {signer.person: signer for signer in file.signers}
    if person not in known:
        raise Misconfigured(f"no signer is called {person!r}; there are: {', '.join(known) or 'none'}")
    signer = known[person]
    if signer.removed is not None:
        return file
    keys = tuple(
        key if key.revoked is not None else key.model_copy(update={"revoked": now()}) for key in signer.keys
    )
    return with_signer(file, signer.model_copy(update={"removed": now(), "keys": keys}))


def _key(given: str) -> Any:
    """A public JWK, as text or in a file."""
    try:
        text = given if given.lstrip().startswith("{") else Path(given).read_text(encoding="utf-8")
        return json.loads(text)
    except (OSError, ValueError) as error:
        raise Misconfigured(f"--key: a public JWK, or a file that holds one: {error}") from error


def _row(signer: Signer, confirmers: frozenset[str]) -> tuple[str, ...]:
    state = "may sign" if signer.removed is None else f"removed {signer.removed:%Y-%m-%d %H:%M}"
    accounts = ", ".join(f"{one.subject} at {one.issuer}" for one in signer.accounts) or "–"
    return (
        signer.person,
        ", ".join(signer.roles),
        _projects(signer),
        _keys(signer, confirmers),
        accounts,
        state,
    )


def _projects(signer: Signer) -> str:
    return "all projects" if "*" in signer.projects else ", ".join(signer.projects)


def _keys(signer: Signer, confirmers: frozenset[str]) -> str:
    whole = [f"{key.kid} ({standing(key, confirmers)})" for key in signer.keys]
    return ", ".join([*whole, *signer.key_ids]) or "no key"

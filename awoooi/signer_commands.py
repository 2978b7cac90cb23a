"""`awoooi signers add|remove|list`: who may sign, with which roles, keys and projects; acts on the topic."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from awoooi.printing import print_json, print_table
from awoooi.settings import Settings
from awoooi.signers_log import Register, SignersLog, act, register
from schemas.envelope import Event
from schemas.errors import Misconfigured
from schemas.signer import (
    KeyEnd,
    PublicJwk,
    SignerEnd,
    SignerKey,
    SignerKeyAdded,
    SignerKeyRevoked,
    SignerRemoved,
    SignerSet,
    SignerTerms,
)
from streams.policy.jwk import HS256
from streams.policy.people import Role
from streams.policy.signers import Registry, Standing, standing_of
from streams.policy.signers_file import ALL_PROJECTS, KeyEntry, Signer, SignersFile, parse_signer

COLUMNS = ("person", "roles", "projects", "keys", "accounts", "state")


def add(
    settings: Settings,
    log: SignersLog,
    person: str,
    roles: Sequence[str],
    projects: Sequence[str],
    keys: Sequence[str],
) -> None:
    """Roles and projects that are given replace those before; keys are added to those before."""
    known = register(settings, log)
    given = parse_signer(_given(known, person, roles, projects) | {"keys": [read_key(key) for key in keys]})
    _fits_file(known, given, settings.approvals.signers_file)
    if given.keys or all(one.person != person for one in known.file.signers):
        known.must_give()
    events: list[Event] = []
    if _differs(known, given):
        terms = SignerTerms.of(person=person, roles=given.roles, projects=given.projects)
        events.append(act(SignerSet, terms))
    events += [key_added(known, person, key) for key in given.keys if not _has(known, person, key)]
    log.write(events)
    after = register(settings, log)
    _tell(after, _one(after.both, person))


def remove(settings: Settings, log: SignersLog, person: str, reason: str = "") -> None:
    """The keys are revoked as well, so that they stay so if the person comes back."""
    known = register(settings, log)
    signer = _one(known.both, person)
    if signer.removed is None:
        gone = SignerEnd.of(person=person, roles=signer.roles, reason=reason)
        ends = [key_revoked(person, key, reason) for key in signer.keys if key.revoked is None]
        log.write([act(SignerRemoved, gone), *ends])
    print(f"{person} may sign nothing any more, and what they signed does not count where it is still open.")
    left = [one for one in known.both.signers if one.person != person]
    if not any(Role.ADMIN in signer.roles and not signer.removed for signer in left):
        print("Nobody is left with the role admin.")


def show(settings: Settings, log: SignersLog, *, as_json: bool) -> None:
    known = register(settings, log)
    if as_json:
        print_json([signer.model_dump(mode="json", exclude_defaults=True) for signer in known.both.signers])
    elif known.both.signers:
        print_table(COLUMNS, [_row(signer, known.registry) for signer in known.both.signers])
    else:
        print("Nobody may sign: `awoooi signers add PERSON --role …` lets somebody.")
    for line in _doubts(known):
        print(line)


def read_key(given: str) -> Any:
    """A public JWK, as text or in a file."""
    try:
        text = given if given.lstrip().startswith("{") else Path(given).read_text(encoding="utf-8")
        return json.loads(text)
    except (OSError, ValueError) as error:
        raise Misconfigured(f"--key: a public JWK, or a file that holds one: {error}") from error


# -- what is recorded


def key_added(known: Register, person: str, key: KeyEntry, *, enrolled: bool = False) -> Event:
    """Misconfigured where it could count for nobody, or would take from another."""
    public = key.public_key()
    if public.algorithm == HS256:
        raise Misconfigured("--key: a shared secret is no public key; it stands in the signers file")
    if known.log.revoked_at(key) is not None:
        raise Misconfigured(f"the key {key.kid} is revoked, and nothing takes that back: make a new one")
    for other in known.registry.keys.values():
        same = other.key.kid == key.kid, other.key.thumbprint == public.thumbprint
        if any(same) and other.standing is not Standing.UNCONFIRMED:
            whose = other.holder.person if other.holder else "an issuer"
            raise Misconfigured(f"the key {key.kid} stands twice: {whose} has {other.key.kid} already")
    parts = {name: getattr(key, name) or "" for name in PublicJwk.model_fields}
    return act(SignerKeyAdded, SignerKey.of(person=person, jwk=PublicJwk(**parts), enrolled=enrolled))


def key_revoked(person: str, key: KeyEntry, reason: str) -> Event:
    thumbprint = key.public_key().thumbprint
    end = KeyEnd.of(kid=key.kid, thumbprint=thumbprint, person=person, reason=reason)
    return act(SignerKeyRevoked, end)


def _given(known: Register, person: str, roles: Sequence[str], projects: Sequence[str]) -> dict[str, Any]:
    """What is not said stays as it is, on the topic or in the file."""
    before = known.log.people.get(person) or {one.person: one for one in known.file.signers}.get(person)
    if before is None and not roles:
        raise Misconfigured(f"{person} is new: give at least one --role ({', '.join(Role)})")
    kept_roles, kept_projects = (before.roles, before.projects) if before else ((), ())
    return {
        "person": person,
        "roles": list(roles or kept_roles),
        "projects": list(projects or kept_projects or (ALL_PROJECTS,)),
    }


def _fits_file(known: Register, given: Signer, path: Path) -> None:
    """The stricter of both counts: what the file does not give cannot be given here."""
    for signer in known.file.signers:
        if signer.person != given.person:
            continue
        if signer.removed is not None:
            raise Misconfigured(f"{path} says that {signer.person} is removed: only there it can be undone")
        more = [role for role in given.roles if role not in signer.roles]
        if more:
            has, lacks = ", ".join(signer.roles), ", ".join(more)
            raise Misconfigured(f"{path} gives {signer.person} {has}, not {lacks}: both must give it")


def _differs(known: Register, given: Signer) -> bool:
    """Whether the topic must say something: who stands in the file as asked needs no word there."""
    said = known.log.people.get(given.person)
    if said is None:
        in_file = {one.person: one for one in known.file.signers}.get(given.person)
        return in_file is None or (in_file.roles, in_file.projects) != (given.roles, given.projects)
    return said.removed is not None or (said.roles, said.projects) != (given.roles, given.projects)


def _has(known: Register, person: str, key: KeyEntry) -> bool:
    found = known.registry.keys.get(key.kid)
    if found is None or found.holder is None or found.standing is not Standing.IN_FORCE:
        return False
    return found.holder.person == person and found.key.thumbprint == key.public_key().thumbprint


def _one(file: SignersFile, person: str) -> Signer:
    known = {signer.person: signer for signer in file.signers}
    if person not in known:
        raise Misconfigured(f"no signer is called {person!r}; there are: {', '.join(known) or 'none'}")
    return known[person]


# -- what is shown


def _tell(known: Register, signer: Signer) -> None:
    keys, roles = _keys(signer, known.registry), ", ".join(signer.roles)
    print(f"{signer.person} may sign as {roles} in {_projects(signer)}, with {keys}.")
    if not signer.keys and not signer.accounts:
        name = signer.person
        print(f"No key yet: `awoooi keys new {name}` makes one, `signers add {name} --key` takes it.")


def _row(signer: Signer, registry: Registry) -> tuple[str, ...]:
    state = "may sign" if signer.removed is None else f"removed {signer.removed:%Y-%m-%d %H:%M}"
    accounts = ", ".join(f"{one.subject} at {one.issuer}" for one in signer.accounts) or "–"
    return (
        signer.person,
        ", ".join(signer.roles) or "none",
        _projects(signer),
        _keys(signer, registry),
        accounts,
        state,
    )


def _doubts(known: Register) -> Iterator[str]:
    if known.log.doubt:
        yield f"Nobody may sign now: {known.log.doubt}."
    elif known.log.unread:
        keys = ", ".join(known.log.unread)
        yield f"What stands on the topic under {keys} cannot be read: the stricter counts."


def _projects(signer: Signer) -> str:
    if ALL_PROJECTS in signer.projects:
        return "all projects"
    return ", ".join(signer.projects) or "no project"


def _keys(signer: Signer, registry: Registry) -> str:
    whole = [f"{key.kid} ({standing_of(registry, signer.person, key)})" for key in signer.keys]
    return ", ".join(whole) or "no key"

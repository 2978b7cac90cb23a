"""The registry at work: from what a token names to a key, from a key to a person with roles and projects."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol

from streams.policy.jwk import PublicKey
from streams.policy.people import Role
from streams.policy.signers_file import ALL_PROJECTS, KeyEntry, Signer, SignersFile

OWN_ISSUER = "awoooi"
"""what `iss` says in a token that is signed with a key of our own registry"""


class Standing(StrEnum):
    IN_FORCE = "in force"
    UNCONFIRMED = "not confirmed by an admin"
    REVOKED = "revoked"
    DISPUTED = "claimed by two"


@dataclass(frozen=True, slots=True)
class Holder:
    person: str
    roles: frozenset[Role]
    projects: frozenset[str]
    is_removed: bool = False

    def covers(self, project: str) -> bool:
        return ALL_PROJECTS in self.projects or project in self.projects


@dataclass(frozen=True, slots=True)
class Known:
    key: PublicKey
    standing: Standing = Standing.IN_FORCE
    holder: Holder | None = None
    """None: the key is an issuer's, and signs for whoever has an account there"""


class KeySource(Protocol):
    """An OIDC issuer's keys, as long as they are believed."""

    def find(self, kid: str) -> PublicKey | None: ...


@dataclass(frozen=True)
class Registry:
    keys: Mapping[str, Known] = field(default_factory=dict)
    accounts: Mapping[tuple[str, str], Holder] = field(default_factory=dict)
    issuers: Mapping[str, KeySource] = field(default_factory=dict)
    doubt: str = ""
    """why nobody may sign: who may is not known"""

    @classmethod
    def of(cls, file: SignersFile, issuers: Mapping[str, KeySource] | None = None) -> Registry:
        """From a file as `read_signers` gives it, whole; and what `together` makes of it."""
        accounts = {
            (account.issuer, account.subject): _holder(signer)
            for signer in file.signers
            for account in signer.accounts
        }
        named = {url: keys for url, keys in (issuers or {}).items() if url in file.issuers}
        return cls(_by_id(file), accounts, named)

    def knows_issuer(self, issuer: str) -> bool:
        return issuer == OWN_ISSUER or issuer in self.issuers

    def find(self, issuer: str, kid: str) -> Known | None:
        """An issuer's key never stands for a key of ours, whatever id it has."""
        if issuer == OWN_ISSUER:
            return self.keys.get(kid)
        source = self.issuers.get(issuer)
        key = source.find(kid) if source is not None else None
        return None if key is None else Known(key)

    def holder(self, issuer: str, kid: str, subject: str) -> Holder | None:
        """Who signed, if that key may speak for this subject."""
        known = self.find(issuer, kid)
        if known is None or known.holder is None:
            return self.accounts.get((issuer, subject)) if known else None
        return known.holder if known.holder.person == subject else None


def _by_id(file: SignersFile) -> dict[str, Known]:
    """The first claim to each id, a registered one before what its owner has only enrolled."""
    confirmers = admins(file)
    claims = [
        Known(entry.public_key(), standing(entry, confirmers), _holder(signer))
        for signer in file.signers
        for entry in signer.keys
    ]
    registered = [claim for claim in claims if claim.standing is not Standing.UNCONFIRMED]
    revoked = {claim.key.thumbprint for claim in registered if claim.standing is Standing.REVOKED}
    rivals = _claimed(registered)
    first = {claim.key.kid: claim for claim in reversed([*registered, *claims])}
    return {kid: replace(known, standing=_settled(known, revoked, rivals)) for kid, known in first.items()}


def _claimed(registered: Sequence[Known]) -> dict[str, set[tuple[str, str]]]:
    """Who has an id, and who has a key: more than one is a dispute."""
    found: dict[str, set[tuple[str, str]]] = {}
    for claim in registered:
        person, thumbprint = claim.holder.person if claim.holder else "", claim.key.thumbprint
        found.setdefault(f"id {claim.key.kid}", set()).add((person, thumbprint))
        found.setdefault(f"key {thumbprint}", set()).add((person, ""))
    return found


def _settled(known: Known, revoked: Collection[str], rivals: Mapping[str, Collection[Any]]) -> Standing:
    """Revoked anywhere is revoked; what two claim is nobody's; who only enrols takes nothing from anybody."""
    if known.key.thumbprint in revoked:
        return Standing.REVOKED
    if known.standing is Standing.UNCONFIRMED:
        return known.standing
    claims = rivals[f"id {known.key.kid}"], rivals[f"key {known.key.thumbprint}"]
    return known.standing if max(map(len, claims)) == 1 else Standing.DISPUTED


def admins(file: SignersFile) -> frozenset[str]:
    """Who may confirm keys. What they confirmed stays so when they go, not when they lose the role."""
    return frozenset(signer.person for signer in file.signers if Role.ADMIN in signer.roles)


def standing(entry: KeyEntry, confirmers: frozenset[str]) -> Standing:
    if entry.revoked is not None:
        return Standing.REVOKED
    if entry.enrolled is not None and entry.confirmed_by not in confirmers:
        return Standing.UNCONFIRMED
    return Standing.IN_FORCE


def standing_of(registry: Registry, person: str, entry: KeyEntry) -> Standing:
    """Of this very key of this person, beside what others claim."""
    known = registry.keys.get(entry.kid)
    ours = known is not None and known.holder is not None and known.holder.person == person
    if known is not None and ours and known.key.thumbprint == entry.public_key().thumbprint:
        return known.standing
    return Standing.DISPUTED


def _holder(signer: Signer) -> Holder:
    return Holder(
        signer.person, frozenset(signer.roles), frozenset(signer.projects), signer.removed is not None
    )

"""The registry at work: from what a token names to a key, from a key to a person with roles and projects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from streams.policy.jwk import PublicKey
from streams.policy.people import Role
from streams.policy.signers_file import ALL_PROJECTS, KeyEntry, Signer, SignersFile

OWN_ISSUER = "awoooi"
"""what `iss` says in a token that is signed with a key of our own registry"""


class Standing(StrEnum):
    IN_FORCE = "in force"
    UNCONFIRMED = "not confirmed by an admin"
    REVOKED = "revoked"


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

    @classmethod
    def of(cls, file: SignersFile, issuers: Mapping[str, KeySource] | None = None) -> Registry:
        """From a file as `read_signers` gives it, whole."""
        keys: dict[str, Known] = {}
        accounts: dict[tuple[str, str], Holder] = {}
        confirmers = admins(file)
        for signer in file.signers:
            holder = _holder(signer)
            keys |= {
                entry.kid: Known(entry.public_key(), standing(entry, confirmers), holder)
                for entry in signer.keys
            }
            accounts |= {(account.issuer, account.subject): holder for account in signer.accounts}
        return cls(
            keys, accounts, {url: keys for url, keys in (issuers or {}).items() if url in file.issuers}
        )

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


def admins(file: SignersFile) -> frozenset[str]:
    """Who may confirm keys. What they confirmed stays so when they go, not when they lose the role."""
    return frozenset(signer.person for signer in file.signers if Role.ADMIN in signer.roles)


def standing(entry: KeyEntry, confirmers: frozenset[str]) -> Standing:
    if entry.revoked is not None:
        return Standing.REVOKED
    if entry.enrolled is not None and entry.confirmed_by not in confirmers:
        return Standing.UNCONFIRMED
    return Standing.IN_FORCE


def _holder(signer: Signer) -> Holder:
    return Holder(
        signer.person, frozenset(signer.roles), frozenset(signer.projects), signer.removed is not None
    )

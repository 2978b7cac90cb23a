"""The signers registry: who a key belongs to, and which roles and projects that person has, is ours to say.

jwks: keys.json                       # left out: every key stands below, whole
issuers: [https://login.example.com]  # OIDC; left out: only keys of our own count
signers:
  - person: alice
    roles: [sre, cto]
    projects: [shop]                  # left out: all
    keys: [{kty: OKP, crv: Ed25519, x: …, kid: alice-1}, key-of-the-jwks-file]
    accounts: [{issuer: https://login.example.com, subject: 248289761001}]
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator, model_validator

from connectors.checked_file import Complaint, parse_checked, read_bytes
from connectors.tokens import PROJECT_PATTERN
from schemas.errors import BadPayload
from schemas.person import PERSON, PERSON_IN_WORDS
from streams.policy.jwk import PublicKey, read_jwk
from streams.policy.people import Role

ALL_PROJECTS = "*"
Project = Annotated[str, Field(pattern=rf"^(\*|{PROJECT_PATTERN})$")]
IssuerUrl = Annotated[
    str, Field(pattern=r"^(https://[^\s@?#]+|http://(127\.0\.0\.1|localhost)(:[0-9]+)?(/[^\s@?#]*)?)$")
]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class KeyEntry(_Part):
    """A public JWK, and what became of it."""

    kid: str
    kty: str
    crv: str | None = None
    x: str | None = None
    y: str | None = None
    n: str | None = None
    e: str | None = None
    k: str | None = Field(None, repr=False)
    alg: str | None = None
    use: str | None = None
    key_ops: tuple[str, ...] | None = Field(None, description="as browsers write it")
    ext: bool | None = Field(None, description="as browsers write it")
    revoked: AwareDatetime | None = None
    enrolled: AwareDatetime | None = Field(None, description="by its owner, in a browser")
    confirmed_by: str = Field("", description="the admin who confirmed what was enrolled")

    @model_validator(mode="before")
    @classmethod
    def _public(cls, plain: Any) -> Any:
        if isinstance(plain, Mapping) and "d" in plain:
            raise ValueError("this is a private key: only its public part belongs here")
        return plain

    @model_validator(mode="after")
    def _usable(self) -> Self:
        try:
            self.public_key()
        except BadPayload as error:
            raise ValueError(str(error)) from error
        return self

    def public_key(self) -> PublicKey:
        about = {"revoked", "enrolled", "confirmed_by", "key_ops", "ext"}
        return read_jwk(self.model_dump(exclude=about, exclude_none=True))


class Account(_Part):
    """The same person at an OIDC issuer."""

    issuer: str
    subject: str = Field(min_length=1, max_length=255)

    @field_validator("subject", mode="before")
    @classmethod
    def _digits_too(cls, value: Any) -> Any:
        return str(value) if type(value) is int else value  # YAML reads an unquoted 248289761001 as a number


class Signer(_Part):
    person: str = Field(pattern=f"^{PERSON}$", description=PERSON_IN_WORDS)
    roles: tuple[Role, ...]
    projects: tuple[Project, ...] = (ALL_PROJECTS,)
    keys: tuple[KeyEntry, ...] = ()
    key_ids: tuple[str, ...] = Field((), description="of keys in the JWKS file")
    accounts: tuple[Account, ...] = ()
    removed: AwareDatetime | None = None

    @field_validator("roles", "projects")
    @classmethod
    def _some(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not names:
            raise ValueError("name at least one")
        return names


class Jwks(_Part):
    keys: tuple[KeyEntry, ...]

    @field_validator("keys")
    @classmethod
    def _apart(cls, keys: tuple[KeyEntry, ...]) -> tuple[KeyEntry, ...]:
        kids = [key.kid for key in keys]
        for kid in kids:
            if kids.count(kid) > 1:
                raise ValueError(f"the key {kid} stands twice")
        return keys


class SignersFile(_Part):
    signers: tuple[Signer, ...] = ()
    issuers: tuple[IssuerUrl, ...] = ()
    jwks: Path | None = Field(None, description="beside this file, unless it begins with /")

    def with_keys(self, found: Mapping[str, KeyEntry]) -> SignersFile:
        """Every key whole, in its place."""
        signers = tuple(
            signer.model_copy(
                update={"keys": (*signer.keys, *(found[kid] for kid in signer.key_ids)), "key_ids": ()}
            )
            for signer in self.signers
        )
        return self.model_copy(update={"signers": signers, "jwks": None})


def read_signers(path: Path) -> SignersFile:
    """With the keys of its JWKS file in place. Misconfigured names file and line."""
    return parse_signers(read_bytes(path, "the signers file"), path)


def parse_signers(content: bytes, path: Path) -> SignersFile:
    """As if it stood at this path."""
    name = str(path)
    file = parse_checked(content, SignersFile, name)
    keys: dict[str, KeyEntry] = {}
    if file.jwks is not None:
        beside = path.parent / file.jwks
        jwks = parse_checked(read_bytes(beside, "the JWKS file"), Jwks, str(beside))
        keys = {key.kid: key for key in jwks.keys}
    parse_checked(content, SignersFile, name, lambda file: _strangers(file, keys))
    whole = file.with_keys(keys)
    parse_checked(content, SignersFile, name, lambda _: doubts(whole))
    return whole


def parse_signer(plain: Mapping[str, Any]) -> Signer:
    """One signer, as a command was told."""
    return parse_checked(json.dumps(plain).encode(), Signer, f"signer {plain.get('person')}")


def _strangers(file: SignersFile, keys: Mapping[str, KeyEntry]) -> Iterator[Complaint]:
    for at, signer in enumerate(file.signers):
        for number, kid in enumerate(signer.key_ids):
            if kid not in keys:
                known = ", ".join(keys) or "none"
                told = f"no key of the JWKS file has the id {kid!r}; there are: {known}"
                yield ("signers", at, "key_ids", number), told


def doubts(file: SignersFile) -> Iterator[Complaint]:
    """What would leave open who somebody is: a name, a key, an account that two persons have."""
    seen: set[tuple[str, ...]] = set()

    def twice(*what: str) -> bool:
        known = what in seen
        seen.add(what)
        return known

    people = {signer.person for signer in file.signers}
    for at, signer in enumerate(file.signers):
        if twice("person", signer.person):
            yield ("signers", at, "person"), f"{signer.person} stands twice"
        for number, key in enumerate(signer.keys):
            place = ("signers", at, "keys", number)
            if twice("kid", key.kid) or twice("key", key.public_key().thumbprint):
                yield place, f"the key {key.kid} stands twice: a key has one owner and one id"
            if key.confirmed_by and key.confirmed_by not in people - {signer.person}:
                yield place, f"confirmed_by: {key.confirmed_by!r} is no other person of this file"
        for number, account in enumerate(signer.accounts):
            place = ("signers", at, "accounts", number)
            if account.issuer not in file.issuers:
                yield place, f"{account.issuer} is not among the issuers"
            if twice("account", account.issuer, account.subject):
                yield place, f"the account {account.subject} stands twice"

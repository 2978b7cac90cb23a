"""Facts as they stand on the topic of signers, and the topic as a view has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas import ids
from schemas.catalog import key_of
from schemas.codec import Codec
from schemas.envelope import Event
from schemas.signer import (
    KeyConfirmation,
    KeyEnd,
    PublicJwk,
    SignerEnd,
    SignerKey,
    SignerKeyAdded,
    SignerKeyConfirmed,
    SignerKeyRevoked,
    SignerRemoved,
    SignerSet,
    SignerTerms,
)
from streams.policy.jwk import read_jwk
from streams.policy.recorded_signers import RecordedSigners, recorded, together
from streams.policy.signers import Registry
from streams.policy.signers_file import SignersFile
from tests.streams.policy.signing import NOW, jwk

CODEC = Codec()
Fact = tuple[bytes, bytes]


def fact(kind: type[Event], payload: Any) -> Fact:
    event = kind(
        event_id=ids.derive_id("test", payload.subject),
        project_id="",
        occurred_at=NOW,
        recorded_at=NOW,
        stage="cli",
        actor="frank",
        payload=payload,
    )
    return key_of(event), CODEC.encode(event)


def person(name: str, *roles: str, projects: tuple[str, ...] = ("*",)) -> Fact:
    return fact(SignerSet, SignerTerms.of(person=name, roles=roles, projects=projects))


def gone(name: str, *roles: str) -> Fact:
    return fact(SignerRemoved, SignerEnd.of(person=name, roles=roles))


def of_jwk(kid: str, known_as: str = "") -> PublicJwk:
    whole = {**jwk(kid), "kid": known_as or kid}
    return PublicJwk(**{name: whole[name] for name in PublicJwk.model_fields if name in whole})


def key(name: str, kid: str, *, enrolled: bool = False, known_as: str = "") -> Fact:
    return fact(SignerKeyAdded, SignerKey.of(person=name, jwk=of_jwk(kid, known_as), enrolled=enrolled))


def thumbprint(kid: str) -> str:
    return read_jwk(jwk(kid)).thumbprint


def confirmed(name: str, kid: str, by: str, *, over: str = "") -> Fact:
    about = {"person": name, "kid": kid, "thumbprint": over or thumbprint(kid), "confirmed_by": by}
    return fact(SignerKeyConfirmed, KeyConfirmation.of(**about))


def revoked(kid: str, of: str = "") -> Fact:
    return fact(SignerKeyRevoked, KeyEnd.of(kid=kid, thumbprint=of))


def in_file(*people: dict[str, Any]) -> SignersFile:
    return SignersFile.model_validate({"signers": list(people)})


def registry(file: SignersFile, *facts: Fact) -> Registry:
    said = recorded(CODEC, dict(facts))
    assert not said.doubt
    return Registry.of(together(file, said))


NOBODY = in_file()
FRANK = {"person": "frank", "roles": ["admin"], "keys": [jwk("frank-1")]}
BOB = {"person": "bob", "roles": ["devops", "sre"], "projects": ["shop", "bank"], "keys": [jwk("bob-1")]}
THEN = NOW.isoformat()
BOB_SET = (person("bob", "devops"), key("bob", "bob-1"))
ENROLLED = (person("bob", "devops"), person("frank", "admin"), key("bob", "bob-1", enrolled=True))


class Topic:
    """The topic as a view has it; `values` is None while nobody can tell."""

    def __init__(self, *facts: Fact) -> None:
        self.values: dict[bytes, bytes] | None = dict(facts)
        self.offset = len(facts)

    def says(self, *facts: Fact) -> None:
        self.values = {**(self.values or {}), **dict(facts)}
        self.offset += len(facts)

    def signers(self) -> RecordedSigners:
        def read() -> Mapping[bytes, bytes] | None:
            return self.values

        return RecordedSigners(CODEC, read, lambda: self.offset)

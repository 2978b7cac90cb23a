"""Who may sign, on the compacted topic `signers`: people, their keys, confirmations, revocations.

Each fact has a subject of its own, so that no later word on a person or a key takes a revocation back.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from schemas.envelope import Event, Plain


class Fact(Plain):
    """`subject` is the record's key, made from the other fields."""

    subject: str = Field(description="the record's key: kind/person, kind/person/key or kind/key")

    @classmethod
    def of(cls, **given: Any) -> Self:
        """With its subject made."""
        return cls(subject=cls.model_construct(**given).due_subject(), **given)

    @abstractmethod
    def due_subject(self) -> str:
        """What it must be."""

    @model_validator(mode="after")
    def _under_its_key(self) -> Self:
        if self.subject != self.due_subject():
            raise ValueError(f"the subject is {self.due_subject()}")
        return self


class SignerTerms(Fact):
    person: str = Field(description="small letters, digits and . _ @ + -")
    roles: tuple[str, ...] = Field(description="admin, devops, sre, cto, ciso")
    projects: tuple[str, ...] = Field(description="where the person has a say; * is everywhere")

    def due_subject(self) -> str:
        return f"person/{self.person}"


class SignerSet(Event):
    """A person may sign, with these roles in these projects; the latest word on a person stands."""

    type: Literal["signer.set"] = "signer.set"
    payload: SignerTerms
    id_over: ClassVar[str] = "person, time, roles and projects"


class SignerEnd(Fact):
    person: str = Field(description="who may sign nothing any more")
    roles: tuple[str, ...] = Field((), description="those that were held: what an admin confirmed stays so")
    reason: str = Field("", description="why, in the words of who said so")

    def due_subject(self) -> str:
        return f"person/{self.person}"


class SignerRemoved(Event):
    """A person may sign nothing any more, also where something is still open."""

    type: Literal["signer.removed"] = "signer.removed"
    payload: SignerEnd
    id_over: ClassVar[str] = "person and time"


class PublicJwk(Plain):
    """A public JSON Web Key (RFC 7517); what its type does not have is empty."""

    kid: str = Field(description="the key's id")
    kty: str = Field(description="OKP, EC or RSA")
    crv: str = Field("", description="Ed25519 or P-256")
    x: str = Field("", description="of OKP and EC")
    y: str = Field("", description="of EC")
    n: str = Field("", description="of RSA")
    e: str = Field("", description="of RSA")


class SignerKey(Fact):
    person: str = Field(description="whose it is")
    jwk: PublicJwk = Field(description="the public key")
    enrolled: bool = Field(False, description="made by its owner: it waits for an admin's confirmation")

    def due_subject(self) -> str:
        return f"key/{self.person}/{self.jwk.kid}"


class SignerKeyAdded(Event):
    """A key belongs to a person; one that its owner enrolled counts once an admin has confirmed it."""

    type: Literal["signer.key_added"] = "signer.key_added"
    payload: SignerKey
    id_over: ClassVar[str] = "key, person and time"


class KeyConfirmation(Fact):
    person: str = Field(description="whose key it is")
    kid: str = Field(description="the key's id")
    thumbprint: str = Field(description="of the very key that was confirmed (RFC 7638)")
    confirmed_by: str = Field(description="another person, with the role admin")

    def due_subject(self) -> str:
        return f"confirmed/{self.person}/{self.kid}"


class SignerKeyConfirmed(Event):
    """An admin confirmed a key that its owner had enrolled."""

    type: Literal["signer.key_confirmed"] = "signer.key_confirmed"
    payload: KeyConfirmation
    id_over: ClassVar[str] = "key, person, admin and time"


class KeyEnd(Fact):
    kid: str = Field(description="the key's id")
    thumbprint: str = Field("", description="of the key, under whatever id it comes back (RFC 7638)")
    person: str = Field("", description="whose it was")
    reason: str = Field("", description="why, in the words of who said so")

    def due_subject(self) -> str:
        return f"revoked/{self.kid}"


class SignerKeyRevoked(Event):
    """A key signs nothing any more, wherever it is registered; nothing takes this back."""

    type: Literal["signer.key_revoked"] = "signer.key_revoked"
    payload: KeyEnd
    id_over: ClassVar[str] = "key and time"


SIGNER_EVENTS: tuple[type[Event], ...] = (
    SignerSet,
    SignerRemoved,
    SignerKeyAdded,
    SignerKeyConfirmed,
    SignerKeyRevoked,
)

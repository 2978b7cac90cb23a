"""A token under examination: what it says, read in nothing but the types it ought to have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from streams.policy.jwk import EDDSA, ES256, HS256, RS256
from streams.policy.jws import Presented, take_apart
from streams.policy.signers import Holder, Known, Registry


@dataclass(frozen=True, slots=True)
class Rules:
    audience: str
    """the environment, such as `production`: a token of another one is worth nothing here"""
    embedded: bool = False
    """on one machine a shared secret may sign (HS256)"""
    skew_secs: int = 30
    """how far a client's clock may be ahead of ours; a token that has expired gets nothing on top"""
    most_life_secs: int = 24 * 3600
    """of any token; how long its approval lives is judged with the approval"""
    most_bytes: int = 32 * 1024

    @property
    def algorithms(self) -> tuple[str, ...]:
        return (EDDSA, ES256, RS256, *((HS256,) if self.embedded else ()))


@dataclass
class Exam:
    """A token under examination. Where a part is not what it should be, it reads as empty."""

    token: bytes
    at: datetime
    """when the intake recorded it: the one time that it is judged by"""
    registry: Registry
    rules: Rules

    @cached_property
    def presented(self) -> Presented:
        return take_apart(self.token)

    @property
    def header(self) -> Mapping[str, Any]:
        return self.presented.header or {}

    @property
    def claims(self) -> Mapping[str, Any]:
        return self.presented.claims or {}

    def named(self, name: str) -> str:
        value = self.header.get(name)
        return value if isinstance(value, str) else ""

    def text(self, name: str) -> str:
        value = self.claims.get(name)
        return value if isinstance(value, str) else ""

    def time(self, name: str) -> int:
        value = self.claims.get(name)
        return value if type(value) is int else 0

    @property
    def roles(self) -> tuple[str, ...]:
        value = self.claims.get("roles")
        return tuple(role for role in value if isinstance(role, str)) if isinstance(value, list) else ()

    @cached_property
    def known(self) -> Known | None:
        return self.registry.find(self.text("iss"), self.named("kid"))

    @cached_property
    def holder(self) -> Holder | None:
        return self.registry.holder(self.text("iss"), self.named("kid"), self.text("sub"))

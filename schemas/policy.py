"""Policy revisions on the compacted topic `policies`: the latest one is in force."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from schemas.envelope import Event, Long, Plain

SUBJECT = "policy"


class PolicyRevision(Plain):
    subject: str = Field(SUBJECT, description="the record's key")
    version: Long = Field(description="as its author counts")
    hash: str = Field(description="SHA-256 over what it says, 64 hex digits")
    text: str = Field(description="the whole file, YAML")


class PolicyApplied(Event):
    """A person put a policy in force."""

    type: Literal["policy.applied"] = "policy.applied"
    payload: PolicyRevision
    id_over: ClassVar[str] = "the policy's hash and the time"

"""Revisions of the policy and of playbooks on the compacted topic `policies`: the latest is in force."""

from __future__ import annotations

from enum import StrEnum
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


class PlaybookSource(StrEnum):
    SHIPPED = "shipped"
    INSTALLATION = "installation"


class PlaybookRevision(Plain):
    subject: str = Field(description="the record's key: playbook/ and its name")
    name: str = Field(description="of the playbook")
    number: Long = Field(description="of this revision, from 1")
    hash: str = Field(description="SHA-256 of the text, 64 hex digits; empty: it was withdrawn")
    text: str = Field(description="what it says, as JSON with sorted names; empty: it was withdrawn")
    family: str = Field(description="what kind of cause it is about")
    source: PlaybookSource = Field(description="shipped, or the installation's own")
    withdrawn: bool = Field(False, description="no longer there")

    @staticmethod
    def subject_of(name: str) -> str:
        return f"playbook/{name}"


class PlaybookRevised(Event):
    """A playbook is new, says something else, or is gone: told by the worker that goes by it."""

    type: Literal["playbook.revised"] = "playbook.revised"
    payload: PlaybookRevision
    id_over: ClassVar[str] = "the playbook's name, its hash and the revision before it"

"""What makes the record tamper-evident beyond its own chains: pinned heads, checkpoints, erasures.

A head is pinned outside of ClickHouse, so that a chain that was cut or rewritten as a whole shows. A
checkpoint says that rows may be missing for a good reason. Both are signed by a key of the sink's.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import Field

from schemas.envelope import Event, Long, Moment, Plain


class Head(Plain):
    """Where the chain of one partition stood."""

    subject: str = Field(description="epoch/topic/partition: the record's key")
    log_epoch: str = Field(description="which life of the log; empty on a real cluster")
    topic: str = Field(description="of the log")
    partition: Long = Field(description="of the topic")
    offset: Long = Field(description="of its last link")
    number: Long = Field(description="how many links it has")
    link: str = Field(description="its last link, in hex")
    at: Moment = Field(description="when it was pinned: what had been stored by then has a link up to here")
    key_id: str = Field(description="of the key that signed")
    signature: str = Field(description="Ed25519 over the rest, base64url")


class AuditHead(Event):
    """The head of a chain was pinned."""

    type: Literal["audit.head"] = "audit.head"
    payload: Head
    id_over: ClassVar[str] = "the place, its number and its link"


class CheckpointKind(StrEnum):
    RETENTION = "retention"
    """events recorded before `before` may be gone: their time to live is over"""
    REBUILT = "rebuilt"
    """the record was lost and made anew from the log: heads pinned before `before` bind no more"""


class Checkpoint(Plain):
    subject: str = Field(description="checkpoint/kind: the record's key")
    kind: CheckpointKind = Field(description="retention or rebuilt")
    before: Moment = Field(description="what it covers: all before that moment")
    reason: str = Field("", description="why, in a person's words where a person did it")
    at: Moment = Field(description="when it was signed")
    key_id: str = Field(description="of the key that signed")
    signature: str = Field(description="Ed25519 over the rest, base64url")


class AuditCheckpoint(Event):
    """Rows may be missing from here on back, and why."""

    type: Literal["audit.checkpoint"] = "audit.checkpoint"
    payload: Checkpoint
    id_over: ClassVar[str] = "its kind and what it covers"


class Erasure(Plain):
    subject: str = Field(description="erased/project: the record's key")
    project: str = Field(min_length=1, description="whose rows were deleted")
    before: Moment = Field(description="rows recorded up to that moment, and no later ones")
    rows: Long = Field(0, description="of `events`, as counted before")
    reason: str = Field("", description="why, in the person's words")


class ProjectErased(Event):
    """A person had a project's rows deleted. The links stay, without what they were made of."""

    type: Literal["project.erased"] = "project.erased"
    payload: Erasure
    id_over: ClassVar[str] = "the project and the moment"


def head_subject(epoch: str, topic: str, partition: int) -> str:
    return f"{epoch}/{topic}/{partition}"


def checkpoint_subject(kind: CheckpointKind) -> str:
    return f"checkpoint/{kind}"


def erasure_subject(project: str) -> str:
    return f"erased/{project}"

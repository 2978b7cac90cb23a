"""What a stage could not process, and the internal tick."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from schemas.envelope import Event, Long, Plain


class Failure(Plain):
    stage: str = Field(description="which stage could not")
    topic: str = Field(description="where the record stands")
    partition: Long = Field(description="of that topic")
    offset: Long = Field(description="in the partition")
    epoch: str = Field("", description="log epoch; empty on a real cluster")
    reason: str = Field(description="short constant, for counting")
    detail: str = Field(description="what is wrong, in words")
    size: Long = Field(description="bytes of the original value")
    sha256: str = Field(description="of the original value")
    original: bytes | None = Field(None, description="the whole value; None where the record had none")
    original_key: bytes | None = Field(None, description="the record's key, where it had one")


class StageFailed(Event):
    """An event that a stage could not process, with its bytes whole."""

    type: Literal["stage.failed"] = "stage.failed"
    payload: Failure
    id_over: ClassVar[str] = "the stage and the record's place: log epoch, topic, partition, offset"

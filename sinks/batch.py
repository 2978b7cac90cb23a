"""A batch: rows on their way to one insert, and when it closes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

MIB = 1024 * 1024
Row = TypeVar("Row")
Refusal = TypeVar("Refusal")
Place = tuple[str, int]
"""A topic and one of its partitions."""


class BatchConfig(BaseModel):
    """Whatever is reached first closes a batch. Two of them are in memory at most."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_rows: int = Field(50_000, ge=1, le=1_000_000)
    max_bytes: int = Field(16 * MIB, ge=64 * 1024, description="of the records as they stand in the log")
    max_age_secs: float = Field(1.0, gt=0, le=60, description="how long its first record waits")


@dataclass(slots=True)
class Batch(Generic[Row, Refusal]):
    """`next_offsets` says where each partition goes on once this batch is stored."""

    rows: list[Row] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    next_offsets: dict[Place, int] = field(default_factory=dict)
    size: int = 0
    opened_at: float = 0.0
    """On the monotonic clock."""

    def took(self, place: Place, next_offset: int, size: int, now: float) -> None:
        """A run of records of one partition was taken in: as rows, as refusals, or as nothing."""
        if not self.next_offsets:
            self.opened_at = now
        self.next_offsets[place] = max(next_offset, self.next_offsets.get(place, 0))
        self.size += size

    @property
    def empty(self) -> bool:
        return not self.next_offsets

    def full(self, config: BatchConfig) -> bool:
        return len(self.rows) + len(self.refused) >= config.max_rows or self.size >= config.max_bytes

    def due_in(self, config: BatchConfig, now: float) -> float:
        """Seconds until it is too old; none are left when it has to go."""
        return self.opened_at + config.max_age_secs - now

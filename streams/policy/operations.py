"""What policy says of each operation: its risk, what becomes of stored data, what is configured of it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from schemas.envelope import Plain
from schemas.operations import NAMED, PROPOSED, SHAPES, Operation, Risk


class Data(StrEnum):
    """What an operation can do to stored data."""

    UNTOUCHED = "untouched"
    CHANGED = "changed"
    LOST = "lost"


CONFIGURED = NAMED
"""One without a name here is unknown."""


class NamedPolicy(Plain):
    """One configured playbook, command, call or tool."""

    risk: Risk = Field(description="below its operation's only with a reason")
    data: Data = Field(Data.UNTOUCHED, description="what becomes of stored data")
    reason: str = Field("", description="why it is less risky than others of its kind")


class OperationPolicy(Plain):
    risk: Risk = Field(description="never below the operation's floor")
    data: Data = Field(Data.UNTOUCHED, description="what becomes of stored data")
    named: dict[str, NamedPolicy] = Field(
        default_factory=dict, description="of RUN_PLAYBOOK, RUN_COMMAND, CALL_HTTP and CALL_TOOL alone"
    )

    @model_validator(mode="after")
    def _says_why(self) -> Self:
        for name, one in self.named.items():
            if one.risk.rank < self.risk.rank and len(one.reason.split()) < 2:
                raise ValueError(f"{name} is below {self.risk}: a reason must say why")
        return self


def check_operations(operations: Mapping[Operation, OperationPolicy]) -> None:
    """Raises ValueError: each operation has its say, and none falls below its floor."""
    missing = [operation for operation in PROPOSED if operation not in operations]
    if missing:
        raise ValueError(f"nothing is said of {', '.join(missing)}")
    for operation, said in operations.items():
        floor = SHAPES[operation].floor
        if said.risk.rank < floor.rank:
            allowed = [risk for risk in Risk if risk.rank >= floor.rank]
            raise ValueError(f"{operation} is never below {floor}; allowed: {', '.join(allowed)}")
        if said.named and operation not in CONFIGURED:
            raise ValueError(f"{operation} takes no `named`; these do: {', '.join(CONFIGURED)}")

"""Who carries out an operation: by order, or by the settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import pytest

from awoooi.loading import load
from connectors.executors.assigned import assign
from connectors.executors.contract import Executor
from schemas.errors import Misconfigured
from schemas.operations import Operation

POD, SCALE, TOOL = Operation.DELETE_POD, Operation.SCALE_DEPLOYMENT, Operation.CALL_TOOL


@dataclass
class Named:
    name: str
    operations: frozenset[Operation]


def named(name: str, *operations: Operation) -> Executor:
    return cast("Executor", Named(name, frozenset(operations)))


KUBERNETES, MCP = named("kubernetes", POD, SCALE), named("mcp", POD, TOOL)


def test_the_first_that_can_does_it() -> None:
    assert assign((KUBERNETES, MCP)) == {POD: KUBERNETES, SCALE: KUBERNETES, TOOL: MCP}


def test_the_settings_name_another_for_an_operation() -> None:
    chosen = load({"AWOOOI_EXECUTORS": "DELETE_POD=mcp"}).settings.executors

    assert assign((KUBERNETES, MCP), chosen) == {POD: MCP, SCALE: KUBERNETES, TOOL: MCP}


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ({POD: "mpc"}, "there is no executor 'mpc' for DELETE_POD; there are: kubernetes, mcp"),
        ({SCALE: "mcp"}, "the executor mcp does not carry out SCALE_DEPLOYMENT; it does CALL_TOOL, DEL"),
    ],
    ids=["unknown", "cannot"],
)
def test_what_cannot_be_meant_stops_the_start(chosen: Any, told: str) -> None:
    with pytest.raises(Misconfigured, match=f"AWOOOI_EXECUTORS: {told}"):
        assign((KUBERNETES, MCP), chosen)


def test_an_operation_that_is_none_is_refused() -> None:
    with pytest.raises(Misconfigured, match="AWOOOI_EXECUTORS"):
        load({"AWOOOI_EXECUTORS": "DELETE_NAMESPACE=mcp"})

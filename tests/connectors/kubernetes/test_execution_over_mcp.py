"""What the executor of Kubernetes promises holds over MCP too: the same cases, by the executor `mcp`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from connectors.executors.contract import End
from connectors.kubernetes.fake_server import Fault
from connectors.mcp.executor import McpExecutor
from schemas.operations import Operation
from tests.connectors.kubernetes import (
    test_execution,
    test_execution_owner,
    test_execution_places,
    test_execution_trouble,
    test_execution_twice,
    test_execution_workloads,
)
from tests.connectors.kubernetes.orders import always, make_node, order
from tests.connectors.kubernetes.worlds import OnFake, OnReal, World
from tests.connectors.mcp.support import on_cluster


@pytest.fixture
async def executor(fake: World) -> AsyncIterator[McpExecutor]:
    async with on_cluster(fake.peer.kubeconfig) as executor:
        yield executor


@pytest.mark.parametrize(("fault", "end", "words"), test_execution_trouble.ENDS)
async def test_what_an_answer_proves(fake: World, executor: Any, fault: Fault, end: End, words: str) -> None:
    await test_execution_trouble.test_what_an_answer_proves(fake, executor, fault, end, words)


SOME = [one for one in test_execution_twice.OPERATIONS if one.id in ("delete a pod", "resources", "expand")]


@pytest.mark.parametrize(("operation", "kind", "prepare", "given", "effect"), SOME)
@pytest.mark.parametrize("late_first", [True, False], ids=["the late one first", "the late one last"])
async def test_one_effect(
    fake: World,
    executor: Any,
    operation: Operation,
    kind: str,
    prepare: Callable[[World], str],
    given: dict[str, Any],
    effect: str,
    late_first: bool,
) -> None:
    await test_execution_twice.test_one_effect(
        fake, executor, operation, kind, prepare, given, effect, late_first
    )


class OverMcp:
    """In place of a suite's own executor."""

    @pytest.fixture
    async def executor(self, world: World) -> AsyncIterator[McpExecutor]:
        async with on_cluster(world.peer.kubeconfig, drain_secs=1) as executor:
            yield executor


class Places(OverMcp, test_execution_places.Suite):
    """What takes several writes is refused: nobody could ask for the last word between them."""

    async def _is_refused(self, executor: McpExecutor, world: World, *about: Any) -> None:
        wanted = order(world, *about)
        assert "several writes" in (await executor.check(wanted)).checks[0].message
        assert (await executor.execute(wanted, "0" * 64, always)).end is End.REFUSED

    async def test_a_job_is_stopped_and_made_anew(self, world: World, executor: Any) -> None:
        await self._is_refused(executor, world, Operation.RESTART_JOB, "job", "import")

    async def test_a_node_is_drained(self, world: World, executor: Any) -> None:
        await self._is_refused(executor, world, Operation.DRAIN_NODE, "node", make_node(world))

    test_a_drain_stops_at_a_budget = None
    test_pods_that_nothing_makes_anew_keep_a_node_from_being_drained = None


class TestPromises(OverMcp, OnFake, test_execution.Suite):
    pass


class TestPromisesOnReal(OverMcp, OnReal, test_execution.Suite):
    pass


class TestOwners(OverMcp, OnFake, test_execution_owner.Suite):
    test_a_job_is_of_what_made_it = None


class TestWorkloads(OverMcp, OnFake, test_execution_workloads.Suite):
    pass


class TestPlaces(OnFake, Places):
    pass

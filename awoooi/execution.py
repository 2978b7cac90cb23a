"""What the stages of `execution` are given: executors with log-ins of their own, keys, a gateway of tools."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from awoooi.rca import keys_of
from awoooi.settings import Settings
from connectors.executors.contract import Executor
from connectors.tools import GatewayConfig, Grant, Tool
from schemas.codec import Codec
from schemas.tool import Scope
from streams.pipeline import Given
from streams.reference import Reference
from streams.stages.preflight import AGENT, PreflightNeeds

if TYPE_CHECKING:
    from awoooi.worker import Make

CHECKS_PER_RUN = 5


@asynccontextmanager
async def execution_given(settings: Settings) -> AsyncIterator[Make]:
    """Its connections close with the block."""
    async with AsyncExitStack() as opened:
        executors, keys = executors_of(settings, opened), keys_of(settings)
        preflight = PreflightNeeds(executors, gateway_of(settings, executors), keys, time.monotonic)

        def make(codec: Codec, _: Reference) -> Given:
            return Given(codec, preflight=preflight)

        yield make


def executors_of(settings: Settings, opened: AsyncExitStack) -> Sequence[Executor]:
    """Where no cluster is named the executor says so of each action: unavailable."""
    from connectors.kubernetes.execution.executor import KubernetesExecutor

    kubernetes = KubernetesExecutor(settings.executor)
    opened.push_async_callback(kubernetes.close)
    return (kubernetes,)


def gateway_of(settings: Settings, executors: Sequence[Executor]) -> GatewayConfig:
    """Checks change nothing, so they are reads, also where a dry run is among them."""
    tools = [Tool(f"{one.name}.check", one.name, Scope.READ) for one in executors]
    return GatewayConfig(
        tools={tool.name: tool for tool in tools},
        grants={AGENT: Grant(Scope.READ)},
        calls_per_run=CHECKS_PER_RUN,
        mask_names=settings.evidence.mask_names,
    )

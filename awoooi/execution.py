"""What the stages of `execution` are given: executors with log-ins of their own, keys, a gateway of tools."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from awoooi.evidence import prometheus_of
from awoooi.mcp_servers import mcp_executors
from awoooi.named_actions import named_executors, with_installed
from awoooi.rca import issuers_of, keys_of, verifier_of
from awoooi.settings import Settings
from connectors.executors.assigned import assign
from connectors.executors.contract import Executor
from connectors.executors.tooling import tools_of
from connectors.tools import GatewayConfig, Grant, Tool
from schemas.codec import Codec
from schemas.tool import Scope
from streams.execute_needs import ExecuteNeeds, Query, VerifyTimes
from streams.executing import AGENT as EXECUTE
from streams.executing import CHECK, PROBE, SEND
from streams.pipeline import Given
from streams.policy.last_word import LastWord
from streams.policy.proof import load_proof_key
from streams.policy.world import world_of
from streams.reference import Reference
from streams.stages.preflight import AGENT as PREFLIGHT
from streams.stages.preflight import PreflightNeeds
from streams.stages.verify_look import AGENT as VERIFIER
from streams.stages.verify_look import QUERY, VERIFY

if TYPE_CHECKING:
    from awoooi.worker import Make

CHECKS_PER_RUN = 5


@asynccontextmanager
async def execution_given(settings: Settings) -> AsyncIterator[Make]:
    """Its connections close with the block."""
    async with AsyncExitStack() as opened:
        executors, keys = executors_of(settings, opened), keys_of(settings)
        gateway, issuer = gateway_of(settings, executors), issuers_of(opened)
        proof_key = load_proof_key(settings.approvals.proof_key_file)
        assigned = assign(executors, settings.executors)
        preflight = PreflightNeeds(assigned, gateway, keys, time.monotonic)
        query, times = query_of(settings, opened), VerifyTimes(**settings.verification.model_dump())

        def make(codec: Codec, reference: Reference) -> Given:
            world = world_of(codec, reference.current, reference.offset)
            verifier = verifier_of(settings, codec, reference, issuer)
            knows = LastWord(reference, world, verifier, proof_key)
            name = secrets.token_hex(8)
            execute = ExecuteNeeds(
                *(assigned, gateway, keys, knows, time.monotonic, asyncio.sleep, name),
                times=times,
                query=query,
            )
            return Given(codec, preflight=preflight, execute=execute)

        yield make


def query_of(settings: Settings, opened: AsyncExitStack) -> Query | None:
    """Under the same log-in as evidence: it only reads."""
    if settings.prometheus.url is None:
        return None
    from connectors.prometheus.condition import Conditions

    return Conditions(prometheus_of(settings, opened))


def executors_of(settings: Settings, opened: AsyncExitStack) -> Sequence[Executor]:
    """Where no cluster is named the executor says so of each action: unavailable."""
    from connectors.kubernetes.execution.executor import KubernetesExecutor

    kubernetes = KubernetesExecutor(settings.executor)
    opened.push_async_callback(kubernetes.close)
    built_in = (kubernetes, *named_executors(settings, opened), *mcp_executors(settings, opened))
    return with_installed(built_in, settings, opened)


def gateway_of(settings: Settings, executors: Sequence[Executor]) -> GatewayConfig:
    """Checks and probes change nothing, so they are reads, also where a dry run is among them."""
    scopes = {CHECK: Scope.READ, PROBE: Scope.READ, VERIFY: Scope.READ, SEND: Scope.WRITE}
    tools = [tool for one in executors for tool in tools_of(one, scopes)]
    tools.append(Tool(QUERY, "prometheus", Scope.READ))
    readers = dict.fromkeys((PREFLIGHT, VERIFIER), Grant(Scope.READ))
    return GatewayConfig(
        tools={tool.name: tool for tool in tools},
        grants={**readers, EXECUTE: Grant(Scope.WRITE)},
        calls_per_run=CHECKS_PER_RUN,
        mask_names=settings.evidence.mask_names,
    )

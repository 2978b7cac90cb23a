"""What was done to workloads, as the API server tells it: a watch, and a gate where calls can be held."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from kubernetes.aio import client as official
from kubernetes.aio import config as loading

from benchmarks.control_plane import Space
from connectors.kubernetes import kinds
from connectors.kubernetes.execution.act import ACTION
from connectors.kubernetes.reading import text
from tests.admission import judging

HOLD_SECS, HOOK_SECS = 8.0, 9
"""a call of the executor waits ten"""


# -- what happened


@dataclass(slots=True)
class Effects:
    """`at_ms`: by action id, when its change was told. `generations`: of each deployment, in their order."""

    at_ms: dict[str, float] = field(default_factory=dict)
    generations: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def take(self, deployment: Any) -> None:
        """A generation counts each change of what is wanted, whoever made it."""
        action = text(deployment, "spec", "template", "metadata", "annotations", ACTION)
        if action:
            self.at_ms.setdefault(action, time.time() * 1000)
        about = deployment["metadata"]
        seen = self.generations[about["name"]]
        if about["generation"] not in seen:
            seen.append(about["generation"])

    def changed_once(self, name: str) -> bool:
        return self.generations[name] == [1, 2]


@asynccontextmanager
async def watching(cluster: Space) -> AsyncIterator[Effects]:
    """Every change of a deployment of this namespace, from those that there are."""
    effects, settings = Effects(), official.Configuration()
    await loading.load_kube_config(str(cluster.peer.kubeconfig), client_configuration=settings)
    async with official.ApiClient(settings) as api:
        task = asyncio.create_task(_watch(api, kinds.DEPLOYMENT.path(cluster.name), effects))
        try:
            yield effects
        finally:
            if task.done():
                task.result()  # it ended early: nothing may be read from what it saw
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _watch(api: official.ApiClient, path: str, effects: Effects) -> None:
    headers = {"Accept": "application/json"}
    query = [("watch", "1"), ("timeoutSeconds", "900")]
    prepared = await api.param_serialize(
        "GET", path, query_params=query, header_params=headers, auth_settings=["BearerToken"]
    )
    answer = (await api.call_api(*prepared, _request_timeout=900)).response
    async for line in answer.content:
        told = json.loads(line)
        if told["type"] not in ("ADDED", "MODIFIED"):
            raise RuntimeError(f"the watch of {path} says {told['type']}")
        effects.take(told["object"])
    raise RuntimeError(f"the watch of {path} ended")


# -- held


@dataclass
class Gate:
    """At an admission webhook: effects wait until so many are there at once, or too long."""

    wanted: int
    at_once: int = 0
    most: int = 0
    asked: int = 0
    open: threading.Event = field(default_factory=threading.Event)
    counting: threading.Lock = field(default_factory=threading.Lock)

    def judge(self, request: Mapping[str, Any]) -> str:
        """All may pass."""
        self.asked += 1
        if not (request.get("dryRun") or _action(request["object"]) == _action(request["oldObject"])):
            self._step(1)
            self.open.wait(HOLD_SECS)
            self._step(-1)
        return ""

    def _step(self, by: int) -> None:
        with self.counting:
            self.at_once += by
            self.most = max(self.most, self.at_once)
            if self.at_once >= self.wanted:
                self.open.set()


def _action(deployment: Any) -> str:
    return text(deployment or {}, "spec", "template", "metadata", "annotations", ACTION)


@asynccontextmanager
async def gate(cluster: Space, wanted: int) -> AsyncIterator[Gate]:
    """In force when the block begins, for this namespace alone."""
    made = Gate(wanted)
    with judging(cluster.peer, cluster.name, made.judge, HOOK_SECS):
        await cluster.until(lambda: _asks(cluster, made), "the gate in force", 30)
        try:
            yield made
        finally:
            made.open.set()


async def _asks(cluster: Space, made: Gate) -> bool:
    """A trial goes through it as well."""
    (first, *_) = (await cluster.admin.list(kinds.DEPLOYMENT, cluster.name, most=1)).items
    path = kinds.DEPLOYMENT.path(cluster.name, first["metadata"]["name"])
    change = {"spec": {"minReadySeconds": 1}}
    dry, merge = (("dryRun", "All"),), "application/merge-patch+json"
    await cluster.admin.connection.call("PATCH", path, dry, change, merge)
    return made.asked > 0

"""What was done to workloads, as the API server tells it: a watch, and a gate where calls can be held."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import ssl
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kubernetes.aio import client as official
from kubernetes.aio import config as loading

from benchmarks.control_plane import Space
from connectors.kubernetes import kinds
from connectors.kubernetes.execution.act import ACTION
from connectors.kubernetes.reading import text
from tests.peers.tls import Authority
from tests.peers.waiting import free_ports

HOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
HOLD_SECS, HOOK_SECS = 8.0, 9
"""a call of the executor waits ten"""
LOOPBACK = "127.0.0.1"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


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


@dataclass(slots=True)
class Gate:
    """An admission webhook: effects wait at it until so many are there at once, or too long."""

    wanted: int
    at_once: int = 0
    most: int = 0
    asked: int = 0
    open: asyncio.Event = field(default_factory=asyncio.Event)
    connections: dict[asyncio.Task[None], asyncio.StreamWriter] = field(default_factory=dict)

    async def pass_through(self, request: Any) -> None:
        self.asked += 1
        if request.get("dryRun") or _action(request["object"]) == _action(request["oldObject"]):
            return
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        if self.at_once >= self.wanted:
            self.open.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HOLD_SECS):
                await self.open.wait()
        self.at_once -= 1

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """HTTP/1.1, one review after the other on a connection."""
        task: asyncio.Task[None] | None = asyncio.current_task()
        assert task is not None  # a server makes one for each connection
        self.connections[task] = writer
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                review = json.loads(await reader.readexactly(_length(head)))
                await self.pass_through(review["request"])
                allowed = {"uid": review["request"]["uid"], "allowed": True}
                body = json.dumps({**review, "request": None, "response": allowed}).encode()
                writer.write(ANSWER % len(body) + body)
                await writer.drain()
        writer.close()

    async def close(self) -> None:
        self.open.set()
        for writer in self.connections.values():
            writer.close()
        if self.connections:
            await asyncio.wait(self.connections, timeout=HOLD_SECS)


def _action(deployment: Any) -> str:
    return text(deployment or {}, "spec", "template", "metadata", "annotations", ACTION)


def _length(head: bytes) -> int:
    lines = (line.split(b":", 1) for line in head.lower().split(b"\r\n") if b":" in line)
    return next(int(value) for name, value in lines if name == b"content-length")


@asynccontextmanager
async def gate(cluster: Space, wanted: int, folder: Path) -> AsyncIterator[Gate]:
    """In force when the block begins, for this namespace alone."""
    made, authority, (port,) = Gate(wanted), Authority.make(), free_ports(1)
    pem = folder / "gate.pem"
    pem.write_bytes(authority.issue_pem(LOOPBACK))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    server = await asyncio.start_server(made.serve, LOOPBACK, port, ssl=context, limit=2**20, backlog=256)
    hook = _hook(cluster.name, f"https://{LOOPBACK}:{port}/", authority)
    async with server:
        await asyncio.to_thread(cluster.peer.ask, "POST", HOOKS, hook)
        try:
            await cluster.until(lambda: _asks(cluster, made), "the gate in force", 30)
            yield made
        finally:
            await asyncio.to_thread(cluster.peer.ask, "DELETE", f"{HOOKS}/{hook['metadata']['name']}")
            await made.close()


async def _asks(cluster: Space, made: Gate) -> bool:
    """A trial goes through it as well."""
    (first, *_) = (await cluster.admin.list(kinds.DEPLOYMENT, cluster.name, most=1)).items
    path = kinds.DEPLOYMENT.path(cluster.name, first["metadata"]["name"])
    change = {"spec": {"minReadySeconds": 1}}
    dry, merge = (("dryRun", "All"),), "application/merge-patch+json"
    await cluster.admin.connection.call("PATCH", path, dry, change, merge)
    return made.asked > 0


def _hook(namespace: str, url: str, authority: Authority) -> dict[str, Any]:
    trusted = base64.b64encode(authority.certificate_pem()).decode()
    changes = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"]}
    webhook = {
        "name": "gate.bench.example.org",
        "clientConfig": {"url": url, "caBundle": trusted},
        "rules": [{**changes, "resources": ["deployments"]}],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": HOOK_SECS,
    }
    return {"metadata": {"name": f"gate-{namespace}"}, "webhooks": [webhook]}

"""Both worlds as fixtures; a suite takes one of them as its `world`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from connectors.kubernetes.execution.executor import KubernetesExecutor
from connectors.kubernetes.fake import FakeCluster
from connectors.kubernetes.fake_server import serving
from tests.connectors.kubernetes.orders import executing
from tests.connectors.kubernetes.worlds import World, fake_world
from tests.peers import KubernetesPeer


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[World]:
    with serving(FakeCluster()) as server:
        yield fake_world(server, tmp_path)


@pytest.fixture
def real(kubernetes: KubernetesPeer) -> Iterator[World]:
    world = World(kubernetes, kubernetes.make_namespace())
    yield world
    for node in world.nodes:
        kubernetes.ask("DELETE", f"/api/v1/nodes/{node}")
    kubernetes.ask("DELETE", f"/api/v1/namespaces/{world.namespace}")


@pytest.fixture
async def executor(fake: World) -> AsyncIterator[KubernetesExecutor]:
    async with executing(fake.peer.kubeconfig) as executor:
        yield executor

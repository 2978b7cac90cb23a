"""The demo's cluster tells its story, and one replaced pod ends it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.kubernetes import kinds
from connectors.kubernetes.client import Cluster, Clusters
from connectors.kubernetes.config import KubernetesConfig, Place
from connectors.kubernetes.fake_server import FakeServer
from connectors.kubernetes.fake_story import NAMESPACE, serving_story
from connectors.kubernetes.permissions import Permissions, permissions
from connectors.kubernetes.pods import is_ready
from connectors.kubernetes.topology import KubernetesTopology
from schemas.evidence import Health, NodeKind
from tests.connectors.kubernetes.worlds import World, of_kind, one
from tests.peers import KubernetesPeer


@pytest.fixture
def story(tmp_path: Path) -> Iterator[FakeServer]:
    with serving_story(tmp_path / "kubeconfig") as fake:
        yield fake


@pytest.fixture
def world(story: FakeServer, tmp_path: Path) -> World:
    return World(KubernetesPeer(story.kubeconfig(tmp_path / "admin"), tmp_path), NAMESPACE, story)


async def test_its_log_in_only_reads(story: FakeServer, tmp_path: Path) -> None:
    cluster = Cluster("demo", Place(tmp_path / "kubeconfig"), KubernetesConfig())

    assert await permissions(cluster) == Permissions(missing=[], beyond=[])
    await cluster.close()


async def test_the_database_behind_the_front_end_is_found(world: World) -> None:
    found = await world.look("service", "frontend")

    assert one(found, "service").numbers["ready_endpoints"] == 3
    assert one(found, "statefulset").numbers["ready_replicas"] == 0
    database = one(found, "pod", "postgres-db-0")
    assert database.words["waiting_reason"] == "CrashLoopBackOff"
    assert database.words["last_terminated_reason"] == "OOMKilled"
    assert ("pod", NAMESPACE, "postgres-db-0") in database.targets
    assert {"OOMKilling", "BackOff"} <= {event.words["reason"] for event in of_kind(found, "event")}


async def test_it_tells_who_depends_on_whom(world: World) -> None:
    clusters = Clusters(world.config())

    told = {one.service: one for one in await KubernetesTopology(clusters).observe()}

    await clusters.close()
    assert "api" in told["frontend"].depends_on
    assert "postgres-db" in told["api"].depends_on
    assert (told["postgres-db"].kind, told["postgres-db"].health) == (NodeKind.DATABASE, Health.UNHEALTHY)
    assert told["frontend"].health == Health.HEALTHY


async def test_its_data_stays_when_the_pod_is_replaced(world: World, story: FakeServer) -> None:
    before = world.get(kinds.POD, "postgres-db-0")
    claim = world.get(kinds.PVC, "data-postgres-db-0")
    assert before is not None

    world.peer.ask("DELETE", kinds.POD.path(NAMESPACE, "postgres-db-0"), {})

    after = world.get(kinds.POD, "postgres-db-0")
    assert after is not None
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert is_ready(after)
    assert world.get(kinds.PVC, "data-postgres-db-0") == claim
    assert one(await world.look("statefulset", "postgres-db"), "statefulset").numbers["ready_replicas"] == 1
    assert story.cluster.writes == [f"delete pod/{NAMESPACE}/postgres-db-0"]


async def test_an_ill_that_stays(world: World, story: FakeServer) -> None:
    """A replaced pod that is ill again: the action did not help."""
    from connectors.kubernetes.fake_pods import ready

    story.cluster.controllers.ills[NAMESPACE, "postgres-db"] = lambda pod: ready(pod, yes=False)

    world.peer.ask("DELETE", kinds.POD.path(NAMESPACE, "postgres-db-0"), {})

    found = await world.look("statefulset", "postgres-db")
    assert one(found, "statefulset").numbers["ready_replicas"] == 0

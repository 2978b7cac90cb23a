"""The fake has the manners of a real API server: each is asked of both."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from connectors.kubernetes import kinds
from connectors.kubernetes.client import Cluster
from connectors.kubernetes.config import Place
from connectors.kubernetes.connection import Refusal
from tests.connectors.kubernetes.worlds import OnFake, OnReal, World, workload
from tests.peers import wait_until

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
DRY = (("dryRun", "All"),)


class Suite:
    @pytest.fixture
    async def cluster(self, world: World) -> AsyncIterator[Cluster]:
        config = world.config(page_size=2)
        cluster = Cluster("default", Place(world.peer.kubeconfig), config)
        yield cluster
        await cluster.close()

    # -- listings

    async def test_a_listing_comes_in_pages_and_is_whole(self, world: World, cluster: Cluster) -> None:
        for number in range(5):
            world.make(kinds.POD, _pod(f"p-{number}"))

        listing = await cluster.list(kinds.POD, world.namespace)

        assert [item["metadata"]["name"] for item in listing.items] == [f"p-{n}" for n in range(5)]
        assert not listing.truncated
        assert {item["kind"] for item in listing.items} == {"Pod"}

    async def test_a_listing_stops_at_its_bound(self, world: World, cluster: Cluster) -> None:
        for number in range(5):
            world.make(kinds.POD, _pod(f"p-{number}"))

        listing = await cluster.list(kinds.POD, world.namespace, most=3)

        assert (len(listing.items), listing.truncated) == (3, True)
        if world.fake:
            assert sum("limit=" in call for call in world.fake.calls) == 2

    @pytest.mark.parametrize(
        ("labels", "found"),
        [
            ("app=a", ["a-1", "a-2"]),
            ("app!=a", ["b-1", "none"]),
            ("app in (a, b),tier=x", ["a-1"]),
            ("app notin (a)", ["b-1", "none"]),
            ("!app", ["none"]),
            ("app", ["a-1", "a-2", "b-1"]),
        ],
    )
    async def test_label_selectors(
        self, world: World, cluster: Cluster, labels: str, found: list[str]
    ) -> None:
        world.make(kinds.POD, _pod("a-1", app="a", tier="x"))
        world.make(kinds.POD, _pod("a-2", app="a"))
        world.make(kinds.POD, _pod("b-1", app="b"))
        world.make(kinds.POD, _pod("none"))

        assert await _names(cluster, world, labels=labels) == found

    async def test_field_selectors(self, world: World, cluster: Cluster) -> None:
        world.make(kinds.POD, _pod("one"))
        world.make(kinds.POD, _pod("two"))

        assert await _names(cluster, world, fields="metadata.name=two") == ["two"]
        assert await _names(cluster, world, fields="metadata.name!=two") == ["one"]

    async def test_what_is_no_selector_is_refused(self, world: World, cluster: Cluster) -> None:
        with pytest.raises(Refusal) as refused:
            await cluster.list(kinds.POD, world.namespace, fields="nonsense")

        assert refused.value.status == 400

    # -- one object

    async def test_what_is_not_there(self, world: World, cluster: Cluster) -> None:
        assert await cluster.get(kinds.POD, world.namespace, "nobody") is None
        assert await _refused(cluster, "DELETE", kinds.POD.path(world.namespace, "nobody")) == 404

    async def test_an_object_is_made_once(self, world: World, cluster: Cluster) -> None:
        made = await cluster.connection.call("POST", _pods(world), body=_pod("one"))

        assert made["metadata"]["uid"]
        assert await _refused(cluster, "POST", _pods(world), body=_pod("one")) == 409

    @pytest.mark.parametrize("content", [MERGE, STRATEGIC])
    async def test_a_patch_changes_and_counts(self, world: World, cluster: Cluster, content: str) -> None:
        world.make(kinds.DEPLOYMENT, workload("Deployment", "api", 1, "api:1"))
        path = kinds.DEPLOYMENT.path(world.namespace, "api")
        before = await cluster.connection.call("GET", path)

        change = {"metadata": {"annotations": {"awoooi.dev/action": "a1"}}, "spec": {"replicas": 2}}
        after = await cluster.connection.call("PATCH", path, body=change, content=content)

        assert after["metadata"]["annotations"]["awoooi.dev/action"] == "a1"
        assert after["spec"]["replicas"] == 2
        assert after["metadata"]["generation"] > before["metadata"]["generation"]
        assert after["metadata"]["resourceVersion"] != before["metadata"]["resourceVersion"]
        assert after["metadata"]["uid"] == before["metadata"]["uid"]

    async def test_a_strategic_patch_merges_containers_by_name(self, world: World, cluster: Cluster) -> None:
        made = workload("Deployment", "api", 1, "api:1")
        made["spec"]["template"]["spec"]["containers"].append({"name": "side", "image": "side:1"})
        world.make(kinds.DEPLOYMENT, made)
        containers = [{"name": "side", "image": "side:2"}]
        change = {"spec": {"template": {"spec": {"containers": containers}}}}

        path = kinds.DEPLOYMENT.path(world.namespace, "api")
        after = await cluster.connection.call("PATCH", path, body=change, content=STRATEGIC)

        images = {one["name"]: one["image"] for one in after["spec"]["template"]["spec"]["containers"]}
        assert images == {"api": "api:1", "side": "side:2"}

    async def test_a_trial_changes_nothing(self, world: World, cluster: Cluster) -> None:
        world.deploy("api", replicas=1)
        path = kinds.DEPLOYMENT.path(world.namespace, "api")
        pod = world.pods("api")[0]["metadata"]["name"]
        call = cluster.connection.call

        tried = await call("PATCH", path, DRY, {"spec": {"replicas": 5}}, MERGE)
        await call("PATCH", f"{path}/scale", DRY, {"spec": {"replicas": 5}}, MERGE)
        await call("DELETE", kinds.POD.path(world.namespace, pod), DRY)
        await call("POST", kinds.POD.path(world.namespace, pod) + "/eviction", DRY, _eviction(pod))
        await call("POST", _pods(world), DRY, _pod("new"))

        assert tried["spec"]["replicas"] == 5
        assert (await call("GET", path))["spec"]["replicas"] == 1
        assert [one["metadata"]["name"] for one in world.pods("api")] == [pod]
        assert await cluster.get(kinds.POD, world.namespace, "new") is None

    async def test_the_options_of_a_deletion_stand_in_its_body_alone(
        self, world: World, cluster: Cluster
    ) -> None:
        """With a body, `dryRun` in the query is no trial: the object is gone."""
        path = kinds.POD.path(world.namespace, "one")
        uid = world.make(kinds.POD, _pod("one"))["metadata"]["uid"]
        must: dict[str, Any] = {"preconditions": {"uid": uid}, "gracePeriodSeconds": 0}

        await cluster.connection.call("DELETE", path, body={**must, "dryRun": ["All"]})
        assert await cluster.get(kinds.POD, world.namespace, "one") is not None

        await cluster.connection.call("DELETE", path, DRY, must)
        wait_until(lambda: world.get(kinds.POD, "one") is None, timeout=20)

    # -- preconditions

    @pytest.mark.parametrize("must", [{"uid": "another"}, {"resourceVersion": "1"}], ids=["uid", "version"])
    async def test_a_deletion_that_expects_another_state_is_refused(
        self, world: World, cluster: Cluster, must: dict[str, str]
    ) -> None:
        world.make(kinds.POD, _pod("one"))

        status = await _refused(
            cluster, "DELETE", kinds.POD.path(world.namespace, "one"), body={"preconditions": must}
        )

        assert status == 409
        assert await cluster.get(kinds.POD, world.namespace, "one") is not None

    async def test_a_patch_that_expects_another_version_is_refused(
        self, world: World, cluster: Cluster
    ) -> None:
        world.make(kinds.DEPLOYMENT, workload("Deployment", "api", 1, "api:1"))
        change = {"metadata": {"resourceVersion": "1"}, "spec": {"replicas": 3}}
        path = kinds.DEPLOYMENT.path(world.namespace, "api")

        assert await _refused(cluster, "PATCH", path, body=change, content=MERGE) == 409

    # -- what controllers do

    async def test_a_deleted_pod_is_replaced_by_another(self, world: World, cluster: Cluster) -> None:
        world.deploy("api", replicas=1)
        first = world.pods("api")[0]["metadata"]

        path = kinds.POD.path(world.namespace, first["name"])
        must = {"preconditions": {"uid": first["uid"]}, "gracePeriodSeconds": 0}
        await cluster.connection.call("DELETE", path, body=must)

        wait_until(lambda: first["uid"] not in _uids(world, "api") and _uids(world, "api"), timeout=20)

    async def test_scaling(self, world: World, cluster: Cluster) -> None:
        world.deploy("api", replicas=1)
        path = f"{kinds.DEPLOYMENT.path(world.namespace, 'api')}/scale"

        scaled = await cluster.connection.call("PATCH", path, body={"spec": {"replicas": 3}}, content=MERGE)

        assert (scaled["kind"], scaled["spec"]["replicas"]) == ("Scale", 3)
        world.wait(kinds.DEPLOYMENT, "api", lambda one: one["status"].get("readyReplicas") == 3)

    async def test_a_restart_makes_new_pods_and_a_new_revision(self, world: World, cluster: Cluster) -> None:
        world.deploy("api", replicas=2)
        before = _uids(world, "api")
        change = {"spec": {"template": {"metadata": {"annotations": {"restarted": "now"}}}}}

        path = kinds.DEPLOYMENT.path(world.namespace, "api")
        await cluster.connection.call("PATCH", path, body=change, content=STRATEGIC)

        world.wait(
            kinds.DEPLOYMENT,
            "api",
            lambda one: one["metadata"]["annotations"].get("deployment.kubernetes.io/revision") == "2",
        )
        wait_until(lambda: len(_uids(world, "api")) == 2 and not _uids(world, "api") & before, timeout=20)

    async def test_a_budget_forbids_an_eviction(self, world: World, cluster: Cluster) -> None:
        world.deploy("api", replicas=1)
        budget = {"selector": {"matchLabels": {"app": "api"}}, "minAvailable": 1}
        world.make(kinds.BUDGET, {"metadata": {"name": "api"}, "spec": budget})
        world.wait(kinds.BUDGET, "api", lambda one: world.fake or one["status"].get("observedGeneration"))
        pod = world.pods("api")[0]["metadata"]["name"]

        path = kinds.POD.path(world.namespace, pod) + "/eviction"

        assert await _refused(cluster, "POST", path, body=_eviction(pod)) == 429

    async def test_an_eviction(self, world: World, cluster: Cluster) -> None:
        world.deploy("api", replicas=1)
        pod = world.pods("api")[0]["metadata"]

        path = kinds.POD.path(world.namespace, pod["name"]) + "/eviction"
        await cluster.connection.call("POST", path, body=_eviction(pod["name"]))

        wait_until(lambda: _uids(world, "api") and pod["uid"] not in _uids(world, "api"), timeout=20)

    # -- the rest

    async def test_who_may_do_what_can_be_asked(self, cluster: Cluster) -> None:
        assert await cluster.may("list", kinds.POD)

    async def test_it_says_its_version(self, cluster: Cluster) -> None:
        assert (await cluster.version()).startswith("v")

    async def test_everything_that_a_topology_is_made_from(self, world: World, cluster: Cluster) -> None:
        world.deploy("api", replicas=1)
        world.make(
            kinds.SERVICE,
            {"metadata": {"name": "api"}, "spec": {"selector": {"app": "api"}, "ports": [{"port": 80}]}},
        )

        objects = await cluster.objects()

        mine = [item for item in objects.items if item["metadata"].get("namespace") == world.namespace]
        assert {item["kind"] for item in mine} == {"Deployment", "ReplicaSet", "Pod", "Service"}
        assert objects.gaps == ()

    async def test_a_listing_holds_no_variables_of_containers(self, world: World, cluster: Cluster) -> None:
        pod = _pod("one")
        pod["spec"]["containers"][0]["env"] = [{"name": "PASSWORD", "value": "s3cret"}]
        world.make(kinds.POD, pod)

        listing = await cluster.list(kinds.POD, world.namespace)

        assert "s3cret" not in str(listing.items)


class TestFake(OnFake, Suite):
    pass


class TestReal(OnReal, Suite):
    pass


def _pods(world: World) -> str:
    return kinds.POD.path(world.namespace)


def _pod(name: str, **labels: str) -> dict[str, Any]:
    spec = {"containers": [{"name": "c", "image": "c:1"}]}
    return {"metadata": {"name": name, **({"labels": labels} if labels else {})}, "spec": spec}


def _eviction(pod: str) -> dict[str, Any]:
    return {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod}}


def _uids(world: World, app: str) -> set[str]:
    return {pod["metadata"]["uid"] for pod in world.pods(app) if "deletionTimestamp" not in pod["metadata"]}


async def _names(cluster: Cluster, world: World, **chosen: str) -> list[str]:
    listing = await cluster.list(kinds.POD, world.namespace, **chosen)
    return [item["metadata"]["name"] for item in listing.items]


async def _refused(cluster: Cluster, method: str, path: str, **given: Any) -> int:
    """The status of its no."""
    with pytest.raises(Refusal) as refused:
        await cluster.connection.call(method, path, **given)
    return refused.value.status

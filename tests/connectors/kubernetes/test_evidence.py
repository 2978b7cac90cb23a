"""What the gatherer sees: one suite over the fake cluster and over the real control plane."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from connectors.evidence import Unavailable
from connectors.kubernetes import kinds
from tests.connectors.kubernetes.worlds import World, crashing, event, gaps, of_kind, one, workload


class Suite:
    async def test_a_pod_with_all_that_it_hangs_on(self, world: World) -> None:
        world.deploy("api", replicas=2)
        pod = world.pods("api")[0]["metadata"]["name"]

        found = await world.look("pod", pod)

        seen = one(found, "pod")
        assert (seen.about, seen.words["phase"]) == (pod, "Running")
        assert {"Ready", "ContainersReady"} <= set(seen.words["conditions"].split(", "))
        assert (seen.numbers["restart_count"], seen.numbers["ready_containers"]) == (0, 1)
        assert 0 <= seen.numbers["age_seconds"] < 300
        deployment = one(found, "deployment")
        assert deployment.numbers["desired_replicas"] == 2
        assert deployment.numbers["ready_replicas"] == deployment.numbers["available_replicas"] == 2
        assert deployment.words["paused"] == "false"
        assert one(found, "node").words["cordoned"] == "false"
        assert one(found, "owners").words["owners"].endswith("deployment/api")
        assert gaps(found) == []

    async def test_it_proves_what_exists_and_nothing_else(self, world: World) -> None:
        world.deploy("api", replicas=1)
        pod = world.pods("api")[0]

        found = await world.look("pod", pod["metadata"]["name"])

        proven = {target for finding in found for target in finding.targets}
        space = world.namespace
        assert {("pod", space, pod["metadata"]["name"]), ("deployment", space, "api")} <= proven
        assert ("node", "", pod["spec"]["nodeName"]) in proven
        for kind, _, name in proven:
            assert world.get(kinds.BY_WORD[kind], name) is not None

    async def test_a_crash_loop_says_why(self, world: World) -> None:
        world.deploy("db", replicas=1)
        pod = world.pods("db")[0]
        name = pod["metadata"]["name"]
        world.status(kinds.POD, name, crashing(pod))

        seen = one(await world.look("pod", name), "pod")

        assert seen.words["waiting_reason"] == "CrashLoopBackOff"
        assert seen.words["last_terminated_reason"] == "OOMKilled"
        assert (seen.numbers["last_exit_code"], seen.numbers["restart_count"]) == (137, 7)
        assert "Ready" not in seen.words["conditions"].split(", ")
        assert 60 < seen.numbers["last_ended_seconds"] < 300

    async def test_a_workload_shows_its_worst_pods(self, world: World) -> None:
        world.deploy("api", replicas=4)
        ill = world.pods("api")[1]
        world.status(kinds.POD, ill["metadata"]["name"], crashing(ill, reason="Error", exit_code=1))

        found = await world.look("deployment", "api")

        counted = one(found, "pods")
        assert (counted.numbers["pods"], counted.numbers["ready_pods"]) == (4, 3)
        assert counted.words["reasons"] == "CrashLoopBackOff"
        assert [finding.about for finding in of_kind(found, "pod")] == [ill["metadata"]["name"]]

    async def test_a_change_of_image_is_seen(self, world: World) -> None:
        world.deploy("api", replicas=1, image="api:1")
        containers = [{"name": "api", "image": "api:2"}]
        world.peer.ask(
            "PATCH",
            kinds.DEPLOYMENT.path(world.namespace, "api"),
            {"spec": {"template": {"spec": {"containers": containers}}}},
            "application/strategic-merge-patch+json",
        )
        world.wait(kinds.DEPLOYMENT, "api", _rolled_out)

        found = await world.look("deployment", "api")

        change = one(found, "rollout")
        assert (change.words["previous_image"], change.words["image"]) == ("api:1", "api:2")
        assert (change.words["changed"], change.numbers["revision"]) == ("true", 2)
        assert 0 <= change.numbers["changed_seconds"] < 300
        assert one(found, "deployment").numbers["revision"] == 2

    async def test_what_another_ran_under_the_same_labels_is_no_change(self, world: World) -> None:
        world.deploy("api", replicas=1, image="api:1")
        world.deploy("canary", replicas=1, image="api:2", app="api", track="canary")

        change = one(await world.look("deployment", "api"), "rollout", "api")

        assert (change.words["image"], change.words["changed"]) == ("api:1", "false")

    async def test_the_five_latest_events_and_the_beginning_of_their_messages(self, world: World) -> None:
        pod = world.make(kinds.POD, _bare_pod("lonely"))
        for number in range(7):
            long = f"number {number} " + "x" * 200
            world.make(kinds.EVENT, event(pod, "Pod", f"told-{number}", long, ago=1000 - 100 * number))
        world.make(
            kinds.EVENT, event({"metadata": {**pod["metadata"], "name": "other"}}, "Pod", "o", "no", ago=1)
        )

        found = [one for one in of_kind(await world.look("pod", "lonely"), "event") if "number" in one.text]

        assert 3 <= len(found) <= 5  # a real cluster adds its own
        assert [finding.text.split("number ")[1][0] for finding in found] == ["6", "5", "4", "3", "2"][
            : len(found)
        ]
        assert found[0].words == {"type": "Warning", "reason": "BackOff", "object": "pod"}
        assert found[0].numbers["count"] == 3
        assert len(found[0].text.split(": ", 1)[1]) == 100

    async def test_a_service_and_what_stands_behind_it(self, world: World) -> None:
        world.deploy("web", replicas=2)
        world.make(kinds.SERVICE, {"metadata": {"name": "front"}, "spec": _service("web")})
        slices = f"{kinds.ENDPOINTS.path(world.namespace)}?labelSelector=kubernetes.io%2Fservice-name%3Dfront"
        _until(world, slices, lambda items: sum(len(item.get("endpoints") or ()) for item in items) == 2)

        found = await world.look("service", "front")

        service = one(found, "service")
        assert (service.numbers["endpoints"], service.numbers["ready_endpoints"]) == (2, 2)
        assert one(found, "deployment").about == "web"

    async def test_a_service_with_nothing_behind_it(self, world: World) -> None:
        world.make(kinds.SERVICE, {"metadata": {"name": "empty"}, "spec": _service("nobody")})

        found = await world.look("service", "empty")

        assert one(found, "service").numbers["ready_endpoints"] == 0

    async def test_a_name_that_is_no_service_of_kubernetes_leads_to_the_workload(self, world: World) -> None:
        world.deploy("checkout", replicas=1)

        found = await world.look("service", "checkout")

        assert one(found, "deployment").about == "checkout"
        assert of_kind(found, "missing") == []

    @pytest.mark.parametrize("kind", ["", "pod"])
    async def test_the_exporters_pod_is_not_what_is_alerted_on(self, world: World, kind: str) -> None:
        world.deploy("api", replicas=1)
        pod, exporter = world.pods("api")[0]["metadata"]["name"], "kube-state-metrics-0"
        labels = {"exported_pod": pod, "pod": exporter}
        labels |= {"exported_namespace": world.namespace, "namespace": "monitoring"}

        found = await world.look(kind, exporter if kind else "", namespace="monitoring", labels=labels)

        assert one(found, "pod").about == pod
        assert of_kind(found, "missing") == []

    @pytest.mark.parametrize("label", ["pod", "k8s.pod.name", "k8s_pod_name", "pod_name"])
    async def test_labels_name_the_pod(self, world: World, label: str) -> None:
        world.deploy("api", replicas=1)
        pod = world.pods("api")[0]["metadata"]["name"]

        found = await world.look("", "", labels={label: pod})

        assert one(found, "pod").about == pod

    async def test_a_nodes_alert_is_not_about_its_exporter(self, world: World) -> None:
        world.deploy("exporter", replicas=1)
        pod = world.pods("exporter")[0]
        node = pod["spec"]["nodeName"]
        labels = {"pod": pod["metadata"]["name"], "service": "exporter", "instance": f"{node}:9100"}

        found = await world.look("host", f"{node}:9100", labels=labels)

        assert found[0].about == node
        assert of_kind(found, "deployment") == []

    async def test_a_node_in_the_labels_does_not_hide_the_workload(self, world: World) -> None:
        world.deploy("checkout", replicas=1)
        node = world.pods("checkout")[0]["spec"]["nodeName"]

        found = await world.look("service", "checkout", labels={"node": node})

        assert one(found, "deployment").about == "checkout"
        assert one(found, "node").about == node

    async def test_an_app_label_leads_to_its_workload(self, world: World) -> None:
        made = workload("Deployment", "shop-basket", 1, "b:1", **{"app.kubernetes.io/name": "basket"})
        world.make(kinds.DEPLOYMENT, made)

        found = await world.look("", "", labels={"app": "basket"})

        assert one(found, "deployment").about == "shop-basket"

    async def test_a_pod_that_is_gone_leads_to_what_made_it(self, world: World) -> None:
        world.deploy("api", replicas=1)

        found = await world.look("pod", "api-7c9f8d6b54-zzzzz")

        assert one(found, "missing").words == {"missing": "pod/api-7c9f8d6b54-zzzzz"}
        assert one(found, "deployment").about == "api"
        assert ("pod", world.namespace, "api-7c9f8d6b54-zzzzz") not in {
            target for finding in found for target in finding.targets
        }

    async def test_without_a_namespace_a_name_must_be_the_only_one(self, world: World) -> None:
        name = f"only-{world.namespace}"
        world.deploy(name, replicas=1)

        found = await world.look("deployment", name, namespace="")

        assert one(found, "deployment").about == name

    async def test_the_same_name_in_two_namespaces_is_nobodys(self, world: World) -> None:
        name = f"twice-{world.namespace}"
        world.deploy(name, replicas=1)
        other = "elsewhere" if world.fake else world.peer.make_namespace()
        world.make(kinds.DEPLOYMENT, workload("Deployment", name, 1, "a:1"), other)

        with pytest.raises(Unavailable, match="in several namespaces"):
            await world.look("deployment", name, namespace="")

    async def test_a_node_with_its_trouble(self, world: World) -> None:
        name = f"node-{world.namespace}"
        taint = {"key": "dedicated", "value": "db", "effect": "NoSchedule"}
        spec = {"unschedulable": True, "taints": [taint]}
        world.make(kinds.NODE, {"metadata": {"name": name}, "spec": spec, "status": {}})
        world.nodes.append(name)
        world.wait(kinds.NODE, name, lambda one: world.fake or one["status"].get("conditions"))
        conditions = [
            {"type": "Ready", "status": "True", "reason": "KubeletReady"},
            {"type": "DiskPressure", "status": "True", "reason": "KubeletHasDiskPressure"},
        ]
        addresses = [{"type": "InternalIP", "address": "10.9.8.7"}]
        world.status(kinds.NODE, name, {"conditions": conditions, "addresses": addresses})

        by_name = one(await world.look("node", name, namespace=""), "node", name)
        by_address = one(await world.look("host", "10.9.8.7:9100", namespace=""), "node", name)

        for seen in (by_name, by_address):
            assert seen.words["cordoned"] == "true"
            assert "dedicated=db:NoSchedule" in seen.words["taints"]
            assert seen.targets == (("node", "", name),)
        assert "DiskPressure" in by_name.words["pressure"]

    async def test_a_volume_claim(self, world: World) -> None:
        size = {"requests": {"storage": "5Gi"}}
        claim = {"accessModes": ["ReadWriteOnce"], "storageClassName": "none", "resources": size}
        world.make(kinds.PVC, {"metadata": {"name": "data"}, "spec": claim})
        world.status(kinds.PVC, "data", {"phase": "Bound", "capacity": {"storage": "5Gi"}})

        seen = one(await world.look("pvc", "data"), "pvc")

        assert seen.words["phase"] == "Bound"
        assert seen.numbers["capacity_bytes"] == seen.numbers["requested_bytes"] == 5 * 1024**3

    async def test_a_stateful_set(self, world: World) -> None:
        world.make(kinds.STATEFULSET, workload("StatefulSet", "db", 2, "postgres:16"))
        world.wait(kinds.STATEFULSET, "db", lambda one: one.get("status", {}).get("readyReplicas") == 2)

        found = await world.look("pod", "db-1")

        assert one(found, "statefulset").numbers["ready_replicas"] == 2
        assert one(found, "owners").words["owners"] == "statefulset/db"

    async def test_a_job(self, world: World) -> None:
        pod = {"spec": {"restartPolicy": "Never", "containers": [{"name": "j", "image": "j:1"}]}}
        world.make(kinds.JOB, {"metadata": {"name": "nightly"}, "spec": {"template": pod, "completions": 3}})

        seen = one(await world.look("job", "nightly"), "job")

        assert seen.numbers["desired_replicas"] == 3

    async def test_what_is_ill_beside_the_target(self, world: World) -> None:
        world.deploy("front", replicas=1)
        world.deploy("well", replicas=1)
        world.deploy("db", replicas=1)
        pod = world.pods("db")[0]
        world.status(kinds.POD, pod["metadata"]["name"], crashing(pod))
        world.wait(kinds.DEPLOYMENT, "db", lambda one: not one["status"].get("readyReplicas"))

        found = await world.look("deployment", "front")

        assert [finding.about for finding in of_kind(found, "deployment")] == ["front", "db"]
        assert one(found, "pod").about == pod["metadata"]["name"]
        assert ("pod", world.namespace, pod["metadata"]["name"]) in one(found, "pod").targets

    async def test_nothing_that_the_alert_names(self, world: World) -> None:
        with pytest.raises(Unavailable, match="has nothing that this alert names"):
            await world.look("", "")

    @pytest.mark.parametrize(
        "name",
        [
            "..",
            "../secrets",
            "a/b",
            "a%2fb",
            "x,metadata.namespace=kube-system",
            "a?b",
            "é",
            "-",
            "x" * 400,
            "\n",
        ],
    )
    async def test_a_name_that_is_none_is_never_asked_for(self, world: World, name: str) -> None:
        labels = {"pod": name, "app": name, "instance": name}
        try:
            found = await world.look("service", name, labels=labels)
        except Unavailable:
            found = []
        assert {finding.kind for finding in found} <= {"missing"}
        if world.fake:
            plurals = {kind.plural for kind in kinds.ALL}
            asked = [urlsplit(call.split(" ", 1)[1]) for call in world.fake.calls]
            assert {url.path.rsplit("/", 1)[-1] for url in asked} <= plurals
            assert not any("metadata.name" in url.query for url in asked)


class TestFake(Suite):
    @pytest.fixture
    def world(self, fake: World) -> World:
        return fake

    async def test_thousands_of_pods_are_counted_page_by_page(self, world: World) -> None:
        assert world.fake is not None
        world.deploy("huge", replicas=2000)
        ill = world.fake.cluster.of(kinds.POD, world.namespace)[-1]
        world.status(kinds.POD, ill["metadata"]["name"], crashing(ill))
        asked = len(world.fake.calls)

        found = await world.look("deployment", "huge")

        assert one(found, "pods").numbers == {"pods": 2000, "ready_pods": 1999, "restart_count": 7}
        assert one(found, "pod").about == ill["metadata"]["name"]
        assert sum("/pods?" in call for call in world.fake.calls[asked:]) == 8


class TestReal(Suite):
    @pytest.fixture
    def world(self, real: World) -> World:
        return real

    @pytest.mark.parametrize("kind", [kinds.STATEFULSET, kinds.DAEMONSET], ids=lambda kind: kind.word)
    async def test_what_a_set_ran_before_is_in_its_controller_revisions(
        self, world: World, kind: kinds.Kind
    ) -> None:
        world.make(kind, workload(kind.kind, "db", 1, "db:1"))
        world.wait(kind, "db", lambda one: one.get("status", {}).get("observedGeneration") == 1)
        containers = [{"name": "db", "image": "db:2"}]
        change = {"spec": {"template": {"spec": {"containers": containers}}}}

        world.peer.patch(kind.path(world.namespace, "db"), change)
        world.wait(kind, "db", lambda one: one["status"]["observedGeneration"] == 2)

        seen = one(await world.look(kind.word, "db"), "rollout")
        assert (seen.words["previous_image"], seen.words["image"]) == ("db:1", "db:2")
        assert (seen.words["changed"], seen.numbers["revision"]) == ("true", 2)


def _rolled_out(deployment: dict[str, Any]) -> bool:
    status = deployment.get("status", {})
    seen = status.get("observedGeneration") == deployment["metadata"]["generation"]
    return bool(seen and status.get("updatedReplicas") == status.get("readyReplicas") == 1)


def _bare_pod(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "c:1"}]}}


def _service(app: str) -> dict[str, Any]:
    return {"selector": {"app": app}, "ports": [{"port": 80}]}


def _until(world: World, path: str, holds: Any) -> None:
    from tests.peers import wait_until

    wait_until(lambda: holds(world.peer.get(path)["items"]), timeout=20, what=path)

"""Services and what they depend on, read off plain objects."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.kubernetes.topology import topology
from schemas.evidence import Health, NodeKind
from schemas.topology import ServiceObserved

BY_NAME = "kubernetes.io/metadata.name"


def meta(
    name: str, namespace: str = "shop", owner: tuple[str, str] | None = None, **labels: str
) -> dict[str, Any]:
    told: dict[str, Any] = {"name": name, "namespace": namespace, "labels": labels}
    if owner:
        told["ownerReferences"] = [{"kind": owner[0], "name": owner[1], "controller": True}]
    return told


def deployment(
    name: str, *, image: str = "shop/app:1", wanted: int = 2, ready: int = 2, space: str = "shop"
) -> Any:
    spec = {"replicas": wanted, "template": {"spec": {"containers": [{"image": image}]}}}
    return {
        "kind": "Deployment",
        "metadata": meta(name, space),
        "spec": spec,
        "status": {"readyReplicas": ready},
    }


def pod(name: str, owner: tuple[str, str], *, node: str = "", space: str = "shop", **labels: str) -> Any:
    return {"kind": "Pod", "metadata": meta(name, space, owner, **labels), "spec": {"nodeName": node}}


def replica_set(name: str, above: str, space: str = "shop") -> Any:
    return {"kind": "ReplicaSet", "metadata": meta(name, space, ("Deployment", above))}


def app(name: str, space: str = "shop", **about: Any) -> list[Any]:
    """A deployment with a pod, labelled by its name."""
    made = pod(f"{name}-1-a", ("ReplicaSet", f"{name}-1"), space=space, app=name)
    return [deployment(name, space=space, **about), replica_set(f"{name}-1", name, space), made]


def seen(*objects: Any) -> dict[str, ServiceObserved]:
    return {told.service: told for told in topology(objects, "eu-1")}


def test_a_service_depends_on_the_workloads_whose_pods_it_selects() -> None:
    service = {"kind": "Service", "metadata": meta("api"), "spec": {"selector": {"app": "cart"}}}
    found = seen(service, *app("cart"))
    assert found["api"].depends_on == ("cart",)
    assert found["cart"].subject == "kubernetes/eu-1/cart"


def test_a_service_of_its_workloads_name_is_one_node() -> None:
    service = {"kind": "Service", "metadata": meta("cart"), "spec": {"selector": {"app": "cart"}}}
    assert seen(service, *app("cart"))["cart"].depends_on == ()


def test_a_service_without_a_selector_depends_on_nothing() -> None:
    found = seen({"kind": "Service", "metadata": meta("cart"), "spec": {}}, *app("other"))
    assert found["cart"].depends_on == ()


def test_a_workload_depends_on_its_machines() -> None:
    placed = pod("cart-1-b", ("ReplicaSet", "cart-1"), node="n1")
    machine = {
        "kind": "Node",
        "metadata": {"name": "n1"},
        "status": {"conditions": [{"type": "Ready", "status": "False"}]},
    }
    found = seen(machine, placed, *app("cart"))
    assert found["cart"].depends_on == ("n1",)
    assert (found["n1"].kind, found["n1"].health) == (NodeKind.NODE, Health.UNHEALTHY)


def test_an_ingress_depends_on_its_backends() -> None:
    backend = {"service": {"name": "cart"}}
    spec = {
        "rules": [{"http": {"paths": [{"backend": backend}]}}],
        "defaultBackend": {"service": {"name": "web"}},
    }
    found = seen({"kind": "Ingress", "metadata": meta("edge"), "spec": spec})
    assert found["edge"].kind == NodeKind.INGRESS
    assert found["edge"].depends_on == ("cart", "web")


@pytest.mark.parametrize(
    ("spec", "caller", "callee"),
    [
        pytest.param(
            {"podSelector": {"matchLabels": {"app": "db"}},
             "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "cart"}}}]}]},
            "cart", "db", id="let in",
        ),
        pytest.param(
            {"podSelector": {"matchLabels": {"app": "cart"}},
             "egress": [{"to": [{"podSelector": {"matchLabels": {"app": "db"}}}]}]},
            "cart", "db", id="let out",
        ),
        pytest.param(
            {"podSelector": {"matchLabels": {"app": "cart"}},
             "egress": [{"to": [{"namespaceSelector": {"matchLabels": {BY_NAME: "data"}},
                                 "podSelector": {"matchLabels": {"app": "far"}}}]}]},
            "cart", "far", id="to another namespace",
        ),
    ],
)  # fmt: skip
def test_a_network_policy_between_named_pods_is_an_edge(spec: Any, caller: str, callee: str) -> None:
    policy = {"kind": "NetworkPolicy", "metadata": meta("p"), "spec": spec}
    found = seen(policy, *app("cart"), *app("db"), *app("far", "data"))
    assert found[caller].depends_on == (callee,)


def test_a_policy_for_everybody_tells_of_no_dependency() -> None:
    spec = {"podSelector": {}, "ingress": [{"from": [{"podSelector": {}}]}]}
    found = seen({"kind": "NetworkPolicy", "metadata": meta("p"), "spec": spec}, *app("cart"), *app("db"))
    assert found["cart"].depends_on == found["db"].depends_on == ()


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        pytest.param("docker.io/library/postgres:16@sha256:aa", NodeKind.DATABASE, id="database"),
        pytest.param("registry:5000/bitnami/redis-cluster:7", NodeKind.CACHE, id="cache"),
        pytest.param("rabbitmq", NodeKind.QUEUE, id="queue"),
        pytest.param("quay.io/postgres-exporter:1", NodeKind.SERVICE, id="what watches a database"),
        pytest.param("shop/postgres-team/cart:1", NodeKind.SERVICE, id="a folder's name"),
    ],
)
def test_the_image_tells_the_kind(image: str, kind: NodeKind) -> None:
    assert seen(deployment("x", image=image))["x"].kind == kind


@pytest.mark.parametrize(
    ("wanted", "ready", "health"),
    [
        pytest.param(2, 2, Health.HEALTHY, id="all ready"),
        pytest.param(2, 1, Health.DEGRADED, id="some ready"),
        pytest.param(2, 0, Health.UNHEALTHY, id="none ready"),
        pytest.param(0, 0, Health.UNKNOWN, id="none wanted"),
    ],
)
def test_replicas_tell_the_health(wanted: int, ready: int, health: Health) -> None:
    assert seen(deployment("x", wanted=wanted, ready=ready))["x"].health == health


def test_one_name_in_two_namespaces_is_two_services() -> None:
    service = {"kind": "Service", "metadata": meta("api", "blue"), "spec": {"selector": {"app": "cart"}}}
    found = seen(service, *app("cart", "blue"), *app("cart", "green"))
    assert found["api"].depends_on == ("cart.blue",)
    assert {"cart.blue", "cart.green"} <= found.keys()


@pytest.mark.parametrize(
    "rubbish",
    [
        pytest.param({}, id="empty"),
        pytest.param({"kind": "Service", "metadata": None, "spec": 3}, id="no metadata"),
        pytest.param(
            {"kind": "Deployment", "metadata": {"name": "x"}, "spec": {"replicas": "many"}}, id="words"
        ),
        pytest.param(
            {"kind": "Ingress", "metadata": {"name": "x"}, "spec": {"rules": [None, {}]}}, id="holes"
        ),
        pytest.param({"kind": "Pod", "metadata": {"ownerReferences": "none"}}, id="no owner"),
        pytest.param(
            {"kind": "NetworkPolicy", "metadata": {"name": "x"}, "spec": {"egress": {}}}, id="no list"
        ),
    ],
)
def test_rubbish_is_passed_over(rubbish: Any) -> None:
    assert "cart" in seen(rubbish, *app("cart"))

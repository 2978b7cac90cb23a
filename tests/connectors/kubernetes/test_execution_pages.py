"""What an act looks at comes page by page, and nothing of a page is kept but what is needed of it."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from connectors.kubernetes import kinds
from connectors.kubernetes.client import Cluster
from connectors.kubernetes.config import ExecutorConfig, Place
from connectors.kubernetes.execution.act import PodSeen
from connectors.kubernetes.execution.budgets import covers, of_pods
from connectors.kubernetes.execution.operations import ACTS
from connectors.kubernetes.kinds import ALL, SNAPSHOT, Kind
from schemas.operations import Operation, Parameters, Step, Target
from tests.connectors.kubernetes.orders import ACTION_ID, executing, named, order
from tests.connectors.kubernetes.worlds import World

PODS, PAGE = 23, 5
PAGES = ["", "5", "10", "15", "20"]
BY_PLURAL: Mapping[str, Kind] = {kind.plural: kind for kind in (*ALL, SNAPSHOT)}


class Whole(dict[str, Any]):
    """Of a pod as the API server tells it: whether anybody holds it can be seen."""


@dataclass
class ManyPods:
    """In place of a connection: one target by whatever name, and pods behind it."""

    asked: list[Mapping[str, str]] = field(default_factory=list)
    """for pages of pods"""
    kept: list[int] = field(default_factory=list)
    """how many were still held whenever a page was asked for"""
    told: list[weakref.ref[Whole]] = field(default_factory=list)

    @property
    def held(self) -> int:
        return sum(one() is not None for one in self.told)

    async def call(self, method: str, path: str, query: Sequence[tuple[str, str]] = ()) -> Any:
        assert method == "GET"
        *_, before, last = path.split("/")
        if last not in BY_PLURAL:
            return _object(BY_PLURAL[before], last)
        if BY_PLURAL[last] is not kinds.POD:
            return {"kind": f"{BY_PLURAL[last].kind}List", "items": []}
        return self._page(dict(query))

    def _page(self, asked: Mapping[str, str]) -> Any:
        self.asked.append(asked)
        self.kept.append(self.held)
        first = int(asked.get("continue", "0"))
        after = min(first + int(asked["limit"]), PODS)
        items = [self._pod(number) for number in range(first, after)]
        return {
            "kind": "PodList",
            "items": items,
            "metadata": {"continue": str(after) if after < PODS else ""},
        }

    def _pod(self, number: int) -> Any:
        meta = {"name": f"p-{number}", "namespace": "shop", "labels": {"app": "api"}, "uid": f"uid-{number}"}
        whole = [Whole(meta), Whole(containers=[{"name": "c"}]), Whole(phase="Running")]
        self.told += map(weakref.ref, whole)
        return dict(zip(("metadata", "spec", "status"), whole, strict=True))


def _object(kind: Kind, name: str) -> Any:
    selector = {"matchLabels": {"app": "api"}}
    return {
        "kind": kind.kind,
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"selector": selector},
    }


LOOKS = [
    (Operation.RESTART_DEPLOYMENT, "deployment", {}),
    (Operation.SCALE_DEPLOYMENT, "statefulset", {"replicas": 2}),
    (Operation.RESTART_JOB, "job", {}),
    (Operation.DRAIN_NODE, "node", {}),
    (Operation.DELETE_PVC, "pvc", {}),
]


@pytest.mark.parametrize(("operation", "kind", "given"), LOOKS, ids=str)
async def test_a_page_is_let_go_before_the_next_is_asked_for(
    operation: Operation, kind: str, given: dict[str, Any]
) -> None:
    server: Any = ManyPods()
    cluster = Cluster("default", Place(None), ExecutorConfig(page_size=PAGE))
    cluster.connection = server
    target = Target(namespace="shop", kind=kind, name="api")
    step = Step(operation=operation, target=target, parameters=Parameters(**given))

    seen = await ACTS[operation].look(cluster, step, ACTION_ID)

    assert seen is not None
    assert [page.get("continue", "") for page in server.asked] == PAGES
    assert {page["limit"] for page in server.asked} == {str(PAGE)}
    assert (server.kept, server.held) == ([0] * len(PAGES), 0)
    assert len(seen.pods) in (PODS, 0)  # of a claim only who uses it


async def test_all_checks_count_all_pods_page_by_page(fake: World) -> None:
    fake.deploy("api", replicas=8)
    wanted = order(fake, Operation.RESTART_DEPLOYMENT, "deployment", "api")

    async with executing(fake.peer.kubeconfig, page_size=3) as executor:
        checked = await executor.check(wanted)

    assert fake.fake is not None
    pages = [call for call in fake.fake.calls if "/pods?" in call and "limit=3" in call]
    assert named(checked, "blast_radius").message == "8 pods"
    assert ["continue=" in page for page in pages] == [False, True, True]


# -- budgets are held against each of them

EXPRESSIONS = [
    ("In", ["api", "web"], True),
    ("In", ["web"], False),
    ("NotIn", ["web"], True),
    ("NotIn", ["api"], False),
    ("Exists", [], True),
    ("DoesNotExist", [], False),
    ("Unheard", [], True),
]


@pytest.mark.parametrize(("how", "values", "found"), EXPRESSIONS, ids=str)
def test_a_budget_by_an_expression(how: str, values: list[str], found: bool) -> None:
    budget = _budget({"matchExpressions": [{"key": "app", "operator": how, "values": values}]})

    assert covers(budget, "shop", {"app": "api"}) is found


SELECTORS = [
    ({}, "shop", True),
    (None, "shop", False),
    ({"matchLabels": {"app": "api"}}, "shop", True),
    ({"matchLabels": {"app": "api"}}, "bank", False),
    ({"matchLabels": {"app": "api", "tier": "web"}}, "shop", False),
]


@pytest.mark.parametrize(("selector", "space", "found"), SELECTORS, ids=str)
def test_a_budget_covers_pods_of_its_namespace_by_their_labels(
    selector: dict[str, Any] | None, space: str, found: bool
) -> None:
    budget, others = _budget(selector), _budget({"matchLabels": {"app": "web"}}, "others")
    pods = [PodSeen(f"p-{n}", space, f"uid-{n}", {"app": "api"}, True, "ReplicaSet") for n in range(3)]

    assert of_pods([others, budget], pods) == ([budget] if found else [])


def _budget(selector: dict[str, Any] | None, name: str = "budget") -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "shop"}, "spec": {"selector": selector}}

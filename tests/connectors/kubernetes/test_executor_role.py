"""The executor's role on the real API server: every operation works under it, everything else is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from connectors.executors.contract import End
from connectors.kubernetes import kinds
from connectors.kubernetes.client import Cluster
from connectors.kubernetes.config import KubernetesConfig, Place
from connectors.kubernetes.connection import Refusal
from connectors.kubernetes.execution.executor import KubernetesExecutor
from connectors.kubernetes.execution.operations import ACTS
from connectors.kubernetes.execution.rights import Able, able, rights_of
from connectors.kubernetes.kinds import Kind
from schemas.operations import Operation
from tests.connectors.kubernetes.orders import (
    carry_out,
    deploy_on,
    executing,
    failed,
    make_claim,
    make_growing_claim,
    make_node,
    order,
    pod_spec,
    set_image,
)
from tests.connectors.kubernetes.roles import apply, rules
from tests.connectors.kubernetes.worlds import World
from tests.peers import KubernetesPeer

FILE = "executor-role.yaml"
ADVISORY = {"snapshot", "owned", "orphan", "source"}
"""nobody takes snapshots here"""


@pytest.fixture(scope="module")
def login(kubernetes: KubernetesPeer) -> Path:
    return apply(kubernetes, FILE)


@pytest.fixture
async def executor(login: Path) -> AsyncIterator[KubernetesExecutor]:
    async with executing(login) as executor:
        yield executor


@pytest.fixture
async def cluster(login: Path) -> AsyncIterator[Cluster]:
    cluster = Cluster("default", Place(login), KubernetesConfig(clusters={"default": str(login)}))
    yield cluster
    await cluster.close()


def _deployed(world: World) -> str:
    world.deploy("api", replicas=1)
    return "api"


def _pod(world: World) -> str:
    world.deploy("api", replicas=1)
    return str(world.pods("api")[0]["metadata"]["name"])


def _two_revisions(world: World) -> str:
    world.deploy("api", replicas=1)
    set_image(world, "api", "app:2")
    return "api"


def _job(world: World) -> str:
    spec = {"template": {"spec": {**pod_spec(), "restartPolicy": "Never"}}}
    world.make(kinds.JOB, {"metadata": {"name": "import"}, "spec": spec})
    return "import"


def _busy_node(world: World) -> str:
    name = make_node(world)
    deploy_on(world, "api", name, replicas=1)
    return name


def _cordoned(world: World) -> str:
    name = make_node(world)
    world.peer.patch(kinds.NODE.path("", name), {"spec": {"unschedulable": True}})
    return name


def _no_claim(world: World) -> str:
    return "gone"


def _claim(world: World) -> str:
    make_claim(world, "data", "1Gi")
    return "data"


OPERATIONS = {
    Operation.DELETE_POD: ("pod", _pod, {}),
    Operation.RESTART_DEPLOYMENT: ("deployment", _deployed, {}),
    Operation.SCALE_DEPLOYMENT: ("deployment", _deployed, {"replicas": 2}),
    Operation.ROLLBACK_DEPLOYMENT: ("deployment", _two_revisions, {}),
    Operation.SET_RESOURCES: ("deployment", _deployed, {"limits": {"memory": "64Mi"}}),
    Operation.RESTART_JOB: ("job", _job, {}),
    Operation.CORDON_NODE: ("node", make_node, {}),
    Operation.UNCORDON_NODE: ("node", _cordoned, {}),
    Operation.DRAIN_NODE: ("node", _busy_node, {}),
    Operation.EXPAND_PVC: ("pvc", make_growing_claim, {"size": "2Gi"}),
    Operation.DELETE_PVC: ("pvc", _claim, {}),
    Operation.RESTORE_PVC: ("pvc", _no_claim, {"name": "good", "size": "1Gi"}),
}


def test_every_operation_is_tried() -> None:
    assert set(OPERATIONS) == set(ACTS)


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_it_works_under_the_role(
    real: World, executor: KubernetesExecutor, operation: Operation
) -> None:
    kind, prepare, given = OPERATIONS[operation]
    wanted = order(real, operation, kind, prepare(real), **given)

    checked, done = await carry_out(executor, wanted)

    assert set(failed(checked)) <= ADVISORY
    assert (done.end, done.message) == (End.DONE, "")


def _needed() -> set[tuple[str, str]]:
    """Verb and resource of every right that any operation asks for, on each of its kinds."""
    return {
        (right.verb, f"{right.kind.plural}{f'/{right.sub}' if right.sub else ''}")
        for operation in ACTS
        for right in rights_of(operation)
    }


def test_the_role_gives_what_is_asked_for_and_nothing_else_that_changes() -> None:
    given = {
        (verb, resource) for rule in rules(FILE) for resource in rule["resources"] for verb in rule["verbs"]
    }

    assert _needed() <= given
    assert {one for one in given if one[0] not in ("get", "list")} == {
        one for one in _needed() if one[0] not in ("get", "list")
    }
    assert not {resource for _, resource in given} & {"secrets", "configmaps", "pods/exec", "pods/log", "*"}


WRITES = ("create", "update", "patch", "delete", "deletecollection")


@pytest.mark.parametrize(
    "kind", [*kinds.ALL, Kind("secret", "Secret", "secrets")], ids=lambda kind: kind.plural
)
async def test_it_may_write_nothing_else(cluster: Cluster, kind: Kind) -> None:
    needed = {verb for verb, resource in _needed() if resource == kind.plural}
    allowed = {verb for verb in WRITES if await cluster.may(verb, kind)}

    assert allowed == needed - {"get", "list"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/secrets"),
        ("GET", "/api/v1/namespaces/awoooi/secrets/any"),
        ("GET", "/api/v1/configmaps"),
        ("GET", "/api/v1/namespaces/awoooi/pods/any/log"),
        ("POST", "/api/v1/namespaces/awoooi/pods/any/exec"),
        ("POST", "/api/v1/namespaces/awoooi/pods"),
        ("DELETE", "/api/v1/namespaces/awoooi"),
        ("DELETE", "/apis/apps/v1/namespaces/awoooi/deployments/any"),
        ("PUT", "/apis/apps/v1/namespaces/awoooi/deployments/any"),
        ("POST", "/apis/apps/v1/namespaces/awoooi/deployments"),
        ("DELETE", "/api/v1/nodes/any"),
        ("DELETE", "/apis/batch/v1/namespaces/awoooi/jobs/any"),
        ("DELETE", "/api/v1/namespaces/awoooi/pods"),
        ("PATCH", "/apis/policy/v1/namespaces/awoooi/poddisruptionbudgets/any"),
        ("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"),
        ("PATCH", "/apis/rbac.authorization.k8s.io/v1/clusterroles/awoooi-executor"),
        ("POST", "/api/v1/namespaces/awoooi/serviceaccounts/awoooi-executor/token"),
        ("DELETE", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/any"),
    ],
)
async def test_the_api_server_refuses_the_rest(cluster: Cluster, method: str, path: str) -> None:
    content = "application/merge-patch+json" if method == "PATCH" else "application/json"
    with pytest.raises(Refusal) as refused:
        await cluster.connection.call(method, path, body=None if method == "GET" else {}, content=content)

    assert (refused.value.status, refused.value.reason) == (403, "Forbidden")


async def test_under_the_reading_role_nothing_can_be_done(real: World, kubernetes: KubernetesPeer) -> None:
    """Evidence's log-in given to the executor by mistake: the check says so, and the server means it."""
    real.deploy("api", replicas=1)
    wanted = order(real, Operation.RESTART_DEPLOYMENT, "deployment", "api")
    async with executing(apply(kubernetes, "evidence-role.yaml")) as reader:
        checked = await reader.check(wanted)
        tried = await reader.dry_run(wanted)

    assert failed(checked) == {"permission": "our log-in may not patch deployments"}
    assert (tried.passed, "forbidden" in tried.message) == (False, True)


async def test_the_doctor_has_nothing_to_say_of_it(cluster: Cluster) -> None:
    assert await able(cluster) == Able(lacking={}, beyond=[])


async def test_the_doctor_tells_of_an_administrators_log_in(kubernetes: KubernetesPeer) -> None:
    admin = Cluster("default", Place(kubernetes.kubeconfig), KubernetesConfig())

    found = await able(admin)
    await admin.close()

    assert "get secrets" in found.beyond
    assert "create pods/exec" in found.beyond

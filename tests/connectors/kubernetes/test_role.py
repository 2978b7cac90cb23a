"""The read-only role on the real API server: it reads what evidence needs, no secrets, and writes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from connectors.kubernetes import kinds
from connectors.kubernetes.client import Cluster
from connectors.kubernetes.config import KubernetesConfig, Place
from connectors.kubernetes.connection import Refusal
from connectors.kubernetes.kinds import BY_WORD, Kind
from connectors.kubernetes.permissions import Permissions, permissions
from tests.connectors.kubernetes.roles import apply, rules
from tests.connectors.kubernetes.worlds import World, gaps
from tests.peers import KubernetesPeer

FILE = "evidence-role.yaml"
NOT_READ = {"secrets", "configmaps", "serviceaccounts"}


@pytest.fixture(scope="module")
def login(kubernetes: KubernetesPeer) -> Path:
    return apply(kubernetes, FILE)


@pytest.fixture
async def reader(login: Path) -> AsyncIterator[Cluster]:
    cluster = Cluster("default", Place(login), KubernetesConfig(clusters={"default": str(login)}))
    yield cluster
    await cluster.close()


@pytest.mark.parametrize("kind", kinds.ALL, ids=lambda kind: kind.plural)
async def test_it_reads_what_evidence_needs(reader: Cluster, kind: Kind) -> None:
    await reader.list(kind)
    for verb in ("get", "list", "watch"):
        assert await reader.may(verb, kind)


@pytest.mark.parametrize("kind", kinds.ALL, ids=lambda kind: kind.plural)
async def test_it_changes_nothing(reader: Cluster, kind: Kind) -> None:
    for verb in ("create", "update", "patch", "delete", "deletecollection"):
        assert not await reader.may(verb, kind), verb


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/secrets"),
        ("GET", "/api/v1/namespaces/awoooi/secrets/any"),
        ("GET", "/api/v1/configmaps"),
        ("GET", "/api/v1/namespaces/awoooi/pods/any/log"),
        ("POST", "/api/v1/namespaces/awoooi/pods"),
        ("DELETE", "/api/v1/namespaces/awoooi/pods/any"),
        ("POST", "/api/v1/namespaces/awoooi/pods/any/eviction"),
        ("PATCH", "/apis/apps/v1/namespaces/awoooi/deployments/any/scale"),
        ("PATCH", "/api/v1/nodes/any"),
        ("POST", "/api/v1/namespaces/awoooi/serviceaccounts/awoooi-evidence/token"),
    ],
)
async def test_the_api_server_refuses_the_rest(reader: Cluster, method: str, path: str) -> None:
    content = "application/merge-patch+json" if method == "PATCH" else "application/json"
    body = None if method == "GET" else {}
    with pytest.raises(Refusal) as refused:
        await reader.connection.call(method, path, body=body, content=content)

    assert (refused.value.status, refused.value.reason) == (403, "Forbidden")


async def test_the_doctor_has_nothing_to_say_of_it(reader: Cluster) -> None:
    assert await permissions(reader) == Permissions(missing=[], beyond=[])


async def test_the_doctor_tells_of_a_log_in_that_may_do_more(kubernetes: KubernetesPeer) -> None:
    admin = Cluster("default", Place(kubernetes.kubeconfig), KubernetesConfig())

    assert "delete pods" in (await permissions(admin)).beyond
    await admin.close()


async def test_evidence_is_whole_under_it(real: World, login: Path) -> None:
    real.deploy("api", replicas=1)
    pod = real.pods("api")[0]["metadata"]["name"]

    real.peer = KubernetesPeer(login, real.peer.folder)
    found = await real.look("pod", pod)

    assert {"pod", "deployment", "owners", "node", "rollout", "event"} <= {finding.kind for finding in found}
    assert gaps(found) == []


async def test_without_the_role_nothing_can_be_read(real: World, kubernetes: KubernetesPeer) -> None:
    token = kubernetes.token_of(real.namespace, "default")
    cluster = Cluster("default", Place(kubernetes.login(token)), real.config())

    with pytest.raises(Refusal, match="pods is forbidden"):
        await cluster.list(kinds.POD)
    await cluster.close()


def test_the_role_names_no_more_than_is_read() -> None:
    named = {resource for rule in rules(FILE) for resource in rule["resources"]}

    assert named == {kind.plural for kind in BY_WORD.values()}
    assert not named & NOT_READ
    assert {verb for rule in rules(FILE) for verb in rule["verbs"]} == {"get", "list", "watch"}

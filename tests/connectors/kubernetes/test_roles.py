"""The roles that ship, each as a whole: what the API server lets its account do is what its file says.

Each operation under its role is in test_executor_role.py, each reading of evidence in test_role.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
import yaml

from awoooi.demo_scene import TEMPLATE
from connectors.kubernetes import kinds
from connectors.kubernetes.client import Cluster
from connectors.kubernetes.config import KubernetesConfig, Place
from connectors.kubernetes.connection import Refusal
from tests.connectors.kubernetes.roles import FOLDER, apply, rules
from tests.peers import KubernetesPeer

FILES = sorted(path.name for path in FOLDER.glob("*.yaml"))
SHIPPED = [*(FOLDER / name for name in FILES), TEMPLATE]
READS = {"get", "list", "watch"}
WRITER = "executor-role.yaml"
# Whatever a log-in is for, Kubernetes lets it ask what it may do and who it is.
ANYONE = {
    (f"{group}.k8s.io", name, "create")
    for group, name in (
        ("authorization", "selfsubjectaccessreviews"),
        ("authorization", "selfsubjectrulesreviews"),
        ("authentication", "selfsubjectreviews"),
    )
}
# Nothing of AWOOOI's asks for these, and each would be more than reading or one of its operations.
NEVER = {
    *("*", "secrets", "configmaps", "serviceaccounts", "serviceaccounts/token"),
    *("pods/exec", "pods/attach", "pods/portforward", "pods/proxy", "pods/log", "pods/ephemeralcontainers"),
    *("nodes/proxy", "namespaces", "roles", "rolebindings", "clusterroles", "clusterrolebindings"),
    *("customresourcedefinitions", "validatingwebhookconfigurations", "mutatingwebhookconfigurations"),
}
Grant = tuple[str, str, str]
Rules = Sequence[Mapping[str, Sequence[str]]]


def granted(some: Rules) -> set[Grant]:
    return {
        (group, resource, verb)
        for rule in some
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


@pytest.fixture(scope="module", params=FILES)
def account(request: pytest.FixtureRequest, kubernetes: KubernetesPeer) -> tuple[str, Cluster]:
    file: str = request.param
    login = apply(kubernetes, file)
    return file, Cluster(file, Place(login), KubernetesConfig())


async def test_the_api_server_grants_what_the_file_says_and_nothing_else(
    account: tuple[str, Cluster],
) -> None:
    """Its whole list of what this account may do: wildcards and impersonation would stand in it too."""
    file, cluster = account
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": "awoooi"},
    }
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    try:
        told: Any = (await cluster.connection.call("POST", path, body=review))["status"]
    finally:
        await cluster.close()

    assert told["incomplete"] is False
    assert granted(told["resourceRules"]) == granted(rules(file)) | ANYONE
    assert all(set(rule["verbs"]) == {"get"} for rule in told["nonResourceRules"])


async def test_no_role_reads_secrets(account: tuple[str, Cluster], kubernetes: KubernetesPeer) -> None:
    """One that is there: of its own namespace and of another, by name and in a list."""
    _, cluster = account
    for space in ("awoooi", "kube-system"):
        secret = {"metadata": {"generateName": "key-"}, "stringData": {"password": "p"}}
        name = kubernetes.ask("POST", f"/api/v1/namespaces/{space}/secrets", secret)["metadata"]["name"]
        for asked in (f"/{name}", "", "?watch=1&timeoutSeconds=1"):
            path, _, query = f"/api/v1/namespaces/{space}/secrets{asked}".partition("?")
            pairs = [
                (key, value) for key, _, value in (one.partition("=") for one in query.split("&") if one)
            ]
            with pytest.raises(Refusal) as refused:
                await cluster.connection.call("GET", path, pairs)
            assert (refused.value.status, refused.value.reason) == (403, "Forbidden")
        kubernetes.ask("DELETE", f"/api/v1/namespaces/{space}/secrets/{name}")
    await cluster.close()


def roles_of(path: Any) -> Iterator[tuple[str, Rules]]:
    for one in yaml.safe_load_all(path.read_text()):
        if one["kind"] in ("Role", "ClusterRole"):
            yield one["metadata"]["name"], one["rules"]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_no_file_grants_what_nothing_of_ours_asks_for(path: Any) -> None:
    for _, given in roles_of(path):
        assert not {(group, resource) for group, resource, _ in granted(given) if "*" in (group, resource)}
        writes = {(resource, verb) for _, resource, verb in granted(given) if verb not in READS}
        assert not {resource for resource, _ in writes} & NEVER
        assert not {resource for _, resource, _ in granted(given)} & (NEVER - {"namespaces"})
        assert not {verb for _, verb in writes} - {"create", "patch", "delete"}, (
            "no update, no deletecollection"
        )


def test_the_executor_alone_writes() -> None:
    writers = {
        path.name
        for path in SHIPPED
        for name, given in roles_of(path)
        if {verb for _, _, verb in granted(given)} - READS and name != "executor"
    }

    assert writers == {WRITER}


def test_a_role_is_bound_to_its_own_account_alone() -> None:
    for file in FILES:
        made = {one["kind"]: one for one in yaml.safe_load_all((FOLDER / file).read_text())}
        binding, name = made["ClusterRoleBinding"], made["ServiceAccount"]["metadata"]["name"]
        assert binding["roleRef"]["name"] == made["ClusterRole"]["metadata"]["name"] == name
        assert [subject["name"] for subject in binding["subjects"]] == [name]


def test_kinds_that_are_read_are_those_of_the_code() -> None:
    """A kind that is added to the code and not to the role would be a gap in all evidence."""
    named = {resource for _, resource, _ in granted(rules("evidence-role.yaml"))}

    assert named == {kind.plural for kind in kinds.ALL}

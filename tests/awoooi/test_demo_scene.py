"""The demo's scene on a real control plane: what its log-ins may do, and that nothing of it stays."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from awoooi.demo_kubeconfig import login_of
from awoooi.demo_scene import MADE, TEMPLATE, Scene, scene_on, tell_of_earlier_ones
from awoooi.demo_story import StepFailed
from awoooi.demo_victim import is_ill
from connectors.kubernetes import kinds
from connectors.kubernetes.client import Cluster
from connectors.kubernetes.config import KubernetesConfig, Place
from connectors.kubernetes.execution.rights import rights_of
from connectors.kubernetes.fake import FakeCluster
from connectors.kubernetes.fake_server import serving
from connectors.kubernetes.kinds import Kind
from connectors.kubernetes.permissions import permissions
from schemas.errors import Misconfigured
from schemas.operations import Operation
from tests.connectors.kubernetes.roles import apply, rules
from tests.peers import KubernetesPeer
from tests.peers.kubernetes import write_kubeconfig

OURS = "awoooi-demo-"
SECRET = Kind("secret", "Secret", "secrets")
WRITES = ("create", "update", "patch", "delete", "deletecollection")


@dataclass
class Told:
    lines: list[str] = field(default_factory=list)

    def __call__(self, line: str) -> None:
        self.lines.append(line)


@asynccontextmanager
async def logged_in(kubeconfig: Path) -> AsyncIterator[Cluster]:
    cluster = Cluster("any", Place(kubeconfig), KubernetesConfig())
    yield cluster
    await cluster.close()


def left(kubernetes: KubernetesPeer) -> set[str]:
    """What stands in no namespace, and the namespaces, of any demo."""
    apart = [kind for kind in MADE.values() if not kind.namespaced]
    names = {item["metadata"]["name"] for kind in apart for item in kubernetes.get(kind.path())["items"]}
    return {name for name in names if name.startswith(OURS)}


async def test_its_log_ins_do_what_the_demo_needs_and_nothing_of_it_stays(kubernetes: KubernetesPeer) -> None:
    """Also where the demo fails in the middle of it."""
    told = Told()

    async def failing() -> None:
        async with scene_on(str(kubernetes.kubeconfig), "tb2-20260301T101112", told) as scene:
            assert left(kubernetes) == {scene.namespace}
            await reads_and_no_more(scene)
            await replaces_pods_and_no_more(scene)
            raise StepFailed("as if a step had failed")

    with pytest.raises(StepFailed, match="as if"):
        await failing()

    assert left(kubernetes) == set()
    assert "awoooi-demo-20260301t101112" in told.lines[0]
    assert told.lines[-1] == "The namespace awoooi-demo-20260301t101112 is gone, with all that was in it."


async def reads_and_no_more(scene: Scene) -> None:
    async with logged_in(scene.logins.reads) as reader:
        assert is_ill(await reader.get(kinds.POD, scene.namespace, "postgres-db-0") or {})
        assert (await permissions(reader)).beyond == []
        assert await written(reader, scene.namespace) == set()


async def replaces_pods_and_no_more(scene: Scene) -> None:
    async with logged_in(scene.logins.writes) as executor:
        for right in rights_of(Operation.DELETE_POD):
            assert await executor.may(right.verb, right.kind, scene.namespace, sub=right.sub), right
        assert await written(executor, scene.namespace) == {("delete", "pods")}
        assert await written(executor, "default") == set()
        assert not await executor.may("create", kinds.POD, "default", sub="eviction")
        assert not await executor.may("get", SECRET, scene.namespace)


async def written(cluster: Cluster, space: str) -> set[tuple[str, str]]:
    everything = [*kinds.ALL, SECRET]
    return {
        (verb, kind.plural) for kind in everything for verb in WRITES if await cluster.may(verb, kind, space)
    }


async def test_what_a_killed_demo_left_is_named(tmp_path: Path) -> None:
    told, name = Told(), "awoooi-demo-of-yesterday"
    with serving(FakeCluster()) as fake:
        fake.cluster.add(*({"kind": "Namespace", "metadata": {"name": one}} for one in (name, "awoooi")))
        async with logged_in(fake.kubeconfig(tmp_path / "kubeconfig")) as cluster:
            await tell_of_earlier_ones(cluster, told)

    assert told.lines == [f"{name} is of another demo; where none runs, `kubectl delete namespace {name}`."]


async def test_without_rights_it_says_which_and_makes_nothing(kubernetes: KubernetesPeer) -> None:
    reader = apply(kubernetes, "evidence-role.yaml")

    with pytest.raises(Misconfigured, match=r"may not create namespaces, .*nothing was made"):
        async with scene_on(str(reader), "tb2-20260301T101113", Told()):
            pytest.fail("it has no right to")

    assert left(kubernetes) == set()


def test_its_roles_are_parts_of_those_of_production() -> None:
    """Evidence's is the same; of the executor's writes only those that replace a pod."""
    made = list(yaml.safe_load_all(TEMPLATE.read_text()))
    reading, writing = [one["rules"] for one in made if one["kind"] in ("ClusterRole", "Role")]

    assert reading == rules("evidence-role.yaml")
    assert granted(writing) <= granted(rules("executor-role.yaml"))
    assert {one["kind"] for one in made} <= set(MADE)


def granted(some: list[dict[str, list[str]]]) -> set[tuple[str, str, str]]:
    return {
        (group, resource, verb)
        for rule in some
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_an_image_that_cannot_be_fetched_is_told() -> None:
    waits = {"reason": "ImagePullBackOff", "message": "no such host"}
    status = {"image": "postgres:16-alpine", "state": {"waiting": waits}}

    with pytest.raises(StepFailed, match="cannot fetch postgres:16-alpine: ImagePullBackOff, no such host"):
        is_ill({"status": {"containerStatuses": [status]}})


# -- the file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_kubeconfig(tmp_path / "config", "https://10.0.0.1:6443", Path("ca.crt"), "an-admins-token")


def test_our_log_in_goes_to_the_same_server_and_takes_nothing_of_theirs(file: Path, tmp_path: Path) -> None:
    path = login_of(f"{file}#test").write(tmp_path / "ours", "ours")

    config: dict[str, Any] = yaml.safe_load(path.read_text())
    assert config["clusters"][0]["cluster"] == {
        "server": "https://10.0.0.1:6443",
        "certificate-authority": str(tmp_path / "ca.crt"),
    }
    assert config["users"] == [{"name": "demo", "user": {"token": "ours"}}]
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ("{folder}/none", "cannot be read: No such file"),
        ("{folder}/config#other", "there is no 'other' in it, there are: test"),
        ("{folder}/text", "names no cluster"),
        ("in-cluster", "takes a file"),
    ],
)
def test_a_file_that_names_no_cluster_is_told(told: str, why: str, file: Path, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("just words")

    with pytest.raises(Misconfigured, match=why):
        login_of(told.format(folder=tmp_path))

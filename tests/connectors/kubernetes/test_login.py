"""The ways to log in, each against the real API server; and one that goes away while it is asked."""

from __future__ import annotations

import json
import signal
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from connectors.evidence import Unavailable
from connectors.kubernetes import kinds
from connectors.kubernetes.client import Cluster
from connectors.kubernetes.config import KubernetesConfig, Place
from tests.peers import KubernetesPeer
from tests.peers.tools import skip_without_tools

INSIDE = "kubernetes.aio.config.incluster_config"


async def version(place: Place, **settings: object) -> str:
    cluster = Cluster("test", place, KubernetesConfig.model_validate(settings))
    try:
        return await cluster.version()
    finally:
        await cluster.close()


def _config(kubernetes: KubernetesPeer) -> dict[str, object]:
    found: dict[str, object] = yaml.safe_load(kubernetes.kubeconfig.read_text())
    return found


def _server(kubernetes: KubernetesPeer) -> dict[str, str]:
    clusters: list[dict[str, dict[str, str]]] = _config(kubernetes)["clusters"]  # type: ignore[assignment]
    return clusters[0]["cluster"]


async def test_another_context_of_a_kubeconfig(kubernetes: KubernetesPeer, tmp_path: Path) -> None:
    config = _config(kubernetes)
    nobody = {"name": "nobody", "context": {"cluster": "test", "user": "nobody"}}
    config["contexts"] = [nobody, *config["contexts"]]  # type: ignore[misc]
    config["current-context"] = "nobody"
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))

    named = Cluster("test", Place.read(f"{path}#test"), KubernetesConfig())
    assert (await named.list(kinds.NODE)).items
    await named.close()
    with pytest.raises(Unavailable, match="cannot be used"):
        await version(Place.read(f"{path}#none"))


async def test_as_a_pod_of_the_cluster(
    kubernetes: KubernetesPeer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = urlsplit(_server(kubernetes)["server"])
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", str(server.hostname))
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(server.port))
    token = tmp_path / "token"
    token.write_text(kubernetes.token_of(kubernetes.make_namespace(), "default"))
    monkeypatch.setattr(f"{INSIDE}.SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(f"{INSIDE}.SERVICE_CERT_FILENAME", _server(kubernetes)["certificate-authority"])

    assert await version(Place.read("in-cluster"))


async def test_a_program_that_gives_the_token(kubernetes: KubernetesPeer, tmp_path: Path) -> None:
    credential = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": kubernetes.token_of(kubernetes.make_namespace(), "default")},
    }
    program = tmp_path / "log-in"
    program.write_text(f"#!{sys.executable}\nprint({json.dumps(json.dumps(credential))})\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    config = _config(kubernetes)
    asked = {"apiVersion": credential["apiVersion"], "command": str(program), "interactiveMode": "Never"}
    config["users"] = [{"name": "user", "user": {"exec": asked}}]
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))

    assert await version(Place.read(str(path)))


async def test_an_authority_of_the_settings(kubernetes: KubernetesPeer, tmp_path: Path) -> None:
    config = _config(kubernetes)
    authority = _server(kubernetes)["certificate-authority"]
    config["clusters"] = [{"name": "test", "cluster": {"server": _server(kubernetes)["server"]}}]
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))

    with pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"):
        await version(Place.read(str(path)))
    assert await version(Place.read(str(path)), ca_file=authority)


async def test_a_kubeconfig_is_only_read(kubernetes: KubernetesPeer) -> None:
    before = kubernetes.kubeconfig.read_bytes()

    await version(Place(kubernetes.kubeconfig))

    assert kubernetes.kubeconfig.read_bytes() == before


async def test_a_log_in_that_is_unknown(kubernetes: KubernetesPeer) -> None:
    with pytest.raises(Unavailable, match="does not know our log-in"):
        await version(Place(kubernetes.login("no-such-token")))


@pytest.fixture
def fresh(tmp_path: Path, kubernetes: KubernetesPeer) -> Iterator[KubernetesPeer]:
    """One of this test's own, to be stopped as it likes; `kubernetes` says whether there can be one."""
    with skip_without_tools("kubernetes"), KubernetesPeer.running(tmp_path / "kubernetes") as peer:
        yield peer


async def test_a_cluster_that_hangs_comes_back_and_goes(fresh: KubernetesPeer) -> None:
    config = KubernetesConfig(call_timeout_secs=0.5)
    cluster = Cluster("test", Place(fresh.kubeconfig), config)
    api = next(process for process in fresh.processes if process.name == "api")
    assert (await cluster.list(kinds.NODE)).items

    api.freeze()
    with pytest.raises(Unavailable, match=r"cluster test: no answer within 0\.5 s"):
        await cluster.list(kinds.NODE)
    api.signal(signal.SIGCONT)
    assert (await cluster.list(kinds.NODE)).items

    api.kill()
    with pytest.raises(Unavailable, match="cluster test cannot be reached"):
        await cluster.list(kinds.NODE)
    await cluster.close()

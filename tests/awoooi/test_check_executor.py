"""What the doctor says of the executor's log-in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from awoooi.check_executor import executor
from awoooi.findings import Finding, Verdict
from awoooi.loading import load
from connectors.kubernetes.execution.executor import KubernetesExecutor
from connectors.kubernetes.fake import FakeCluster
from connectors.kubernetes.fake_server import FakeServer, serving
from tests.peers import free_port
from tests.peers.kubernetes import write_kubeconfig

NEVER = {
    ("get", "secrets"),
    ("create", "pods"),
    ("delete", "deployments"),
    ("delete", "namespaces"),
    ("delete", "nodes"),
}


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    with serving(FakeCluster(denied=set(NEVER))) as server:
        yield server


async def examined(tmp_path: Path, clusters: str) -> list[Finding]:
    given = {"AWOOOI_EXECUTOR_CLUSTERS": clusters} if clusters else {}
    return await executor(load({"AWOOOI_STATE_DIR": str(tmp_path), **given}))


async def test_no_cluster_is_nothing_wrong(tmp_path: Path) -> None:
    (found,) = await examined(tmp_path, "")

    assert (found.verdict, "nothing is automatic" in found.what) == (Verdict.OK, True)


async def test_a_log_in_that_may_do_what_it_needs(fake: FakeServer, tmp_path: Path) -> None:
    fake.cluster.denied.remove(("create", "pods"))  # the fake does not tell evictions apart

    found = await examined(tmp_path, f"default={fake.kubeconfig(tmp_path / 'k')}")

    assert [one.what for one in found] == ["cluster default: our log-in may create pods, create pods/exec"]


async def test_evidences_log_in_can_carry_out_nothing(fake: FakeServer, tmp_path: Path) -> None:
    found = await examined(tmp_path, f"default={fake.kubeconfig(tmp_path / 'k', reader=True)}")

    assert {one.verdict for one in found} == {Verdict.WARNING}
    assert len(found) == len(KubernetesExecutor.operations)
    assert any("no CORDON_NODE: our log-in may not patch nodes" in one.what for one in found)


async def test_a_cluster_that_is_away(tmp_path: Path) -> None:
    away = write_kubeconfig(tmp_path / "k", f"http://127.0.0.1:{free_port()}", None, "t")

    (found,) = await examined(tmp_path, f"default={away}")

    assert (found.verdict, "cannot be reached" in found.what) == (Verdict.WRONG, True)

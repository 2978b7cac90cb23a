"""What the doctor says of clusters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from awoooi.check_clusters import kubernetes
from awoooi.findings import Finding, Verdict
from awoooi.loading import load
from connectors.kubernetes.fake import FakeCluster
from connectors.kubernetes.fake_server import FakeServer, serving
from tests.peers import free_port
from tests.peers.kubernetes import write_kubeconfig


@pytest.fixture
def fake() -> Iterator[FakeServer]:
    with serving(FakeCluster()) as server:
        yield server


async def examined(tmp_path: Path, clusters: str) -> list[Finding]:
    given = {
        "AWOOOI_STATE_DIR": str(tmp_path),
        **({"AWOOOI_KUBERNETES_CLUSTERS": clusters} if clusters else {}),
    }
    return await kubernetes(load(given))


async def test_no_cluster_is_nothing_wrong(tmp_path: Path) -> None:
    (found,) = await examined(tmp_path, "")

    assert found.verdict is Verdict.OK


async def test_a_reader_that_reads_all(fake: FakeServer, tmp_path: Path) -> None:
    (found,) = await examined(tmp_path, f"default={fake.kubeconfig(tmp_path / 'k', reader=True)}")

    assert (found.verdict, found.what) == (
        Verdict.OK,
        "cluster default (v1.34.0-fake) is read, and only read",
    )


async def test_a_log_in_that_may_do_more(fake: FakeServer, tmp_path: Path) -> None:
    (found,) = await examined(tmp_path, f"prod={fake.kubeconfig(tmp_path / 'k')}")

    assert found.verdict is Verdict.WARNING
    assert "get secrets, delete pods" in found.what


async def test_a_log_in_that_cannot_read_all(fake: FakeServer, tmp_path: Path) -> None:
    fake.cluster.denied |= {("list", "nodes"), ("list", "events")}

    (found,) = await examined(tmp_path, f"prod={fake.kubeconfig(tmp_path / 'k', reader=True)}")

    assert found.verdict is Verdict.WARNING
    assert "cannot list nodes, events" in found.what


async def test_each_cluster_is_examined(fake: FakeServer, tmp_path: Path) -> None:
    away = write_kubeconfig(tmp_path / "away", f"http://127.0.0.1:{free_port()}", None, "t")

    one, other = await examined(tmp_path, f"a={fake.kubeconfig(tmp_path / 'k', reader=True)},b={away}")

    assert (one.verdict, other.verdict) == (Verdict.OK, Verdict.WRONG)
    assert "cluster b cannot be reached" in other.what

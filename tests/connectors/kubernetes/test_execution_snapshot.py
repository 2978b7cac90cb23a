"""A snapshot as the snapshot controller leaves it, seen under the executor's role on a real API server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connectors.executors.contract import End, Happened, Order
from connectors.kubernetes import kinds
from schemas.operations import Operation
from tests.connectors.kubernetes.orders import always, carry_out, executing, failed, make_claim, named, order
from tests.connectors.kubernetes.roles import apply
from tests.connectors.kubernetes.worlds import World, utc
from tests.peers import KubernetesPeer, wait_until
from tests.peers.kubernetes import Refused

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
NAME = "volumesnapshots.snapshot.storage.k8s.io"


@pytest.fixture
def snapshots(kubernetes: KubernetesPeer) -> Iterator[None]:
    """The kind alone: nobody here takes any."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": "volumesnapshots", "singular": "volumesnapshot", "kind": "VolumeSnapshot"}
    spec: dict[str, Any] = {"group": "snapshot.storage.k8s.io", "scope": "Namespaced", "names": names}
    approved = {"api-approved.kubernetes.io": "unapproved, for a test"}  # the group is the project's own
    about = {"name": NAME, "annotations": approved}
    kubernetes.ask("POST", DEFINITIONS, {"metadata": about, "spec": {**spec, "versions": [version]}})
    wait_until(lambda: _is_served(kubernetes), timeout=30, what="the kind served")
    yield
    kubernetes.ask("DELETE", f"{DEFINITIONS}/{NAME}")


def _is_served(kubernetes: KubernetesPeer) -> bool:
    try:
        kubernetes.get(kinds.SNAPSHOT.path("default"))
    except Refused:
        return False
    return True


async def test_it_is_verified_before_a_claim_is_deleted(
    real: World, kubernetes: KubernetesPeer, snapshots: None
) -> None:
    make_claim(real, "data", "1Gi")
    wanted = order(real, Operation.DELETE_PVC, "pvc", "data")
    taken = {"readyToUse": True, "boundVolumeSnapshotContentName": "c", "creationTime": utc(60)}
    source = {"spec": {"source": {"persistentVolumeClaimName": "data"}}}

    async with executing(apply(kubernetes, "executor-role.yaml")) as executor:
        before = await executor.check(wanted)
        real.make(
            kinds.SNAPSHOT,
            {
                "apiVersion": kinds.SNAPSHOT.group,
                "kind": "VolumeSnapshot",
                "metadata": {"name": "good"},
                **source,
                "status": taken,
            },
        )
        after = await executor.check(wanted)

        done = await executor.execute(wanted, (after.observed or before.observed).hash, always)
        wait_until(lambda: real.get(kinds.PVC, "data") is None, timeout=30, what="the claim gone")
        assert after.undo is not None
        back = Order(after.undo, "the-undo")
        checked, made = await carry_out(executor, back)
        again = await executor.execute(back, checked.observed.hash, always)
        probed = await executor.probe(back, checked.observed.hash, made.observed)
        found = real.get(kinds.PVC, "data")
        other = Order(after.undo, "another")
        late = await executor.execute(other, checked.observed.hash, always)

    assert failed(before) == {"snapshot": "there is no snapshot"}
    assert before.undo is None, "there is nothing that it could be made from"
    assert failed(after) == {}
    assert "good is ready" in named(after, "snapshot").message
    assert (done.end, made.end, again.end) == (End.DONE, End.DONE, End.DONE)
    assert (failed(checked), again.message) == ({}, "it was done before")
    assert probed.happened is Happened.YES
    assert found is not None
    assert found["spec"]["dataSource"] == {
        **{"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "good"}
    }
    assert found["spec"]["resources"]["requests"]["storage"] == "1Gi"
    assert late.end is End.CHANGED, "a claim that is there is not touched"

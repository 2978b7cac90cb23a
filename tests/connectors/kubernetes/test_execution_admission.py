"""A dry run that passes and a call that is refused: an admission policy came between, on the real thing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from connectors.executors.contract import End
from connectors.kubernetes import kinds
from schemas.operations import Operation
from tests.admission import ADMISSION, CHANGES, within
from tests.connectors.kubernetes.orders import always, executing, failed, named, order
from tests.connectors.kubernetes.worlds import World
from tests.peers import wait_until
from tests.peers.kubernetes import Refused

WORDS = "no changes while the books are closed"


@contextmanager
def closed_books(world: World) -> Iterator[None]:
    """Nothing changes a deployment of this namespace."""
    name = f"closed-{world.namespace}"
    spec = {
        "matchConstraints": {**within(world.namespace), "resourceRules": [CHANGES]},
        "validations": [{"expression": "false", "message": WORDS}],
    }
    binding = {"policyName": name, "validationActions": ["Deny"]}
    made = {"validatingadmissionpolicies": spec, "validatingadmissionpolicybindings": binding}
    for plural, told in made.items():
        world.peer.ask("POST", f"{ADMISSION}/{plural}", {"metadata": {"name": name}, "spec": told})
    try:
        wait_until(lambda: is_refused(world), timeout=60, what="the policy in force", every=0.2)
        yield
    finally:
        for plural in made:
            world.peer.ask("DELETE", f"{ADMISSION}/{plural}/{name}")


def is_refused(world: World) -> bool:
    path = f"{kinds.DEPLOYMENT.path(world.namespace, 'api')}?dryRun=All"
    try:
        world.peer.patch(path, {"spec": {"minReadySeconds": 1}})
    except Refused as refused:
        return WORDS in str(refused)
    return False


async def test_the_target_is_left_as_it_was_and_the_servers_words_are_told(real: World) -> None:
    real.deploy("api", replicas=1)
    wanted = order(real, Operation.SCALE_DEPLOYMENT, "deployment", "api", replicas=2)
    async with executing(real.peer.kubeconfig) as executor:
        before = await executor.check(wanted)
        assert (failed(before), before.observed is not None) == ({}, True)

        with closed_books(real):
            done = await executor.execute(wanted, before.observed.hash, always)  # type: ignore[union-attr]
            after = await executor.check(wanted)

    assert (done.end, WORDS in done.message) == (End.REFUSED, True), done.message
    assert WORDS in named(after, "dry_run").message
    found = real.get(kinds.DEPLOYMENT, "api")
    assert found is not None
    assert found["spec"]["replicas"] == 1

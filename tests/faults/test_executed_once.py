"""The execution worker killed and frozen at every point of an action, on a real cluster: it is done once.

A sample in every run; AWOOOI_TEST_ROUNDS=50 (`make faults`) kills as often at each point, and reports.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from schemas.authorization import ActionAuthorized
from tests.connectors.kubernetes import roles
from tests.connectors.kubernetes.worlds import World
from tests.faults.executing import Setup
from tests.faults.executions import Ledger, Report
from tests.faults.faulty_api import FaultyApi, Trouble, faulty_api
from tests.faults.paper import written
from tests.faults.site import Site, standing
from tests.peers import KafkaPeer, KubernetesPeer
from tests.peers.process import Process
from tests.peers.waiting import wait_until_async

pytestmark = [
    pytest.mark.faults,
    pytest.mark.kafka,
    pytest.mark.kubernetes,
    pytest.mark.timeout(3600),
]

ROUNDS = int(os.environ.get("AWOOOI_TEST_ROUNDS", "1"))
SEED = 20261121
AT_ONCE = 4
SLOW_SECS = 3.0
POINTS = {
    "execute:claimed": range(1, AT_ONCE + 1),
    "execute:in_flight": range(1, AT_ONCE + 1),
    "execute:done": range(1, AT_ONCE + 1),
    "execute:produced": range(2 * AT_ONCE + 1, 3 * AT_ONCE + 1),  # the first are claims, and that it begins
}
"""Where, and at which passage: claimed; effect in flight; done, not recorded; recorded, not committed."""

CHAINS: dict[str, Sequence[str]] = (
    {"every point": [*POINTS]} if ROUNDS == 1 else {one: [one] for one in POINTS}
)


@dataclass
class Behind(Site):
    """The API server is asked through a proxy that makes trouble."""

    api: FaultyApi
    ledger: Ledger

    def path_of(self, event: ActionAuthorized) -> str:
        """Where the API server is asked for it."""
        return f"/{self.world.namespace}/deployments/{event.payload.action.step.target.name}"

    def done(self) -> Counter[str]:
        """Action → effects, by both ledgers."""
        return self.ledger.done() + written(self.folder / "paper")

    @property
    def unguarded(self) -> list[str]:
        return [
            action
            for action, event in self.executions.authorized.items()
            if event.payload.action.step.target.kind == "job"
        ]


@pytest.fixture(scope="module")
def api(kubernetes: KubernetesPeer) -> Iterator[FaultyApi]:
    with faulty_api(kubernetes.kubeconfig) as faulty:
        yield faulty


@pytest.fixture
async def site(
    broker: KafkaPeer, kubernetes: KubernetesPeer, api: FaultyApi, tmp_path: Path
) -> AsyncIterator[Behind]:
    if kubernetes.audit_log is None:
        pytest.skip("a cluster that was given keeps its audit log elsewhere")
    login = api.login_of(roles.apply(kubernetes, "executor-role.yaml"), tmp_path / "executor.kubeconfig")
    world = World(kubernetes, kubernetes.make_namespace())
    ledger = Ledger(kubernetes.audit_log, world.namespace)
    async with standing(Behind, tmp_path, broker, world, login, api=api, ledger=ledger) as site:
        yield site
    kubernetes.ask("DELETE", f"/api/v1/namespaces/{world.namespace}")


def frozen(process: Process) -> bool:
    return Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"


# -- killed


@pytest.mark.parametrize("points", CHAINS.values(), ids=CHAINS)
async def test_an_action_is_done_once_wherever_its_worker_is_killed(
    points: Sequence[str], site: Behind, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each worker ends what the one before it left, and is killed in its turn."""
    dice, report, executions = random.Random(SEED), Report(SEED), site.executions
    heir = site.launch("the-one")
    for point in [*points] * ROUNDS:
        worker, heir = await site.begin(heir), site.launch("the-one")
        await executions.until_ended()
        await site.arm(worker, "the-one", f"{point}:{dice.choice(POINTS[point])}")
        troubles = await authorize(site, dice)
        await site.workers.dead(worker, point, executions.read)
        await executions.read()
        report.kills[point] += 1
        report.windows.update(_stood(action, site, trouble) for action, trouble in troubles.items())
    await site.begin(heir)
    await executions.until_ended()
    await executions.until_quiet()
    done = site.done()
    ends = executions.check(done, site.unguarded)
    with capsys.disabled():
        sys.stdout.write(f"\n{report.told(ends, done.total())}\n")


async def authorize(site: Behind, dice: random.Random) -> dict[str, Trouble]:
    """Restarts on a cluster that takes a moment, and one act on what guards nothing."""
    events = [*[await site.restart() for _ in range(AT_ONCE - 1)], site.on_paper()]
    troubles = {
        event.payload.action_id: site.api.add(
            Trouble(
                site.path_of(event),
                before_secs=dice.uniform(0, 0.03),
                after_secs=dice.uniform(0, 0.03),
            )
        )
        for event in events
    }
    await site.executions.authorize(*events)
    return troubles


def _stood(action: str, site: Behind, trouble: Trouble) -> str:
    if action in site.executions.told:
        return "recorded"
    if trouble.abandoned:
        return "in flight"
    if site.done()[action]:
        return "done"
    return "claimed" if site.executions.claims[action] else "authorized"


# -- frozen


async def test_a_worker_that_was_frozen_for_longer_than_its_claim_does_no_harm(site: Behind) -> None:
    """Another took over meanwhile, and acted; then the first goes on, and its calls arrive."""
    dice, executions = random.Random(SEED), site.executions
    worker, name = await site.begin(site.launch("guest-0")), "guest-0"
    for number, freeze in enumerate(FREEZES, start=1):
        events = [*[await site.restart() for _ in range(AT_ONCE - 1)], site.on_paper()]
        heir = site.launch(f"guest-{number}")
        goes_on = await freeze(site, worker, name, events, dice)
        name = f"guest-{number}"
        await site.begin(heir)
        await executions.until_ended()
        goes_on()
        worker.signal(signal.SIGCONT)
        await executions.until_quiet()
        worker.stop()
        worker = heir
    executions.check(site.done(), site.unguarded)


async def at_claim(
    site: Behind, worker: Process, name: str, events: list[ActionAuthorized], dice: random.Random
) -> Callable[[], None]:
    return await _freezes(site, worker, name, "execute:claimed", events, dice)


async def in_flight(
    site: Behind, worker: Process, name: str, events: list[ActionAuthorized], dice: random.Random
) -> Callable[[], None]:
    return await _freezes(site, worker, name, "execute:in_flight", events, dice)


async def _freezes(
    site: Behind, worker: Process, name: str, point: str, events: list[ActionAuthorized], dice: random.Random
) -> Callable[[], None]:
    await site.arm(worker, name, f"{point}:{dice.randint(1, AT_ONCE)}", signal.SIGSTOP)
    await site.executions.authorize(*events)
    await wait_until_async(lambda: frozen(worker), 20, what=f"frozen at {point}", every=0.01)
    return lambda: None


async def while_held(
    site: Behind, worker: Process, name: str, events: list[ActionAuthorized], dice: random.Random
) -> Callable[[], None]:
    """Its calls are on their way, and arrive only when another has made the same."""
    released = threading.Event()
    paths = [site.path_of(event) for event in events[:-1]]
    held = [site.api.add(Trouble(path, held=released)) for path in paths]
    await site.executions.authorize(*events)
    await wait_until_async(lambda: all(one.arrived.is_set() for one in held), 20, what="all on their way")
    await asyncio.to_thread(worker.freeze)
    return released.set


FREEZES = [at_claim, while_held] if ROUNDS == 1 else [at_claim, in_flight, while_held] * max(1, ROUNDS // 10)


# -- two at once


@pytest.mark.parametrize(
    ("guard", "twice"),
    [pytest.param("", False, id="guarded"), pytest.param("read_back", True, id="without-the-read-back")],
)
async def test_two_executors_at_once_do_it_once(guard: str, twice: bool, site: Behind) -> None:
    """Both have the authorization. Without the claim's read-back the same test finds what was done twice."""
    executions = site.executions
    for worker in [site.launch(name, name, AWOOOI_GUARD_OFF=guard) for name in ("one", "two")]:
        await site.begin(worker)
    await executions.authorize(await site.restart(), await site.restart(), site.on_paper(), site.on_paper())
    await executions.until_ended()
    await executions.until(lambda: all(len(told) >= 2 for told in executions.copies), "told by both")
    if twice:
        with pytest.raises(AssertionError, match="done more than once"):
            executions.check(site.done())
    else:
        executions.check(site.done())


# -- trouble at the API server


TROUBLES: dict[str, tuple[dict[str, Any], str, int]] = {
    "a conflict once": ({"status": 409, "reaches": False}, "succeeded", 1),
    "too many requests": ({"status": 429, "reaches": False, "times": 99}, "failed", 0),
    "500, not done": ({"status": 500, "reaches": False}, "succeeded", 1),
    "500, and done": ({"status": 500}, "succeeded", 1),
    "cut off before": ({"cut": True, "reaches": False}, "succeeded", 1),
    "cut off after": ({"cut": True}, "succeeded", 1),
    "slow to answer": ({"after_secs": SLOW_SECS}, "succeeded", 1),
    "slow to get there": ({"before_secs": SLOW_SECS}, "succeeded", 1),
}
"""trouble → how it ends, and how often it was done"""
KILLED: dict[str, tuple[dict[str, Any], str, int]] = {
    "killed before": ({"cut": True, "reaches": False, "away_secs": 1.0}, "succeeded", 1),
    "killed after": ({"cut": True, "away_secs": 1.0}, "succeeded", 1),
}
BATCHES = (list(TROUBLES)[:AT_ONCE], list(TROUBLES)[AT_ONCE:], *([name] for name in KILLED))


async def test_whatever_the_api_server_answers_it_is_done_at_most_once(site: Behind) -> None:
    """Killed in mid-call, slow, answering 409, 429, 500: what was done is told, and nothing else."""
    replace(Setup.read(site.folder), call_secs=SLOW_SECS - 1).write(site.folder)
    await site.begin(site.launch("the-one"))
    names = dict[str, str]()
    for batch in BATCHES:
        events = [await site.restart() for _ in batch]
        for name, event in zip(batch, events, strict=True):
            given, _, _ = {**TROUBLES, **KILLED}[name]
            site.api.add(Trouble(site.path_of(event), **given))
            names[event.payload.action_id] = name
        await site.executions.authorize(*events)
        await site.executions.until_ended(names)
    done = site.done()
    found = {name: (site.executions.end(action), done[action]) for action, name in names.items()}
    assert found == {name: (end, effects) for name, (_, end, effects) in {**TROUBLES, **KILLED}.items()}


# -- one workload


async def test_acts_on_one_workload_come_one_after_the_other_and_count_together(site: Behind) -> None:
    """Opposite ones of two incidents first. A new worker knows from the log alone what the first has sent."""
    executions, worker, heir = site.executions, site.launch("the-one"), site.launch("the-one")
    await site.begin(worker)
    up = await site.restart()
    up, down = await site.again(up, replicas=3), await site.again(up, replicas=1)
    actions = await executions.authorize(up, down)
    await executions.until_ended()

    assert [executions.end(action) for action in actions] == ["succeeded", "voided"]
    (voided,) = (executions.events[name] for name in executions.told[actions[1]])
    assert voided.payload.observed_state == down.payload.observed_state != voided.payload.observed_now
    assert voided.payload.state_now["replicas"] == "3"

    for _ in range(2):
        actions += await executions.authorize(await site.again(up))
        await executions.until_ended()
    worker.kill()
    await site.begin(heir)
    actions += await executions.authorize(await site.again(up))
    await executions.until_ended()

    assert [executions.end(action) for action in actions[2:]] == ["succeeded", "succeeded", "refused"]
    assert executions.why(actions[-1])[0].startswith("cap: 3 actions on this workload within an hour")
    assert [site.done()[action] for action in actions] == [1, 0, 1, 1, 0]

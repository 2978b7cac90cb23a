"""Workers killed at every named point of a run, and in rebalances: each run ends exactly once."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from connectors.kafka.admin import apply_topics
from connectors.kafka.config import KafkaConfig
from tests.faults.following import PARTITIONS
from tests.faults.load import topics
from tests.faults.runs import Runs
from tests.faults.test_exact import ROOT
from tests.peers.kafka import KafkaPeer
from tests.peers.process import Process
from tests.peers.waiting import wait_until_async

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.timeout(420)]

DEADLINE_SECS, CALL_SECS = 30, 0.3
OF_RCA = (
    "worker:polled",
    "evidence:begun",
    "evidence:produced",
    "diagnose:begun",
    "model:in_call",
    "model:answered",
    "diagnose:produced",
    "solve:produced",
    "solve:state_written",
    "review:state_written",
    "critique:produced",
    "critique:acknowledged",
    "worker:in_rebalance",
)
OF_POLICY = (
    "worker:polled",
    "coordinate:produced",
    "coordinate:state_written",
    "coordinate:acknowledged",
    "worker:in_rebalance",
)


class Workers:
    """Of one kind or the other, as child processes."""

    def __init__(self, bootstrap: str, logs: Path) -> None:
        self._bootstrap, self._logs = bootstrap, logs
        self.all: list[Process] = []

    async def start(self, kind: str, **env: str) -> Process:
        command = [sys.executable, "-m", "tests.faults.debate", self._bootstrap, kind]
        command += [str(CALL_SECS), str(DEADLINE_SECS)]
        log = self._logs / f"{kind}-{len(self.all)}.log"
        worker = Process(command, log, env=env, cwd=ROOT).start()
        self.all.append(worker)
        await wait_until_async(lambda: "ready" in worker.output() or not worker.running, 60)
        return worker


@contextmanager
def workers(kafka: KafkaPeer, folder: Path) -> Iterator[Workers]:
    started = Workers(kafka.bootstrap, folder)
    try:
        yield started
    finally:
        for worker in started.all:
            worker.kill()


@pytest.fixture
async def broker(fresh_kafka: KafkaPeer) -> KafkaPeer:
    await apply_topics(KafkaConfig(bootstrap_servers=fresh_kafka.bootstrap), topics(), PARTITIONS)
    return fresh_kafka


@pytest.mark.parametrize(
    ("kind", "other", "points"),
    [
        pytest.param("rca", "policy", OF_RCA, id="rca"),
        pytest.param("policy", "rca", OF_POLICY, id="policy"),
    ],
)
async def test_every_run_ends_once_wherever_its_worker_is_killed(
    kind: str, other: str, points: tuple[str, ...], broker: KafkaPeer, tmp_path: Path
) -> None:
    with workers(broker, tmp_path) as started:
        async with Runs(broker.bootstrap, DEADLINE_SECS) as runs:
            await started.start(other)
            for point in points:
                await kill_at(point, kind, started, runs)
            await started.start(kind)
            await runs.begin(8)
            await runs.until_decided(DEADLINE_SECS + 60)
    ends = runs.check()
    assert ends["COMPLETED"] >= 8, ends
    assert runs.repeated, "kills that nothing had to be repeated for prove nothing"


async def kill_at(point: str, kind: str, started: Workers, runs: Runs) -> None:
    worker = await started.start(kind, AWOOOI_CRASH_AT=f"{point}:{1 if 'rebalance' in point else 3}")
    await runs.begin(8)
    if "rebalance" in point:
        guest = await started.start(kind)
        guest.stop()

    async def gone() -> bool:
        await runs.read()
        return not worker.running

    await wait_until_async(gone, 60, what=f"killed at {point}", every=0)
    assert worker.exit_status == -signal.SIGKILL


async def test_without_anybody_to_speak_every_run_ends_at_its_deadline(
    broker: KafkaPeer, tmp_path: Path
) -> None:
    """The coordinator alone; it is killed with the deadlines armed, and its successor keeps them."""
    with workers(broker, tmp_path) as started:
        async with Runs(broker.bootstrap, deadline_secs=10) as runs:
            first = await started.start("policy", AWOOOI_CRASH_AT="coordinate:acknowledged:6")
            await runs.begin(20)
            await wait_until_async(lambda: not first.running, 30)
            await started.start("policy")
            await runs.until_decided(60)
    assert runs.check() == {"TIMEOUT": 20}


@pytest.mark.parametrize(
    ("guard", "silent"),
    [pytest.param("", False, id="all-guards-on"), pytest.param("order", True, id="state-before-output")],
)
async def test_without_its_guard_the_same_check_finds_a_run_without_an_end(
    guard: str, silent: bool, broker: KafkaPeer, tmp_path: Path
) -> None:
    """Negative control."""
    with workers(broker, tmp_path) as started:
        async with Runs(broker.bootstrap, deadline_secs=6) as runs:
            env = {"AWOOOI_GUARD_OFF": guard, "AWOOOI_CRASH_AT": "coordinate:state_written:1"}
            first = await started.start("policy", **env)
            await runs.begin(1)
            await wait_until_async(lambda: not first.running, 30)
            await started.start("policy")
            await runs.begin(1)
            await runs.until_ended(1 if silent else 2)
            await runs.read(2000)
    if silent:
        with pytest.raises(AssertionError, match="no run without an end"):
            runs.check()
    else:
        runs.check()

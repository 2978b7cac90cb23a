"""Workers killed at every named point of a run, and in rebalances: each run ends exactly once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.faults.runs import Runs
from tests.faults.workers import Workers
from tests.faults.workers import workers as children
from tests.peers.kafka import KafkaPeer

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
    "coordinate:produced",  # once more: the first may have met what an earlier test left on this broker
)


THE_ONE = "the-one"
"""its successor bears the same name, and need not wait for its session to end"""


@contextmanager
def workers(kafka: KafkaPeer, folder: Path) -> Iterator[Workers]:
    limits = str(CALL_SECS), str(DEADLINE_SECS)
    with children(folder, "tests.faults.debate", kafka.bootstrap, *limits) as started:
        yield started


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
            await started.start(other, THE_ONE)
            for point in points:
                await kill_at(point, kind, started, runs)
            await started.start(kind, THE_ONE)
            await runs.begin(8)
            await runs.until_decided(DEADLINE_SECS + 60)
    ends = runs.check()
    assert ends["COMPLETED"] >= 8, ends
    assert runs.repeated, "kills that nothing had to be repeated for prove nothing"


async def kill_at(point: str, kind: str, started: Workers, runs: Runs) -> None:
    crash_at = f"{point}:{1 if 'rebalance' in point else 3}"
    worker = await started.start(kind, THE_ONE, AWOOOI_CRASH_AT=crash_at)
    await runs.begin(8)
    if "rebalance" in point:
        guest = await started.start(kind)
        guest.stop()
    await started.dead(worker, f"killed at {point}", runs.read)


async def test_without_anybody_to_speak_every_run_ends_at_its_deadline(
    broker: KafkaPeer, tmp_path: Path
) -> None:
    """The coordinator alone; it is killed with the deadlines armed, and its successor keeps them."""
    with workers(broker, tmp_path) as started:
        async with Runs(broker.bootstrap, deadline_secs=10) as runs:
            first = await started.start("policy", THE_ONE, AWOOOI_CRASH_AT="coordinate:acknowledged:6")
            await runs.begin(20)
            await started.dead(first)
            await started.start("policy", THE_ONE)
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
            first = await started.start("policy", THE_ONE, **env)
            await runs.begin(1)
            await started.dead(first)
            await started.start("policy", THE_ONE)
            await runs.begin(1)
            await runs.until_ended(1 if silent else 2)
            await runs.read(2000)
    if silent:
        with pytest.raises(AssertionError, match="no run without an end"):
            runs.check()
    else:
        runs.check()

"""The policy worker killed around every point of an approval: a vote counts once, an approval ends once.

What was approved is authorized once; what was not, never.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.approvals import HASH, Approvals, request, soon
from tests.faults.workers import Workers
from tests.faults.workers import workers as children
from tests.peers.kafka import KafkaPeer
from tests.streams.policy import signing
from tests.streams.policy.signing import signers, token

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.timeout(240)]

KILLS = (
    "worker:polled:2",
    "intake:produced:1",
    "approve:produced:2",
    "approve:state_written:2",
    "approve:acknowledged:3",
)
"""before output, between output and state, between state and acknowledgement"""
EXPIRES_SECS = 4
COUNTED = {
    "approved": (["bob", "carol"],),
    "rejected": (["bob", "carol"], ["carol"]),  # his may come after hers, and too late
    "expired": (["bob"], []),  # his may wait for a worker until it has expired itself
}


@contextmanager
def workers(kafka: KafkaPeer, folder: Path) -> Iterator[Workers]:
    """One after the other, under one name."""
    file = folder / "signers.json"
    file.write_text(signers().model_dump_json(exclude_defaults=True))
    with children(folder, "tests.faults.approving", kafka.bootstrap, str(file)) as started:
        yield started


@pytest.fixture(autouse=True)
def _time_of_tokens_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each wave sets it to the real one."""
    monkeypatch.setattr(signing, "SECONDS", signing.SECONDS)


@dataclass
class Wave:
    """Approvals in every phase: whose they end in is known beforehand."""

    number: int

    def id(self, kind: int) -> str:
        return f"INC-20261121-W{self.number:04d}{kind:05d}-A1"

    @property
    def truth(self) -> dict[str, str]:
        return dict(zip(map(self.id, range(4)), ("approved", "rejected", "expired", "approved"), strict=True))

    async def begin(self, approvals: Approvals) -> None:
        """Two are decided at once, one by nobody; the last vote on the fourth comes with the next wave."""
        signing.SECONDS = int(time.time())
        ends = [soon(3600), soon(3600), soon(EXPIRES_SECS), soon(3600)]
        await approvals.ask(*[request(self.id(kind), end) for kind, end in enumerate(ends)])
        short = {"exp": int(ends[2])}
        await approvals.sign(
            made("bob", self.id(0)),
            made("carol", self.id(0)),
            made("bob", self.id(1)),
            made("carol", self.id(1), decision="reject"),
            made("bob", self.id(2), **short),
            made("bob", self.id(3)),
        )

    async def end(self, approvals: Approvals) -> None:
        signing.SECONDS = int(time.time())
        await approvals.sign(made("carol", self.id(3)))


def made(person: str, approval_id: str, **given: object) -> bytes:
    return token(person, approval_id=approval_id, action_hash=HASH, **given)


def check(approvals: Approvals, truth: dict[str, str]) -> None:
    assert not approvals.broken
    for approval_id, end in truth.items():
        assert approvals.ends(approval_id) == Counter({end: 1}), approval_id
        assert len(approvals.authorized(approval_id)) == (end == "approved"), approval_id
        assert approvals.counted(approval_id) in COUNTED[end], approval_id
    assert {len(told) for told in approvals.verdicts.values()} == {1}, "one verdict a signature"


async def test_an_approval_ends_once_wherever_its_worker_is_killed(broker: KafkaPeer, tmp_path: Path) -> None:
    waves = [Wave(number) for number in range(len(KILLS))]
    truth = {approval_id: end for wave in waves for approval_id, end in wave.truth.items()}
    with workers(broker, tmp_path) as started:
        async with Approvals(broker.bootstrap) as approvals:
            for wave, point in zip(waves, KILLS, strict=True):
                worker = await started.start(AWOOOI_CRASH_AT=point)
                await wave.begin(approvals)
                if wave.number:
                    await waves[wave.number - 1].end(approvals)
                await started.dead(worker, point, approvals.read)
            await started.start()
            await waves[-1].end(approvals)
            await approvals.until(lambda: all(map(approvals.ends, truth)), "every approval ended", 60)
            await approvals.until_quiet()
    check(approvals, truth)
    assert approvals.repeated, "kills that nothing had to be repeated for prove nothing"


async def test_without_its_guard_the_same_check_finds_an_approval_without_its_end(
    broker: KafkaPeer, tmp_path: Path
) -> None:
    """Negative control, state before output: killed as the end of an approval is told."""
    asked = Wave(1000).id(0)
    with workers(broker, tmp_path) as started:
        async with Approvals(broker.bootstrap) as approvals:
            signing.SECONDS = int(time.time())
            env = {"AWOOOI_GUARD_OFF": "order", "AWOOOI_CRASH_AT": "approve:state_written:3"}
            first = await started.start(**env)
            await approvals.ask(request(asked, soon(3600)))
            for person in ("bob", "carol"):
                await approvals.sign(vote := made(person, asked))
                await approvals.until_judged([vote])
            await started.dead(first, meanwhile=approvals.read)
            await started.start()
            await approvals.sign(late := made("frank", asked))
            await approvals.until_judged([late])
            await approvals.until_quiet()
    with pytest.raises(AssertionError):
        check(approvals, {asked: "approved"})

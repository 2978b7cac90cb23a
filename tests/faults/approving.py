"""The worker `policy` as a child process, with a signers file of the test's.

`python -m tests.faults.approving BOOTSTRAP SIGNERS_FILE`
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from agents.desk import Desk
from agents.models.model import NoPanel
from agents.playbooks.book import load_book
from awoooi.worker import Worker, WorkerConfig
from connectors.kafka.config import KafkaConfig
from schemas.codec import Codec
from streams.faust_config import EngineConfig
from streams.pipeline import Given, PipelineConfig
from streams.policy.exam import Rules
from streams.policy.verifier import Verifier
from streams.policy.world import world_of
from streams.reference import Reference
from tests.faults.debate import learn
from tests.peers.waiting import wait_until_async

PARTITIONS = 4
PROOF_KEY = b"known to the policy stages alone, and to this test"
AUDIENCE = "production"


def config(bootstrap: str, state: Path, signers: Path) -> WorkerConfig:
    engine = EngineConfig(
        kafka=KafkaConfig(bootstrap_servers=bootstrap),
        group="approving",
        worker="policy",
        partitions=PARTITIONS,
        state_dir=state,
        embedded=True,  # short time-outs
        tick_secs=0.2,
        instance_id="the-one",  # its successor need not wait for its session to end
    )

    def make(codec: Codec, reference: Reference) -> Given:
        return Given(
            codec,
            desk=Desk(load_book(), time.monotonic, NoPanel()),
            world=world_of(codec, reference.current, reference.offset),
            verifier=Verifier(Rules(AUDIENCE), signers),
            proof_key=PROOF_KEY,
        )

    return WorkerConfig("policy", engine, PipelineConfig(), make)


async def main(bootstrap: str, signers: str) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with tempfile.TemporaryDirectory() as state:
        worker = Worker(config(bootstrap, Path(state), Path(signers)), Codec(), learn)
        running = asyncio.ensure_future(worker.run(stop))
        await wait_until_async(lambda: not worker.unready() or running.done(), 120)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await running


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.run(main(*sys.argv[1:3]))

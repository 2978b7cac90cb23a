"""The worker `policy` as a child process, with a signers file of the test's.

`python -m tests.faults.approving BOOTSTRAP SIGNERS_FILE`
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

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
from tests.faults.load import PARTITIONS
from tests.faults.serving import learn, run, serve

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
    await serve(lambda state: [Worker(config(bootstrap, state, Path(signers)), Codec(), learn)])


if __name__ == "__main__":
    run(main(*sys.argv[1:3]))

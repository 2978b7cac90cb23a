"""The worker `execution` as a child process, with real log-ins and switches: `executing.json` says which.

`python -m tests.faults.executing FOLDER NAME GROUP`; SIGUSR1 lets it read where it is to die: `NAME.arm`.
"""

from __future__ import annotations

import asyncio
import secrets
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from agents.sealing import Opener, Sealer
from agents.snapshot import Keys
from awoooi.execution import gateway_of
from awoooi.loading import load
from awoooi.worker import Worker, WorkerConfig
from connectors.executors.assigned import assign
from connectors.kafka.config import KafkaConfig
from connectors.kubernetes.config import ExecutorConfig
from connectors.kubernetes.execution.executor import KubernetesExecutor
from schemas.codec import Codec
from schemas.operations import Operation
from schemas.sabotage import arm, guard_off
from streams import faust_config, pipeline
from streams.execute_needs import ExecuteNeeds
from streams.faust_config import EngineConfig
from streams.pipeline import Given, PipelineConfig
from streams.policy.exam import Rules
from streams.policy.last_word import LastWord
from streams.policy.verifier import Verifier
from streams.policy.world import world_of
from streams.reference import Reference
from tests.faults.load import PARTITIONS
from tests.faults.paper import Paper
from tests.faults.sends_again import SendsAgain
from tests.faults.serving import learn, run, serve

AUDIENCE = "production"
PROOF_KEY = b"known to policy and execution alone, and to this test"
TARGET_KEY = b"t" * 32
SESSION_SECS = 3.0


@dataclass(frozen=True)
class Setup:
    """What all processes of a test share."""

    bootstrap: str
    kubeconfig: str
    signers: str
    paper: str
    claim_secs: int = 3
    call_secs: float = 5.0
    patience: float = 1.0
    """how much longer than else is waited between questions to the target"""

    def write(self, folder: Path) -> None:
        (folder / "executing.json").write_bytes(orjson.dumps(self))

    @classmethod
    def read(cls, folder: Path) -> Setup:
        return cls(**orjson.loads((folder / "executing.json").read_bytes()))


def needs_of(setup: Setup, codec: Codec, reference: Reference) -> ExecuteNeeds:
    kubernetes = ExecutorConfig(clusters={"default": setup.kubeconfig}, call_timeout_secs=setup.call_secs)
    real = SendsAgain(kubernetes) if guard_off("asks_first") else KubernetesExecutor(kubernetes)
    executors = (real, Paper(Path(setup.paper)))
    private = X25519PrivateKey.generate()
    world = world_of(codec, reference.current, reference.offset)
    verifier = Verifier(Rules(AUDIENCE), Path(setup.signers))
    return ExecuteNeeds(
        assign(executors, {Operation.RESTART_JOB: Paper.name}),
        gateway_of(load({}).settings, executors),
        Keys(Opener([private]), Sealer(private.public_key()), TARGET_KEY),
        LastWord(reference, world, verifier, PROOF_KEY),
        time.monotonic,
        lambda secs: asyncio.sleep(secs * setup.patience),
        secrets.token_hex(8),
        claim_secs=setup.claim_secs,
    )


def config(setup: Setup, state: Path, group: str, instance: str) -> WorkerConfig:
    engine = EngineConfig(
        kafka=KafkaConfig(bootstrap_servers=setup.bootstrap),
        group=group,
        worker="execution",
        partitions=PARTITIONS,
        state_dir=state,
        embedded=True,  # short time-outs
        instance_id=instance,
    )

    def make(codec: Codec, reference: Reference) -> Given:
        return Given(codec, execute=needs_of(setup, codec, reference))

    return WorkerConfig("execution", engine, PipelineConfig(), make)


async def begin() -> None:
    """Loaded beforehand, it begins at once when it is told: SIGUSR2."""
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, told.set)
    say("loaded")
    await told.wait()


def listen(file: Path) -> None:
    """A point, and the signal that it sends to this process; nothing disarms it."""

    def read() -> None:
        point, _, number = file.read_text().partition(" ")
        arm(point, signal.Signals(int(number or signal.SIGKILL)))
        say(f"armed {point}")

    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, read)


async def main(folder: Path, name: str, group: str) -> None:
    await begin()
    listen(folder / f"{name}.arm")
    setup, instance = Setup.read(folder), "" if name.startswith("guest") else name
    faust_config.EMBEDDED_TIMEOUTS.update(broker_session_timeout=SESSION_SECS, broker_heartbeat_interval=0.5)
    if guard_off("read_back"):
        without_read_back()
    await serve(lambda state: [Worker(config(setup, state, group, instance), Codec(), learn)])


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def without_read_back() -> None:
    from tests.streams.stages.without_read_back import WithoutReadBack

    stages: Any = pipeline
    stages.Execute = WithoutReadBack


if __name__ == "__main__":
    run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))

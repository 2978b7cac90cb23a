"""The workers `rca` and `policy` as child processes, over scripted agents' models that take their time.

`python -m tests.faults.debate BOOTSTRAP CALL_SECS DEADLINE_SECS KINDS [INSTANCE]`
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from agents.desk import Desk
from agents.models.model import NoModel, Question
from agents.playbooks.book import load_book
from agents.sealing import Opener, Sealer
from agents.snapshot import Keys
from awoooi.worker import Worker, WorkerConfig, ingest_given
from connectors.kafka.config import KafkaConfig
from connectors.tools import GatewayConfig, Grant, Tool
from schemas.codec import Codec
from schemas.sabotage import crash_point
from schemas.tool import Scope
from schemas.turn import Usage
from streams.around import Around
from streams.faust_config import EngineConfig
from streams.known_services import KnownServices
from streams.pipeline import Given, PipelineConfig
from streams.reference import Reference
from streams.stages.evidence import AGENT, EvidenceNeeds
from streams.stages.schedule import ScheduleConfig
from tests.faults.load import PARTITIONS, few_sources
from tests.faults.serving import learn, run, serve


class Slow:
    """A panel that thinks for a while and has no answer, so that rules speak; where told to, it dies."""

    def __init__(self, secs: float) -> None:
        self._secs = secs

    async def ask(self, question: Question[Any]) -> Any:
        crash_point("model:in_call")
        await asyncio.sleep(min(self._secs, question.seconds))
        crash_point("model:answered")
        raise NoModel("it thought and thought", Usage(tokens_in=100, tokens_out=10, calls=1))


def given(secs: float, kind: str) -> Any:
    if kind == "ingest":
        return ingest_given(few_sources())
    desk, key = Desk(load_book(), time.monotonic, Slow(secs)), X25519PrivateKey.generate()
    tool = "topology.around"

    def make(codec: Codec, _: Reference) -> Given:
        needs = EvidenceNeeds(
            (),
            Around(KnownServices(codec), time.monotonic),
            GatewayConfig({tool: Tool(tool, "topology", Scope.READ)}, {AGENT: Grant(Scope.READ)}),
            Keys(Opener([key]), Sealer(key.public_key()), b"k" * 32),
            time.monotonic,
        )
        return Given(codec, evidence=needs, desk=desk)

    return make


def config(
    bootstrap: str, state: Path, kind: str, call_secs: float, deadline_secs: float, instance: str
) -> WorkerConfig:
    engine = EngineConfig(
        kafka=KafkaConfig(bootstrap_servers=bootstrap),
        group=f"debate-{kind}",
        worker=kind,
        partitions=PARTITIONS,
        state_dir=state,
        embedded=True,  # short time-outs: a killed member is missed after seconds
        instance_id=instance,
    )
    pipeline = PipelineConfig(schedule=ScheduleConfig(deadline_secs))
    return WorkerConfig(kind, engine, pipeline, given(call_secs, kind))


async def main(bootstrap: str, call_secs: str, deadline_secs: str, kinds: str, instance: str = "") -> None:
    more = float(call_secs), float(deadline_secs), instance
    await serve(
        lambda state: [
            Worker(config(bootstrap, state, kind, *more), Codec(), learn) for kind in kinds.split(",")
        ]
    )


if __name__ == "__main__":
    run(main(*sys.argv[1:6]))

"""A broker, a policy worker with a signers file of the test's, and a gateway before them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from awoooi.approval_follower import Follower
from awoooi.events import Learn
from connectors.gateway.app import create_app
from connectors.gateway.config import GatewayConfig
from connectors.gateway.signatures import PATH
from connectors.http import HttpClient, Reply
from connectors.kafka.admin import apply_topics
from connectors.kafka.config import KafkaConfig
from connectors.kafka.producer import Publisher
from schemas.codec import Codec
from tests.connectors.gateway.support import SECRET, serving
from tests.connectors.gateway.test_signatures import NoTokens
from tests.faults.following import PARTITIONS
from tests.faults.load import topics
from tests.faults.serving import learn
from tests.faults.workers import ROOT
from tests.peers.fixtures import skip_without_tools
from tests.peers.kafka import KafkaPeer
from tests.peers.process import Process
from tests.streams.policy.signing import signers


@dataclass
class System:
    """A broker and a policy worker, for all tests of this file."""

    kafka: KafkaPeer
    signers: Path
    worker: Process
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(10**6)))

    def approval_id(self) -> str:
        return f"INC-20261121-T{next(self.numbers):09d}-A1"


@contextmanager
def running(folder: Path) -> Iterator[System]:
    registry = folder / "signers.json"
    registry.write_text(signers().model_dump_json(exclude_defaults=True))
    with skip_without_tools("kafka"), KafkaPeer.running(folder=folder / "kafka") as kafka:
        config = KafkaConfig(bootstrap_servers=kafka.bootstrap)
        asyncio.run(apply_topics(config, topics(), PARTITIONS))
        command = [sys.executable, "-m", "tests.faults.approving", kafka.bootstrap, str(registry)]
        with Process(command, folder / "worker.log", cwd=ROOT).start() as worker:
            worker.wait_for_output("ready", 60)
            yield System(kafka, registry, worker)
            worker.kill()


@dataclass
class Gateway:
    port: int
    http: HttpClient

    async def post(self, approval_id: str, made: bytes) -> Reply:
        url = f"http://127.0.0.1:{self.port}{PATH.format(approval_id=approval_id)}"
        return await self.http.request("POST", url, content=made)


@asynccontextmanager
async def open_codec() -> AsyncIterator[tuple[Codec, Learn]]:
    yield Codec(), learn


@asynccontextmanager
async def gateway(kafka: KafkaPeer, folder: Path, **settings: Any) -> AsyncIterator[Gateway]:
    at = KafkaConfig(bootstrap_servers=kafka.bootstrap, request_timeout_secs=3)
    config = GatewayConfig(tokens_file=folder / "tokens.json", stamp_secret=SECRET, **settings)
    publisher = Publisher(at)
    await publisher.start()
    try:
        async with Follower(at, open_codec, PARTITIONS) as follower:
            app = create_app(config, publisher.send, ("grafana",), NoTokens(), approvals=follower)
            async with serving(app) as port, HttpClient(timeout_secs=20) as http:
                yield Gateway(port, http)
    finally:
        await publisher.stop()

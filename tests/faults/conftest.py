"""What several fault tests start."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from connectors.kafka.admin import apply_topics
from connectors.kafka.config import KafkaConfig
from tests.faults.load import PARTITIONS, topics
from tests.peers import KafkaPeer
from tests.peers.tools import skip_without_tools


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaPeer]:
    folder = tmp_path_factory.mktemp("executed")
    with skip_without_tools("kafka"), KafkaPeer.running(folder=folder / "kafka") as kafka:
        asyncio.run(apply_topics(KafkaConfig(bootstrap_servers=kafka.bootstrap), topics(), PARTITIONS))
        yield kafka

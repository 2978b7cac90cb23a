"""What the tests over a real Kafka share."""

from __future__ import annotations

import pytest

from connectors.kafka.config import KafkaConfig
from tests.peers.kafka import KafkaPeer


@pytest.fixture
def broker(kafka: KafkaPeer) -> KafkaConfig:
    return KafkaConfig(bootstrap_servers=kafka.bootstrap)

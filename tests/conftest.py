"""Fixtures for all tests; the peers are described in tests/README.md."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

from tests.peers.counting import PeerCount
from tests.peers.fixtures import (
    alertmanager,
    awoooi,
    fresh_kafka,
    kafka,
    kubernetes,
    ollama,
    prometheus,
    secure_kafka,
    tansu,
    webhook,
)

__all__ = [
    "alertmanager",
    "awoooi",
    "fresh_kafka",
    "kafka",
    "kubernetes",
    "ollama",
    "prometheus",
    "secure_kafka",
    "tansu",
    "webhook",
]


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """A command run in this process sets its logs up for good; the next test must not feel it."""
    logging.getLogger("aiokafka").setLevel(logging.NOTSET)
    yield
    structlog.reset_defaults()


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(PeerCount(), "awoooi-peers")

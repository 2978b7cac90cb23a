"""Fixtures for all tests; the peers are described in tests/README.md."""

from __future__ import annotations

import pytest

from tests.peers.counting import PeerCount
from tests.peers.fixtures import (
    alertmanager,
    awoooi,
    fresh_kafka,
    kafka,
    prometheus,
    secure_kafka,
    tansu,
    webhook,
)

__all__ = ["alertmanager", "awoooi", "fresh_kafka", "kafka", "prometheus", "secure_kafka", "tansu", "webhook"]


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(PeerCount(), "awoooi-peers")

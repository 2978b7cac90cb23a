"""Fixtures for all tests; the peers are described in tests/README.md."""

from __future__ import annotations

import pytest

from tests.peers.fixtures import PeerCount, fresh_kafka, kafka, pytest_collection_modifyitems, secure_kafka

__all__ = ["fresh_kafka", "kafka", "pytest_collection_modifyitems", "secure_kafka"]


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(PeerCount(), "awoooi-peers")

"""One broker and one whole system for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.stack import Stack
from tests.peers.kafka import KafkaPeer
from tests.peers.tools import skip_without_tools


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaPeer]:
    """In place of the one that all other tests share: the topics' names are the real ones here."""
    with skip_without_tools("kafka"):
        running = KafkaPeer.running(folder=tmp_path_factory.mktemp("kafka") / "home")
        peer = running.__enter__()
    try:
        yield peer
    finally:
        running.__exit__(None, None, None)


@pytest.fixture(scope="module")
def stack(kafka: KafkaPeer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack.running(tmp_path_factory.mktemp("stack"), kafka.bootstrap) as running:
        yield running

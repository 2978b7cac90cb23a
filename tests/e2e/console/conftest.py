"""One system and one browser for all tests of the console."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.console.system import ConsoleSystem, running
from tests.peers import tansu
from tests.peers.chromium import ChromiumPeer, binary
from tests.peers.tools import skip_without_tools


@pytest.fixture(scope="package")
def system() -> Iterator[ConsoleSystem]:
    with skip_without_tools("chromium"):
        binary()
    with skip_without_tools("tansu"):
        tansu.binary()
    with running() as system:
        yield system


@pytest.fixture(scope="package")
def chromium(system: ConsoleSystem, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChromiumPeer]:
    """Beside it no test of this process may have an event loop of its own: playwright's runs here."""
    with skip_without_tools("chromium"), ChromiumPeer.running(tmp_path_factory.mktemp("chromium")) as peer:
        yield peer

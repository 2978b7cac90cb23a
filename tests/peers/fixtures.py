"""The peers as pytest fixtures, and how many tests each of them got."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.kafka import KafkaPeer
from tests.peers.tools import skip_without_tools

# fixture -> the peer that it needs
PEER_OF = {
    "kafka": "kafka",
    "fresh_kafka": "kafka",
    "secure_kafka": "kafka",
}


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[KafkaPeer]:
    """The broker that all tests share (name your topics so that they do not meet); never stop this one."""
    given = KafkaPeer.given()
    if given is not None:
        yield given
    else:
        yield from _broker(tmp_path_factory.mktemp("kafka"), request)


@pytest.fixture
def fresh_kafka(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[KafkaPeer]:
    """A broker for this test alone, to be stopped, killed and started as the test likes."""
    yield from _broker(tmp_path / "kafka", request)


@pytest.fixture(scope="session")
def secure_kafka(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[KafkaPeer]:
    """A broker that speaks TLS and SASL only; `login` says how to get in."""
    yield from _broker(tmp_path_factory.mktemp("secure-kafka"), request, secure=True)


def _broker(folder: Path, request: pytest.FixtureRequest, *, secure: bool = False) -> Iterator[KafkaPeer]:
    failed_before = request.session.testsfailed
    with skip_without_tools("kafka"):
        running = KafkaPeer.running(secure=secure, folder=folder)
        peer = running.__enter__()
    try:
        yield peer
    finally:
        running.__exit__(None, None, None)
        if request.session.testsfailed == failed_before:  # the log stays beside a failure
            shutil.rmtree(folder, ignore_errors=True)


def peers_of(item: pytest.Item) -> set[str]:
    return {PEER_OF[name] for name in getattr(item, "fixturenames", ()) if name in PEER_OF}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`-m "not kafka"` leaves out what asks for a Kafka."""
    for item in items:
        for peer in peers_of(item):
            item.add_marker(peer)


class PeerCount:
    """Counts outcomes per peer and prints them at the end of the run."""

    def __init__(self) -> None:
        self._peers: dict[str, set[str]] = {}
        self._outcomes: dict[str, Counter[str]] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._peers = {item.nodeid: peers for item in session.items if (peers := peers_of(item))}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "teardown" and report.passed:
            return  # counted at its call, or at its set-up when it was skipped there
        if report.when == "setup" and report.passed:
            return
        for peer in self._peers.get(report.nodeid, ()):
            self._outcomes.setdefault(peer, Counter())[report.outcome] += 1

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._outcomes:
            terminalreporter.section("tests with real peers")
        for peer, outcomes in sorted(self._outcomes.items()):
            told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
            terminalreporter.line(f"{peer:14} {told}")

"""Which test needs which peer, and how many tests each peer got."""

from __future__ import annotations

import contextlib
from collections import Counter

import pytest

from tests.peers.kubernetes import KubernetesPeer
from tests.peers.kubernetes_build import binaries
from tests.peers.tools import MissingToolError

# fixture -> the peer that it needs
PEER_OF = {
    "kafka": "kafka",
    "fresh_kafka": "kafka",
    "secure_kafka": "kafka",
    "alertmanager": "alertmanager",
    "kubernetes": "kubernetes",
    "ollama": "ollama",
    "prometheus": "prometheus",
    "tansu": "tansu",
}
MARKED = {"kafka", "alertmanager", "kubernetes", "ollama", "prometheus"}  # peers that need more than Python


def peers_of(item: pytest.Item) -> set[str]:
    fixtures: list[str] = getattr(item, "fixturenames", [])
    return {PEER_OF[name] for name in fixtures if name in PEER_OF}


class PeerCount:
    """Marks the tests (`-m "not kafka"`) and prints the outcomes per peer at the end of the run."""

    def __init__(self) -> None:
        self._peers: dict[str, set[str]] = {}
        self._outcomes: dict[str, Counter[str]] = {}

    @pytest.hookimpl(tryfirst=True)  # before -m selects
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            self._peers[item.nodeid] = peers_of(item)
            for peer in self._peers[item.nodeid] & MARKED:
                item.add_marker(peer)
            if item.nodeid.startswith("tests/faults/"):
                item.add_marker("faults")

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Kubernetes takes longer to build than a test may last, so it is built before the first one."""
        wanted = any("kubernetes" in self._peers[item.nodeid] for item in session.items)
        if wanted and not session.config.option.collectonly and KubernetesPeer.given() is None:
            with contextlib.suppress(MissingToolError, RuntimeError):  # its fixture says why
                binaries()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.passed and report.when != "call":
            return  # a set-up or tear-down counts only when it did not pass
        for peer in self._peers.get(report.nodeid, ()):
            self._outcomes.setdefault(peer, Counter())[report.outcome] += 1

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._outcomes:
            terminalreporter.section("tests with real peers")
        for peer, outcomes in sorted(self._outcomes.items()):
            told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
            terminalreporter.line(f"{peer:14} {told}")

"""The peers as pytest fixtures."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.peers import alertmanager as alertmanagers
from tests.peers import program
from tests.peers.alertmanager import AlertmanagerPeer
from tests.peers.kafka import KafkaPeer
from tests.peers.kubernetes import KubernetesPeer
from tests.peers.ollama import OllamaPeer
from tests.peers.process import Process
from tests.peers.prometheus import PrometheusPeer
from tests.peers.tansu import TansuPeer
from tests.peers.tools import skip_without_tools
from tests.peers.webhook import Webhook

Peer = TypeVar("Peer")


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[KafkaPeer]:
    """The broker that all tests share (name your topics so that they do not meet); never stop this one."""
    given = KafkaPeer.given()
    if given is not None:
        yield given
    else:
        yield from _broker(tmp_path_factory.mktemp("kafka") / "home", request)


@pytest.fixture
def fresh_kafka(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[KafkaPeer]:
    """A broker for this test alone, to be stopped, killed and started as the test likes."""
    yield from _broker(tmp_path / "kafka", request)


@pytest.fixture(scope="session")
def secure_kafka(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[KafkaPeer]:
    """A broker that speaks TLS and SASL only; `login` says how to get in."""
    yield from _broker(tmp_path_factory.mktemp("secure-kafka") / "home", request, secure=True)


def _broker(folder: Path, request: pytest.FixtureRequest, *, secure: bool = False) -> Iterator[KafkaPeer]:
    failed_before = request.session.testsfailed
    with ExitStack() as stack:
        yield _start("kafka", stack, KafkaPeer.running(secure=secure, folder=folder))
    if request.session.testsfailed == failed_before:  # beside a failure the log and the data stay
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def tansu(tmp_path: Path) -> Iterator[TansuPeer]:
    """An empty embedded broker for this test."""
    with ExitStack() as stack:
        yield _start("tansu", stack, TansuPeer.running(tmp_path / "tansu"))


@pytest.fixture(scope="session")
def kubernetes(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[KubernetesPeer]:
    """The control plane that all tests share: make namespaces of your own, never stop it."""
    given = KubernetesPeer.given()
    if given is not None:
        yield given
        return
    folder = tmp_path_factory.mktemp("kubernetes") / "home"
    failed_before = request.session.testsfailed
    with ExitStack() as stack:
        yield _start("kubernetes", stack, KubernetesPeer.running(folder))
    if request.session.testsfailed == failed_before:
        shutil.rmtree(folder, ignore_errors=True)


class StartAlertmanager:
    """`alertmanager(webhook_config(url, token))` gives one, `alertmanager.pair(...)` two that gossip."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack, self._count = folder, stack, 0

    def __call__(self, config: Mapping[str, Any]) -> AlertmanagerPeer:
        return self._stack.enter_context(AlertmanagerPeer.running(config, self._next_folder()))

    def pair(self, config: Mapping[str, Any]) -> list[AlertmanagerPeer]:
        return self._stack.enter_context(AlertmanagerPeer.running_pair(config, self._next_folder()))

    def _next_folder(self) -> Path:
        self._count += 1
        return self._folder / f"alertmanager-{self._count}"


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[StartAlertmanager]:
    """Starts Alertmanagers with the test's configuration."""
    with skip_without_tools("alertmanager"):
        alertmanagers.binary()
    with ExitStack() as stack:
        yield StartAlertmanager(tmp_path, stack)


class StartPrometheus:
    """`prometheus(alerting_config(url), rules=[{"alert": "Fires", "expr": "vector(1)"}])`."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack, self._count = folder, stack, 0

    def __call__(
        self, config: Mapping[str, Any], *, rules: Sequence[Mapping[str, Any]] = (), resend_delay: str = "3s"
    ) -> PrometheusPeer:
        self._count += 1
        folder = self._folder / f"prometheus-{self._count}"
        running = PrometheusPeer.running(config, folder, rules=rules, resend_delay=resend_delay)
        return _start("prometheus", self._stack, running)


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[StartPrometheus]:
    """Starts Prometheus servers with the test's configuration and rules."""
    with ExitStack() as stack:
        yield StartPrometheus(tmp_path, stack)


@pytest.fixture(scope="session")
def ollama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OllamaPeer]:
    """An Ollama that has no model."""
    with ExitStack() as stack:
        yield _start("ollama", stack, OllamaPeer.running(tmp_path_factory.mktemp("ollama") / "home"))


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    """A receiver that remembers what it was sent."""
    with Webhook.listening() as receiver:
        yield receiver


StartAwoooi = Callable[..., Process]


@pytest.fixture
def awoooi(tmp_path: Path) -> Iterator[StartAwoooi]:
    """`awoooi("worker", "ingest", env={...})` starts the subcommand; all end with the test."""
    with ExitStack() as stack:

        def start(*arguments: str, env: Mapping[str, str] | None = None, name: str | None = None) -> Process:
            process = program.awoooi(*arguments, folder=tmp_path, env=env, name=name)
            return stack.enter_context(process.start())

        yield start


def _start(peer: str, stack: ExitStack, running: AbstractContextManager[Peer]) -> Peer:
    with skip_without_tools(peer):
        return stack.enter_context(running)

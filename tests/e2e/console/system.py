"""The whole system with a cluster in memory, and people who look at it with a browser."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from anyio.from_thread import start_blocking_portal

from awoooi.demo_alert import NAMESPACE, payload
from awoooi.settings import Settings
from awoooi.stack import own_stack
from connectors.tokens import Role, new_personal_token, new_token
from tests.peers.chromium import Watched
from tests.peers.http import post_json
from tests.peers.waiting import wait_until

EVERYBODY = tuple(Role)


@dataclass
class ConsoleSystem:
    """`awoooi up` as the demo runs it: no model is asked, the executor acts on the cluster in memory."""

    settings: Settings
    _senders: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.settings.gateway.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What another process of the same system is told."""
        settings = self.settings
        return {
            "AWOOOI_STATE_DIR": str(settings.state_dir),
            "AWOOOI_LOG_EPOCH": settings.log_epoch,
            "AWOOOI_KAFKA_BOOTSTRAP_SERVERS": settings.kafka.bootstrap_servers,
            "AWOOOI_STORE_PORT": str(settings.store.port),
        }

    def token(self, person: str, roles: Sequence[Role] = EVERYBODY, projects: Sequence[str] = ()) -> str:
        """A personal one; all projects where none is named."""
        path = self.settings.gateway.tokens_file
        given = {"projects": tuple(projects)} if projects else {}
        token = new_personal_token(path, person, person, tuple(roles), **given)[1]
        wait_until(lambda: self._knows(token), 15, what="a token that the gateway knows", every=0.1)
        return token

    def _knows(self, token: str) -> bool:
        try:
            return bool(self.ask("/session", token)["person"])
        except OSError:  # not yet
            return False

    def send(self, target: str, namespace: str = NAMESPACE, **annotations: str) -> None:
        """An alert about `target`: the demo's story where it is the frontend."""
        body = payload(target, datetime.now(UTC), namespace)
        for alert in body["alerts"]:
            alert["annotations"].update(annotations)
        self.post(body)

    def post(self, body: Mapping[str, Any], project: str = "default") -> None:
        """Until it is taken: a new token is known within a second."""
        if project not in self._senders:
            path = self.settings.gateway.tokens_file
            self._senders[project] = new_token(path, "sender", project=project)[1]
        url = f"{self.origin}/api/v1/webhooks/alertmanager"
        headers = {"Authorization": f"Bearer {self._senders[project]}"}
        wait_until(lambda: _taken(url, body, headers), 15, what="a 202", every=0.2)

    def ask(self, path: str, token: str) -> Any:
        """The API's own answer, as the page gets it."""
        headers = {"Authorization": f"Bearer {token}"}
        with urllib.request.urlopen(
            urllib.request.Request(f"{self.origin}/api/v1{path}", headers=headers), timeout=10
        ) as answer:
            return json.load(answer)


def _taken(url: str, body: object, headers: Mapping[str, str]) -> bool:
    try:
        return post_json(url, body, dict(headers)) == 202
    except OSError:  # a refusal, or nobody there
        return False


@contextmanager
def running() -> Iterator[ConsoleSystem]:
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(own_stack()) as stack:
        yield ConsoleSystem(stack.loaded.settings)


def log_in(window: Watched, token: str, path: str = "") -> None:
    """By the form, as a person does."""
    window.page.goto(f"{window.origin}/console/#{path}")
    window.page.fill("input[name=token]", token)
    window.page.keyboard.press("Enter")
    window.page.wait_for_selector("main#main")


def fits(page: Any) -> bool:
    """Nothing sticks out to the side."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))

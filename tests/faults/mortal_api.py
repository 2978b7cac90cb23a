"""An API server that a test kills in the middle of calls, and starts again over the same store.

It asks the test when a service account's change has come in and again when it is written, and waits for the
answer: that is its audit log, sent over HTTP and blocking. What was done is counted by the store.
"""

from __future__ import annotations

import base64
import contextlib
import json
import threading
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from tests.answering import LOOPBACK, Quiet, answering
from tests.faults.site import Site
from tests.peers import KubernetesPeer
from tests.peers.kubernetes import write_kubeconfig
from tests.peers.process import Process

COME_IN, WRITTEN = "RequestReceived", "ResponseComplete"
"""stages of a call: nothing was done yet; it was done, and not answered"""
LONGEST_HOLD = 60.0


@dataclass(frozen=True)
class Hold:
    """The first change of this object gets no further than this."""

    name: str
    stage: str
    arrived: threading.Event = field(default_factory=threading.Event)


@dataclass
class MortalApi:
    """Only what is needed to take writes: no controllers, no nodes."""

    peer: KubernetesPeer
    store: str
    holds: list[Hold] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def process(self) -> Process:
        return self.peer.processes[1]

    def start(self) -> None:
        self.process.start()
        self.process.wait_until_ready(self.peer.is_ready, timeout=60, what="the API server ready")

    def hold(self, name: str, stage: str) -> Hold:
        self.holds.append(Hold(name, stage))
        return self.holds[-1]

    def kill(self) -> None:
        """-9; nobody is held any more."""
        self.process.kill()
        self.holds.clear()
        self.released.set()
        self.released = threading.Event()

    def changes(self, namespace: str) -> Counter[str]:
        """Deployment → writes of it since it was made. The store counts them, whoever lives or dies."""
        first = f"/registry/deployments/{namespace}/"
        asked = {"key": _base64(first), "range_end": _base64(f"{first[:-1]}0")}  # 0 comes after /
        request = urllib.request.Request(f"{self.store}/v3/kv/range", json.dumps(asked).encode())
        with urllib.request.urlopen(request, timeout=15) as answer:
            found = json.loads(answer.read()).get("kvs", ())
        return Counter({_name(one["key"]): int(one["version"]) - 1 for one in found})

    def seen(self, event: dict[str, Any]) -> None:
        """An audit event; back when the call may go on."""
        released = self.released
        for hold in [*self.holds]:
            if (hold.name, hold.stage) == _place(event) and not hold.arrived.is_set():
                hold.arrived.set()
                released.wait(LONGEST_HOLD)


@dataclass
class Mortal(Site):
    """The API server dies in the middle of calls; the store counts what was done."""

    api: MortalApi

    def done(self) -> Counter[str]:
        changes, authorized = self.api.changes(self.world.namespace), self.executions.authorized
        return Counter(
            {action: changes[event.payload.action.step.target.name] for action, event in authorized.items()}
        )


@contextmanager
def mortal_api(folder: Path) -> Iterator[MortalApi]:
    peer = KubernetesPeer.prepare(folder)
    store, api = peer.processes[:2]
    mortal = MortalApi(peer, _option(api.command, "--etcd-servers"))
    (folder / "audit.yaml").write_text(yaml.safe_dump(_audit_policy()))
    with answering(partial(_Listener, mortal)) as port:
        config = write_kubeconfig(folder / "audit.kubeconfig", f"http://{LOOPBACK}:{port}/", None, "none")
        more = [f"--audit-webhook-config-file={config}", "--audit-webhook-mode=blocking"]
        api.command = [*api.command, *more]
        try:
            store.start()
            mortal.start()
            yield mortal
        finally:
            mortal.kill()
            peer.stop()


class _Listener(Quiet):
    protocol_version = "HTTP/1.1"

    def __init__(self, mortal: MortalApi, *args: Any) -> None:
        self.mortal = mortal
        super().__init__(*args)

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # who was killed needs no answer
            super().handle()

    def do_POST(self) -> None:
        for event in json.loads(self.rfile.read(int(self.headers["Content-Length"])))["items"]:
            self.mortal.seen(event)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()


def _audit_policy() -> dict[str, Any]:
    """Changes of deployments by service accounts."""
    resources = [{"group": "apps", "resources": ["deployments"]}]
    ours = {
        "level": "Metadata",
        "userGroups": ["system:serviceaccounts"],
        "verbs": ["patch"],
        "resources": resources,
    }
    return {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [ours, {"level": "None"}]}


def _place(event: dict[str, Any]) -> tuple[str, str]:
    """Of a trial there is none."""
    trial = "dryRun" in event["requestURI"]
    return ("" if trial else event["objectRef"].get("name", "")), event["stage"]


def _option(command: Sequence[str], name: str) -> str:
    return next(one.removeprefix(f"{name}=") for one in command if one.startswith(f"{name}="))


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _name(key: str) -> str:
    return base64.b64decode(key).decode().rpartition("/")[2]

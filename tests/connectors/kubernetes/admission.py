"""A validating admission webhook over TLS, as a cluster's owner runs one: asked by the real API server."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from tempfile import NamedTemporaryFile
from typing import Any

from connectors.kubernetes import kinds
from tests.answering import LOOPBACK, Quiet, answering
from tests.connectors.kubernetes.worlds import World
from tests.peers import wait_until
from tests.peers.tls import Authority

ADMISSION = "/apis/admissionregistration.k8s.io/v1"
CHANGES = {
    "apiGroups": ["apps"],
    "apiVersions": ["v1"],
    "operations": ["UPDATE"],
    "resources": ["deployments"],
}


def here(world: World) -> dict[str, Any]:
    """In this test's namespace alone."""
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": world.namespace}}}


@dataclass
class TrialsOnly:
    """It lets a dry run pass and refuses the same in earnest, in these words."""

    words: str
    trials: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def review(self, request: dict[str, Any]) -> dict[str, Any]:
        trial = bool(request.get("dryRun"))
        (self.trials if trial else self.refused).append(request["name"])
        status = {} if trial else {"status": {"code": 403, "message": self.words}}
        return {"uid": request["uid"], "allowed": trial, **status}


@contextmanager
def trials_only(world: World, words: str, deployment: str) -> Iterator[TrialsOnly]:
    """In force for changes of this namespace's deployments."""
    webhook, authority, name = TrialsOnly(words), Authority.make(), f"trials-only-{world.namespace}"
    path = f"{ADMISSION}/validatingwebhookconfigurations"
    with answering(partial(_Handler, webhook), tls=_tls(authority)) as port:
        client = {
            "url": f"https://{LOOPBACK}:{port}/",
            "caBundle": base64.b64encode(authority.certificate_pem()).decode(),
        }
        world.peer.ask("POST", path, {"metadata": {"name": name}, "webhooks": [_registered(world, client)]})
        try:
            wait_until(lambda: _asked(world, webhook, deployment), timeout=60, what="the webhook in force")
            yield webhook
        finally:
            world.peer.ask("DELETE", f"{path}/{name}")


def _registered(world: World, client: dict[str, str]) -> dict[str, Any]:
    return {
        "name": "trials-only.example.org",
        "clientConfig": client,
        "rules": [CHANGES],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "failurePolicy": "Fail",
        **here(world),
    }


def _asked(world: World, webhook: TrialsOnly, deployment: str) -> bool:
    path = f"{kinds.DEPLOYMENT.path(world.namespace, deployment)}?dryRun=All"
    world.peer.patch(path, {"spec": {"minReadySeconds": 1}})
    return bool(webhook.trials)


def _tls(authority: Authority) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with NamedTemporaryFile() as pem:
        pem.write(authority.issue_pem(LOOPBACK))
        pem.flush()
        context.load_cert_chain(pem.name)
    return context


class _Handler(Quiet):
    def __init__(self, webhook: TrialsOnly, *args: Any) -> None:
        self.webhook = webhook
        super().__init__(*args)

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        told = {**asked, "request": None, "response": self.webhook.review(asked["request"])}
        answer = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

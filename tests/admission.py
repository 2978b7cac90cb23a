"""A validating admission webhook over TLS, as a cluster's owner runs one: asked by the real API server."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from tempfile import NamedTemporaryFile
from typing import Any

from tests.answering import LOOPBACK, Quiet, answering
from tests.peers import KubernetesPeer
from tests.peers.tls import Authority

ADMISSION = "/apis/admissionregistration.k8s.io/v1"
HOOKS = f"{ADMISSION}/validatingwebhookconfigurations"
CHANGES = {
    "apiGroups": ["apps"],
    "apiVersions": ["v1"],
    "operations": ["UPDATE"],
    "resources": ["deployments"],
}
Judge = Callable[[dict[str, Any]], str]
"""of a request: why it is refused; empty: it is allowed. Many are judged at once, each in a thread."""


def within(namespace: str) -> dict[str, Any]:
    """In this namespace alone."""
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}


@contextmanager
def judging(peer: KubernetesPeer, namespace: str, judge: Judge, timeout_secs: int = 10) -> Iterator[None]:
    """Changes of its deployments, trials too. In force some moments after the block has begun."""
    authority, name = Authority.make(), f"judging-{namespace}"
    with answering(partial(_Reviews, judge), tls=_tls(authority)) as port:
        url, trusted = f"https://{LOOPBACK}:{port}/", base64.b64encode(authority.certificate_pem()).decode()
        webhook = {
            "name": "judging.example.org",
            "clientConfig": {"url": url, "caBundle": trusted},
            "rules": [CHANGES],
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            "failurePolicy": "Fail",
            "timeoutSeconds": timeout_secs,
            **within(namespace),
        }
        peer.ask("POST", HOOKS, {"metadata": {"name": name}, "webhooks": [webhook]})
        try:
            yield
        finally:
            peer.ask("DELETE", f"{HOOKS}/{name}")


def _tls(authority: Authority) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with NamedTemporaryFile() as pem:
        pem.write(authority.issue_pem(LOOPBACK))
        pem.flush()
        context.load_cert_chain(pem.name)
    return context


class _Reviews(Quiet):
    """One after the other on a connection."""

    protocol_version = "HTTP/1.1"

    def __init__(self, judge: Judge, *args: Any) -> None:
        self.judge = judge
        super().__init__(*args)

    def do_POST(self) -> None:
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        why = self.judge(review["request"])
        answer = {"uid": review["request"]["uid"], "allowed": not why}
        answer |= {"status": {"code": 403, "message": why}} if why else {}
        body = json.dumps({**review, "request": None, "response": answer}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

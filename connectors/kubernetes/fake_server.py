"""The fake cluster over HTTP, so that the real client's code runs against it; and trouble on demand."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import yaml

from connectors.kubernetes.fake import FakeCluster, Options, Refused, scale_of
from connectors.kubernetes.fake_select import Plain
from connectors.kubernetes.kinds import ALL, Kind

_PATH = re.compile(
    r"^/apis?/(?P<group>v1|[a-z0-9.]+/v1)"
    r"(/namespaces/(?P<namespace>[^/]+)(?=/))?/(?P<plural>[a-z]+)(/(?P<name>[^/]+)(/(?P<sub>[a-z]+))?)?$"
)
_MERGE, _STRATEGIC = "application/merge-patch+json", "application/strategic-merge-patch+json"
_KINDS: Mapping[tuple[str, str], Kind] = {(kind.group, kind.plural): kind for kind in ALL}
TOKEN = "fake"  # noqa: S105 (nothing is behind it)
_REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_VERBS = {"PATCH": "patch", "PUT": "update", "POST": "create", "DELETE": "delete"}


@dataclass
class Fault:
    """Trouble for the calls whose `METHOD /path?query` holds `on`, `times` times or for good."""

    on: str = ""
    status: int = 200
    body: bytes = b""
    content: str = "application/json"
    delay_secs: float = 0.0
    """how long to wait before anything is said; ends early when the server stops"""
    cut: bool = False
    """the connection ends in the middle of the body"""
    times: int | None = None


@dataclass
class FakeServer:
    """`url` is where it listens; `calls` are the requests so far, as `METHOD /path?query`."""

    cluster: FakeCluster
    token: str = TOKEN
    url: str = ""
    calls: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def kubeconfig(self, path: Path, *, token: str | None = None) -> Path:
        """Written there: how to log in."""
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "fake", "cluster": {"server": self.url}}],
            "users": [{"name": "reader", "user": {"token": token or self.token}}],
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "reader"}}],
            "current-context": "fake",
        }
        path.write_text(yaml.safe_dump(config))
        return path

    def fault_for(self, call: str) -> Fault | None:
        for fault in self.faults:
            if fault.on in call and fault.times != 0:
                fault.times = None if fault.times is None else fault.times - 1
                return fault
        return None

    def answer(self, method: str, path: str, query: Mapping[str, str], content: str, body: Any) -> Plain:
        """What the API server would say; Refused where it says no."""
        if path == "/version":
            return {"major": "1", "minor": "34", "gitVersion": "v1.34.0-fake"}
        if path == _REVIEW:
            return self._review(body)
        found = _PATH.match(path)
        kind = _KINDS.get((found["group"], found["plural"])) if found else None
        if found is None or kind is None:
            raise Refused(404, "NotFound", "the server could not find the requested resource")
        place = {name: unquote(found[name] or "") for name in ("namespace", "name", "sub")}
        self._allow(method, kind, place)
        with self.cluster.lock:
            if method == "GET":
                return self._read(kind, place, query)
            return self._write(method, kind, place, query, content, body)

    def _allow(self, method: str, kind: Kind, place: Mapping[str, str]) -> None:
        verb = _VERBS.get(method) or ("get" if place["name"] else "list")
        if self._denied(verb, kind.plural):
            group = kind.group.rpartition("/")[0]
            space = place["namespace"]
            where = f'in the namespace "{space}"' if space else "at the cluster scope"
            what = f'cannot {verb} resource "{kind.plural}" in API group "{group}" {where}'
            raise Refused(403, "Forbidden", f'{kind.plural} is forbidden: User "fake" {what}')

    def _denied(self, verb: str, plural: str) -> bool:
        return bool(self.cluster.denied & {(verb, plural), ("*", plural), (verb, "*")})

    def _review(self, body: Any) -> Plain:
        asked = body["spec"]["resourceAttributes"]
        allowed = not self._denied(asked["verb"], asked["resource"])
        return {"kind": "SelfSubjectAccessReview", "spec": body["spec"], "status": {"allowed": allowed}}

    def _read(self, kind: Kind, place: Mapping[str, str], query: Mapping[str, str]) -> Plain:
        if not place["name"]:
            return self.cluster.list(
                kind,
                place["namespace"],
                labels=query.get("labelSelector", ""),
                fields=query.get("fieldSelector", ""),
                limit=int(query.get("limit", 0)),
                following=query.get("continue", ""),
            )
        found = self.cluster.get(kind, place["namespace"], place["name"])
        return scale_of(found) if place["sub"] == "scale" else found

    def _write(
        self,
        method: str,
        kind: Kind,
        place: Mapping[str, str],
        query: Mapping[str, str],
        content: str,
        body: Any,
    ) -> Plain:
        cluster, (namespace, name, sub) = self.cluster, place.values()
        sent: Plain = body if isinstance(body, dict) else {}
        options = _options(query, sent.get("deleteOptions", sent) if sub == "eviction" else sent)
        if method == "POST" and sub == "eviction":
            return cluster.evict(namespace, name, options)
        if method == "POST" and not name:
            return cluster.create(kind, namespace, sent, options)
        if method == "DELETE" and name:
            return cluster.delete(kind, namespace, name, options)
        if method in ("PATCH", "PUT") and sub == "scale":
            return cluster.scale(kind, namespace, name, sent, options)
        if method == "PATCH" and name and sub in ("", "status"):
            if content not in (_MERGE, _STRATEGIC):
                raise Refused(415, "UnsupportedMediaType", f"the body of the request was in {content}")
            return cluster.patch(kind, namespace, name, sent, options, strategic=content == _STRATEGIC)
        raise Refused(405, "MethodNotAllowed", "the server does not allow this method on the resource")


@contextmanager
def serving(cluster: FakeCluster, port: int = 0) -> Iterator[FakeServer]:
    """Its address, while the block runs."""
    fake = FakeServer(cluster)
    server = ThreadingHTTPServer(("127.0.0.1", port), partial(_Handler, fake))
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        fake.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _options(query: Mapping[str, str], sent: Plain) -> Options:
    must = sent.get("preconditions") or {}
    dry = query.get("dryRun") == "All" or "All" in (sent.get("dryRun") or ())
    return Options(dry, must.get("uid", ""), must.get("resourceVersion", ""))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, fake: FakeServer, *args: Any) -> None:
        self.fake = fake
        super().__init__(*args)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: `calls` is the log."""

    def __getattr__(self, name: str) -> Any:
        """Every HTTP method alike."""
        if name.startswith("do_"):
            return self.handle_any
        raise AttributeError(name)

    def handle_any(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fake = self.fake
        fake.calls.append(f"{self.command} {self.path}")
        fault = fake.fault_for(fake.calls[-1])
        if fault is not None:
            fake.stopping.wait(fault.delay_secs)
            if fault.body or fault.status != HTTPStatus.OK:
                self._say(fault.status, fault.body, fault.content, cut=fault.cut)
                return
        try:
            answer = self._answer(sent)
            status = HTTPStatus.CREATED if self.command == "POST" else HTTPStatus.OK
            self._say(status, json.dumps(answer).encode(), "application/json")
        except Refused as refused:
            self._say(refused.status, json.dumps(refused.body()).encode(), "application/json")

    def _answer(self, sent: bytes) -> Plain:
        if self.headers.get("Authorization") != f"Bearer {self.fake.token}":
            raise Refused(401, "Unauthorized", "Unauthorized")
        parts, content = urlsplit(self.path), self.headers.get("Content-Type", "")
        try:
            body = json.loads(sent) if sent else None
            return self.fake.answer(self.command, parts.path, dict(parse_qsl(parts.query)), content, body)
        except ValueError as error:
            raise Refused(400, "BadRequest", str(error)) from error

    def _say(self, status: int, body: bytes, content: str, *, cut: bool = False) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        self.close_connection = self.close_connection or cut

"""The fake cluster over HTTP, so that the real client's code runs against it; and trouble on demand."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml

from connectors.kubernetes.fake import FakeCluster, Refused
from connectors.kubernetes.fake_api import Call, FakeApi
from connectors.kubernetes.fake_select import Plain

TOKEN, READER_TOKEN = "fake", "fake-reader"


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
    reader_token: str = READER_TOKEN
    url: str = ""
    calls: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def kubeconfig(self, path: Path, *, reader: bool = False) -> Path:
        """Written there: how to log in, as somebody who may do all or as one who only reads."""
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "fake", "cluster": {"server": self.url}}],
            "users": [{"name": "user", "user": {"token": self.reader_token if reader else self.token}}],
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "user"}}],
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


@contextmanager
def serving(cluster: FakeCluster, port: int = 0) -> Iterator[FakeServer]:
    """Its address, while the block runs."""
    fake = FakeServer(cluster)
    server = _Server(("127.0.0.1", port), partial(_Handler, fake))
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


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    """of five, the sixth caller at once is only heard a second later"""


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

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # who has hung up needs no answer
            super().handle()

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
        fake, token = self.fake, self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in (fake.token, fake.reader_token):
            raise Refused(401, "Unauthorized", "Unauthorized")
        parts, content = urlsplit(self.path), self.headers.get("Content-Type", "")
        query, reader = dict(parse_qsl(parts.query)), token == fake.reader_token
        try:
            body = json.loads(sent) if sent else None
            return FakeApi(fake.cluster).answer(Call(self.command, parts.path, query, content, body, reader))
        except ValueError as error:
            raise Refused(400, "BadRequest", str(error)) from error

    def _say(self, status: int, body: bytes, content: str, *, cut: bool = False) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        self.close_connection = self.close_connection or cut

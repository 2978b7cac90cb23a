"""A webhook receiver that remembers what it was sent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@dataclass(frozen=True)
class Delivery:
    path: str
    headers: Mapping[str, str]
    body: bytes
    answered: int

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Webhook:
    """`status` is what it answers from now on; `deliveries` what came, in order."""

    url: str = ""
    status: int = 200
    deliveries: list[Delivery] = field(default_factory=list)

    @classmethod
    @contextmanager
    def listening(cls) -> Iterator[Webhook]:
        webhook = cls()
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(webhook))
        webhook.url = f"http://127.0.0.1:{server.server_port}/"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield webhook
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def _handler(webhook: Webhook) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status = webhook.status
            webhook.deliveries.append(Delivery(self.path, dict(self.headers), body, status))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet: the deliveries are the log."""

    return Handler

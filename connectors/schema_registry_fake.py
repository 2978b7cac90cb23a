"""A schema registry in memory, served over HTTP: for tests, and for trying things out."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from connectors.schema_registry import CONTENT_TYPE

Answer = tuple[int, dict[str, Any]]


@dataclass
class FakeSchemaRegistry:
    """Ids by schema text, as the real one gives them: one text has one id under every subject."""

    basic_auth: tuple[str, str] | None = None
    subjects: dict[str, list[int]] = field(default_factory=dict)
    schemas: dict[int, str] = field(default_factory=dict)
    incompatible: set[str] = field(default_factory=set)
    """Subjects that refuse any further schema."""
    away: bool = False

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Its address, while the block runs."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, self))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def register(self, subject: str, schema: str) -> Answer:
        known = {text: number for number, text in self.schemas.items()}
        versions = self.subjects.setdefault(subject, [])
        number = known.get(schema, len(self.schemas) + 1)
        if number not in versions:
            if subject in self.incompatible:
                return 409, _error(409, "Schema being registered is incompatible with an earlier schema")
            versions.append(number)
        self.schemas[number] = schema
        return 200, {"id": number}

    def schema(self, number: str) -> Answer:
        text = self.schemas.get(int(number)) if number.isdigit() else None
        return (200, {"schema": text}) if text is not None else (404, _error(40403, "Schema not found"))

    def allows(self, authorization: str) -> bool:
        if self.basic_auth is None:
            return True
        return authorization == "Basic " + base64.b64encode(":".join(self.basic_auth).encode()).decode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, registry: FakeSchemaRegistry, *args: Any) -> None:
        self._registry = registry
        super().__init__(*args)

    def do_GET(self) -> None:
        self._handle(b"")

    def do_POST(self) -> None:
        self._handle(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _handle(self, body: bytes) -> None:
        status, answer = self._answer(body)
        told = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def _answer(self, body: bytes) -> Answer:
        if self._registry.away:
            return 503, _error(50301, "away")
        if not self._registry.allows(self.headers.get("Authorization", "")):
            return 401, _error(401, "Unauthorized")
        match (self.command, *self.path.strip("/").split("/")):
            case ("POST", "subjects", subject, "versions"):
                return self._registry.register(unquote(subject), json.loads(body)["schema"])
            case ("GET", "schemas", "ids", number):
                return self._registry.schema(number)
        return 404, _error(404, "HTTP 404 Not Found")

    def log_message(self, format: str, *args: Any) -> None:
        """Silent."""


def _error(code: int, message: str) -> dict[str, Any]:
    return {"error_code": code, "message": message}

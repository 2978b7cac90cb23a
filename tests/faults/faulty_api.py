"""An API server with trouble on demand: a proxy before the real one, that nobody kills."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from tests.answering import LOOPBACK, Quiet, answering
from tests.peers.kubernetes import write_kubeconfig

WRITES = ("POST", "PUT", "PATCH", "DELETE")
NOT_FORWARDED = ("host", "connection", "content-length", "accept-encoding")
LONGEST_HOLD = 60.0


@dataclass
class Trouble:
    """For the first writes whose path ends so; trials are left alone."""

    on: str
    status: int = 0
    """answered in the server's place"""
    reaches: bool = True
    """the server gets it, whatever is answered"""
    cut: bool = False
    """the connection ends without an answer"""
    before_secs: float = 0.0
    after_secs: float = 0.0
    held: threading.Event | None = None
    """until it is set the call does not go on to the server"""
    away_secs: float = 0.0
    """from then on nobody is answered for so long, as by a server that was killed"""
    times: int = 1
    arrived: threading.Event = field(default_factory=threading.Event)
    abandoned: bool = False
    """who had called was gone before the answer"""


@dataclass
class FaultyApi:
    """`url` speaks plain HTTP; who logs in there is logged in at the server."""

    kubeconfig: Path
    url: str = ""
    troubles: list[Trouble] = field(default_factory=list)
    away_until: float = 0.0

    @property
    def away(self) -> bool:
        return time.monotonic() < self.away_until

    def login_of(self, kubeconfig: Path, path: Path) -> Path:
        """The same log-in through the proxy."""
        token = yaml.safe_load(kubeconfig.read_text())["users"][0]["user"]["token"]
        return write_kubeconfig(path, self.url, None, token)

    def add(self, trouble: Trouble) -> Trouble:
        self.troubles.append(trouble)
        return trouble

    def trouble_for(self, method: str, path: str) -> Trouble | None:
        if method not in WRITES or "dryRun" in path:
            return None
        for trouble in self.troubles:
            if trouble.times and path.partition("?")[0].endswith(trouble.on):
                trouble.times -= 1
                return trouble
        return None

    def connect(self) -> http.client.HTTPConnection:
        cluster = yaml.safe_load(self.kubeconfig.read_text())["clusters"][0]["cluster"]
        context = ssl.create_default_context(cafile=cluster["certificate-authority"])
        return http.client.HTTPSConnection(str(urlsplit(cluster["server"]).netloc), context=context)


@contextmanager
def faulty_api(kubeconfig: Path) -> Iterator[FaultyApi]:
    faulty = FaultyApi(kubeconfig)
    with answering(partial(_Handler, faulty)) as port:
        faulty.url = f"http://{LOOPBACK}:{port}"
        yield faulty


class _Handler(Quiet):
    """One client's connection, and one of its own to the server."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, faulty: FaultyApi, *args: Any) -> None:
        self.faulty, self.server_side = faulty, faulty.connect()
        super().__init__(*args)

    def __getattr__(self, name: str) -> Any:
        """Every HTTP method alike."""
        if name.startswith("do_"):
            return self.handle_any
        raise AttributeError(name)

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # who was killed needs no answer
            super().handle()
        self.server_side.close()

    def handle_any(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        trouble = self.faulty.trouble_for(self.command, self.path) or Trouble("")
        trouble.arrived.set()
        if self.faulty.away:
            self.close_connection = True
            return
        self.faulty.away_until = time.monotonic() + trouble.away_secs
        if trouble.held is not None:
            trouble.held.wait(LONGEST_HOLD)
        _pause(trouble.before_secs)
        status, answer = self._forwarded(sent) if trouble.reaches else (0, b"")
        _pause(trouble.after_secs)
        trouble.abandoned = self._is_abandoned()
        if trouble.cut:
            self.close_connection = True
            return
        self._say(*(_refusal(trouble.status) if trouble.status else (status, answer)))

    def _is_abandoned(self) -> bool:
        try:
            return self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except ConnectionError:
            return True

    def _forwarded(self, sent: bytes) -> tuple[int, bytes]:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in NOT_FORWARDED}
        self.server_side.request(self.command, self.path, sent or None, headers)
        answer = self.server_side.getresponse()
        return answer.status, answer.read()

    def _say(self, status: int, answer: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        if status == http.HTTPStatus.TOO_MANY_REQUESTS:
            self.send_header("Retry-After", "1")
        self.end_headers()
        self.wfile.write(answer)


def _pause(secs: float) -> None:
    if secs:
        threading.Event().wait(secs)


def _refusal(status: int) -> tuple[int, bytes]:
    told = {"kind": "Status", "status": "Failure", "code": status, "message": f"trouble on demand: {status}"}
    return status, json.dumps(told).encode()

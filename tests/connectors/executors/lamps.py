"""A lamp that can be turned on and off by a program or over HTTP, and a ledger of whoever did it."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.answering import LOOPBACK, Quiet, answering

TURN = """#!/bin/sh
cd "{folder}"
echo "$AWOOOI_ACTION_ID" >> ledger
echo "$2" > state
echo "the lamp of $1 is $2"
"""
WAIT = """#!/bin/sh
echo begun >> "{folder}/ledger"
echo "$HOME" > "{folder}/home"
sleep 60 & echo $! > "{folder}/child"
wait
"""
DONE = """#!/bin/sh
touch "{folder}/ledger"; grep -qx "$AWOOOI_ACTION_ID" "{folder}/ledger"
"""
IS = """#!/bin/sh
grep -qx "$1" "{folder}/state"
"""


@dataclass
class Lamp:
    """Its programs, and its state, in a folder."""

    folder: Path

    def __post_init__(self) -> None:
        for name, text in {"turn": TURN, "wait": WAIT, "done": DONE, "is": IS}.items():
            self.program(name, text.format(folder=self.folder))
        (self.folder / "state").write_text("off\n")

    def program(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    @property
    def state(self) -> str:
        return (self.folder / "state").read_text().strip()

    @property
    def ledger(self) -> list[str]:
        path = self.folder / "ledger"
        return path.read_text().split() if path.exists() else []


@dataclass
class Answer:
    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class LampServer:
    """`POST /lamps/{owner}/{state}` turns it; a key that was seen before does nothing."""

    url: str = ""
    state: str = "off"
    ledger: list[str] = field(default_factory=list)
    seen: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    """method, path, headers, body of every request"""
    trouble: list[Answer] = field(default_factory=list)
    """what the next ones that would turn it are answered instead"""
    stopping: threading.Event = field(default_factory=threading.Event)

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        self.seen.append((method, path, headers, body))
        where = path.partition("?")[0].strip("/").split("/")
        if where[0] == "slow":
            self.stopping.wait(60)
        if method == "GET" and where[0] == "actions":
            done = where[1] in self.ledger
            return _told({"state": "done" if done else "unknown"}, 200 if done else 404)
        if method == "GET":
            return _told({"lamp": {"state": self.state}, "users": [{"name": "x"}]})
        if self.trouble:
            return self.trouble.pop(0)
        key = headers.get("Idempotency-Key", "")
        if key not in self.ledger:
            self.ledger.append(key)
            self.state = where[2]
        return _told({"said": f"the lamp of {where[1]} is {where[2]}"})


@contextmanager
def lamp_server(tls: ssl.SSLContext | None = None) -> Iterator[LampServer]:
    lamp = LampServer()
    with answering(partial(_Handler, lamp), tls=tls) as port:
        lamp.url = f"http{'s' if tls else ''}://{LOOPBACK}:{port}"
        try:
            yield lamp
        finally:
            lamp.stopping.set()


class _Handler(Quiet):
    def __init__(self, lamp: LampServer, *args: object) -> None:
        self.lamp = lamp
        super().__init__(*args)  # type: ignore[arg-type]

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = self.lamp.answer(self.command, self.path, dict(self.headers), body)
        if answer.status == 0:  # hangs up
            self.connection.close()
            return
        self.send_response(answer.status)
        for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any  # noqa: N815  as the standard library calls them


def _told(body: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(body).encode())

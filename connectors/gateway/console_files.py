"""The console's static files, and the headers that keep a browser from running anything else.

What may be served is what lies in the folder under a plain name; a path is never put together before its
name has been looked at.

The start page names its files under an address that stands for the content of all of them: a browser keeps
what it has loaded from there, and asks again only for another edition.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from starlette.types import Receive, Scope, Send

from connectors.gateway.problems import PROBLEM_CONTENT, problem
from connectors.gateway.webhooks import answer

FOLDER = Path(__file__).parent / "console"
PATHS = ("/", "/console", "/console/", "/console/{file:path}")
START = "index.html"
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
"""LICENSE files are told as text"""
_NAME = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9_.-]*/){0,4}[A-Za-z0-9_-][A-Za-z0-9_.-]*")
"""no part begins with a dot: neither a hidden file nor the folder above"""
_IN_EDITION = re.compile(r"edition/([0-9a-f]{32})/(.+)", re.DOTALL)
_NAMED = re.compile(rb'(?<=[ ]src=")[^":]+(?=")|(?<=[ ]href=")[^":]+(?=")')
"""on the start page: files of ours, by their names in the folder"""
KEPT, ASKED_AGAIN = "public, max-age=31536000, immutable", "no-cache"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src {}; "
    "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

Origins = Callable[[], Collection[str]]
"""where the page may ask beside us: the issuer that people log in at"""


@dataclass(frozen=True, slots=True)
class Page:
    content: bytes
    kind: str
    etag: str
    seen: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Edition:
    """The files that the start page names, as they were at one moment."""

    name: str
    start: Page
    etags: Mapping[str, str]


class ConsoleFiles:
    """ASGI endpoint. Files are read when they are first asked for, and again when they have changed."""

    def __init__(self, folder: Path = FOLDER, origins: Origins = tuple) -> None:
        self._folder, self._origins = folder.resolve(), origins
        self._pages: dict[str, Page] = {}
        self._edition: Edition | None = None

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        if not scope["path"].startswith("/console/"):
            await answer(send, 307, b"", b"text/plain", {"Location": "/console/", **self._guards()})
            return
        page, kept = self._asked_for(str(scope["path_params"].get("file", "")) or START)
        if page is None:
            told = problem(404, "the console has no such file; it begins at /console/")
            await answer(send, 404, told, PROBLEM_CONTENT.encode(), self._guards())
            return
        headers = {**self._guards(), "ETag": page.etag, "Cache-Control": KEPT if kept else ASKED_AGAIN}
        if page.etag.encode() in dict(scope["headers"]).get(b"if-none-match", b""):
            await answer(send, 304, b"", page.kind.encode(), headers)
            return
        await answer(send, 200, page.content, page.kind.encode(), headers)

    def _asked_for(self, name: str) -> tuple[Page | None, bool]:
        """And whether it stays what it is at this address.

        The page of another gateway may name another edition, while they are replaced: it gets what there is.
        """
        if name == START:
            self._edition = self._present()
            return (self._edition.start if self._edition else None), False
        wanted = _IN_EDITION.fullmatch(name)
        if wanted is None:
            return self.find(name), False
        self._edition = self._edition or self._present()
        page, edition = self.find(wanted[2]), self._edition
        is_it = edition is not None and edition.name == wanted[1]
        return page, bool(page and edition and is_it and edition.etags.get(wanted[2]) == page.etag)

    def _present(self) -> Edition | None:
        start = self.find(START)
        if start is None:
            return None
        named = {name.decode(): self.find(name.decode()) for name in _NAMED.findall(start.content)}
        etags = {name: page.etag for name, page in named.items() if page is not None}
        name = _digest(repr((start.etag, sorted(etags.items()))).encode())
        if self._edition and self._edition.name == name:
            return self._edition
        content = _NAMED.sub(lambda found: f"edition/{name}/".encode() + found[0], start.content)
        return Edition(name, replace(start, content=content, etag=f'"{_digest(content)}"'), etags)

    def find(self, name: str) -> Page | None:
        if not _NAME.fullmatch(name):
            return None
        path = self._folder / name
        kind = KINDS[".txt"] if path.name.startswith("LICENSE") else KINDS.get(path.suffix)
        try:
            if kind is None or not path.resolve().is_relative_to(self._folder) or not path.is_file():
                return None
            found = path.stat()
            page, seen = self._pages.get(name), (found.st_mtime_ns, found.st_size)
            if page is None or page.seen != seen:
                page = self._pages[name] = _read(path, kind, seen)
            return page
        except OSError:
            return None

    def _guards(self) -> dict[str, str]:
        return {
            "Content-Security-Policy": _POLICY.format(" ".join(["'self'", *self._origins()])),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        }


def _read(path: Path, kind: str, seen: tuple[int, int]) -> Page:
    content = path.read_bytes()
    return Page(content, kind, f'"{_digest(content)}"', seen)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def described(document: dict[str, Any]) -> None:
    """The one path that a reader of the OpenAPI document wants to know of."""
    html = {"text/html": {"schema": {"type": "string"}}}
    document["paths"]["/console/"] = {
        "get": {
            "operationId": "console",
            "summary": "the console, static files; it asks this API with its user's token",
            "responses": {"200": {"description": "its start page", "content": html}},
        }
    }

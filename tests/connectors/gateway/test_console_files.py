"""The console's files over HTTP: what is served, under which policy, and what lies beside it and is not."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from connectors.gateway.console_files import FOLDER, PATHS, ConsoleFiles
from connectors.http import HttpClient, Reply
from tests.connectors.gateway.support import raw_answer, serving

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "font-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    """A console of a few files, and what must not be served beside and in it."""
    folder = tmp_path / "console"
    (folder / "deep").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>AWOOOI</title>")
    (folder / "deep" / "page.js").write_text("export const one = 1;")
    (folder / "LICENSE-x").write_text("MIT")
    (folder / ".hidden.js").write_text("secret")
    (folder / "notes.py").write_text("secret")
    (tmp_path / "secret.js").write_text("secret")
    (folder / "outside.js").symlink_to(tmp_path / "secret.js")
    files = ConsoleFiles(folder)
    app = Starlette(routes=[Route(path, files, methods=["GET"]) for path in PATHS])
    async with serving(app) as port:
        yield port


async def get(port: int, path: str, **headers: str) -> Reply:
    async with HttpClient() as http:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        return await http.get(f"http://127.0.0.1:{port}{path}", told)


async def test_the_start_page_comes_under_a_strict_policy(port: int) -> None:
    answer = await get(port, "/console/")

    said = answer.headers["content-security-policy"].split("; ")
    assert dict(part.split(" ", 1) for part in said) == POLICY
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert b"AWOOOI" in answer.body


@pytest.mark.parametrize("path", ["/", "/console"])
async def test_who_comes_to_the_door_is_led_there(port: int, path: str) -> None:
    answer = await get(port, path)

    assert (answer.status, answer.headers["location"]) == (307, "/console/")


async def test_a_file_comes_with_its_kind_and_only_when_it_has_changed(port: int) -> None:
    first = await get(port, "/console/deep/page.js")
    again = await get(port, "/console/deep/page.js", if_none_match=first.headers["etag"])
    other = await get(port, "/console/deep/page.js", if_none_match='"another"')

    assert first.headers["content-type"].startswith("text/javascript")
    assert first.headers["cache-control"] == "no-cache"
    assert (again.status, again.body) == (304, b"")
    assert (other.status, other.body) == (200, first.body)
    assert (await get(port, "/console/LICENSE-x")).headers["content-type"].startswith("text/plain")


NOT_SERVED = [
    "/console/../secret.js",
    "/console/deep/../../secret.js",
    "/console/..%2fsecret.js",
    "/console/%2e%2e/secret.js",
    "/console/%2e%2e%2fsecret.js",
    "/console/..%5csecret.js",
    "/console/....//secret.js",
    "/console//etc/passwd",
    "/console/%2fetc%2fpasswd",
    "/console/.hidden.js",
    "/console/deep/./page.js",
    "/console/deep//page.js",
    "/console/notes.py",
    "/console/outside.js",
    "/console/deep",
    "/console/deep/",
    "/console/index.html%00.js",
    "/console/index.html%0d%0aX: y",
    "/console/" + "a/" * 50 + "b.js",
    "/console/" + "a" * 5000 + ".js",
    "/console/%ff%fe.js",
    "/console/index.html.",
    "/console/INDEX.HTML",
]


@pytest.mark.parametrize("path", NOT_SERVED, ids=lambda path: path[:40])
async def test_nothing_else_is_served(port: int, path: str) -> None:
    """As it is written: no client tidies the path up before."""
    request = f"GET {path.replace(' ', '%20')} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    answer = await raw_answer(port, request.encode("latin-1"))

    assert re.match(rb"HTTP/1.1 (404|307|400) ", answer), answer[:80]
    assert b"secret" not in answer.partition(b"\r\n\r\n")[2]
    assert b"\r\nX: y" not in answer


async def test_a_file_that_changes_is_served_anew(tmp_path: Path) -> None:
    files = ConsoleFiles(tmp_path)
    (tmp_path / "a.js").write_text("1")
    first = files.find("a.js")
    (tmp_path / "a.js").write_text("22")
    second = files.find("a.js")
    (tmp_path / "a.js").unlink()

    assert first is not None
    assert second is not None
    assert (second.content, files.find("a.js")) == (b"22", None)
    assert first.etag != second.etag


def test_every_file_of_the_console_is_served() -> None:
    """A name or a kind that the door does not know would be missing in the browser alone."""
    files = ConsoleFiles()
    lying = [path for path in FOLDER.rglob("*") if path.is_file() and path.suffix != ".md"]

    assert len(lying) > 10
    for path in lying:
        assert files.find(path.relative_to(FOLDER).as_posix()) is not None, path

"""The console's files over HTTP: what is served, under which policy, and what lies beside it and is not."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from connectors.gateway.console_files import ASKED_AGAIN, FOLDER, KEPT, PATHS, ConsoleFiles
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


# -- editions


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deep").mkdir()
    (tmp_path / "index.html").write_text('<link rel="x" href="a.css" /><script src="deep/b.js"></script>')
    (tmp_path / "a.css").write_text("a {}")
    (tmp_path / "deep" / "b.js").write_text("1")
    (tmp_path / "beside.js").write_text("1")
    return tmp_path


async def served(files: ConsoleFiles, name: str) -> tuple[int, str, bytes]:
    """Status, how long it is kept, content."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any: ...

    path = {"path": f"/console/{name}", "path_params": {"file": name}}
    await files({"type": "http", "headers": [], **path}, receive, send)
    headers = dict(sent[0]["headers"])
    return sent[0]["status"], headers.get(b"cache-control", b"").decode(), sent[1]["body"]


async def named(files: ConsoleFiles) -> list[str]:
    """By the start page."""
    return re.findall(r'(?:href|src)="([^"]+)"', (await served(files, ""))[2].decode())


async def test_what_the_start_page_names_is_kept_and_the_page_is_not(folder: Path) -> None:
    files = ConsoleFiles(folder)

    css, js = await named(files)

    assert re.fullmatch(r"edition/[0-9a-f]{32}/a\.css", css)
    assert js == css.replace("a.css", "deep/b.js")
    assert await served(files, css) == (200, KEPT, b"a {}")
    assert await served(files, js) == (200, KEPT, b"1")
    assert await served(ConsoleFiles(folder), js) == (200, KEPT, b"1"), "another gateway's page named it"
    assert [(await served(files, name))[1] for name in ("", "index.html", "a.css")] == [ASKED_AGAIN] * 3


async def test_what_has_changed_stands_at_another_address(folder: Path) -> None:
    files = ConsoleFiles(folder)
    _, before = await named(files)
    (folder / "deep" / "b.js").write_text("22")
    at_the_old = await served(files, before)
    _, after = await named(files)

    assert at_the_old == (200, ASKED_AGAIN, b"22")
    assert await served(files, before) == (200, ASKED_AGAIN, b"22")
    assert (before != after, await served(files, after)) == (True, (200, KEPT, b"22"))


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("edition/{other}/a.css", 200),
        ("edition/{edition}/beside.js", 200),
        ("edition/{edition}/none.js", 404),
        ("edition/{edition}/../a.css", 404),
        ("edition/{edition}/edition/{edition}/a.css", 404),
        ("edition/{edition}/", 404),
        ("edition/a.css", 404),
    ],
)
async def test_nothing_but_an_edition_s_own_files_is_kept(folder: Path, name: str, status: int) -> None:
    files = ConsoleFiles(folder)
    edition = (await named(files))[0].split("/")[1]

    found = await served(files, name.format(edition=edition, other="0" * 32))

    assert found[:2] == (status, ASKED_AGAIN if status == 200 else "")


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
    "/console/edition/00000000000000000000000000000000/../secret.js",
    "/console/edition/00000000000000000000000000000000/outside.js",
    "/console/edition/00000000000000000000000000000000/.hidden.js",
    "/console/edition/00000000000000000000000000000000//etc/passwd",
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

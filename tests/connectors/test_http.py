"""The one HTTP client: bounded, and every failure of the network in our words."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from connectors.http import HttpClient, Reply, Silent, Streaming, Unreachable
from schemas.errors import Misconfigured, Never, NotNow, Unreadable
from tests.peers import free_port
from tests.peers.tls import Authority

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@asynccontextmanager
async def answering(
    answer: bytes, *, silent: bool = False, tls: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    """A server that says this to anybody."""

    async def answer_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if silent:
            await reader.read()
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer_one, "127.0.0.1", 0, ssl=tls)
    scheme = "http" if tls is None else "https"
    try:
        yield f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/secret-path"
    finally:
        server.close()


async def test_a_good_answer_comes_whole() -> None:
    async with answering(OK) as url, HttpClient() as http:
        reply = await http.get(url)

    assert (reply.status, reply.ok, reply.json()) == (200, True, {})


async def test_a_status_that_means_trouble_is_left_to_the_caller() -> None:
    answer = b"HTTP/1.1 503 Away\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n"
    async with answering(answer) as url, HttpClient() as http:
        reply = await http.post(url, b"x")

    assert (reply.status, reply.ok, reply.headers["retry-after"]) == (503, False, "3")


@pytest.mark.parametrize(
    ("answer", "silent"),
    [
        pytest.param(b"", False, id="hangs up"),
        pytest.param(b"no HTTP at all\r\n\r\n", False, id="speaks something else"),
        pytest.param(OK[:-1], False, id="ends too early"),
        pytest.param(OK, True, id="says nothing"),
    ],
)
async def test_no_whole_answer_is_not_now(answer: bytes, silent: bool) -> None:
    async with answering(answer, silent=silent) as url, HttpClient(timeout_secs=0.3) as http:
        with pytest.raises(NotNow, match=r"127\.0\.0\.1:\d+ does not answer") as error:
            await http.get(url)
    assert "secret-path" not in str(error.value)


async def test_nobody_there_is_not_now() -> None:
    async with HttpClient() as http:
        with pytest.raises(NotNow):
            await http.get(f"http://127.0.0.1:{free_port()}/")


@pytest.mark.parametrize("url", ["ftp://example/", "nonsense", "http://", "http://a:b/"])
async def test_an_address_that_is_none_is_never(url: str) -> None:
    async with HttpClient() as http:
        with pytest.raises(Never):
            await http.get(url)


async def test_an_endless_answer_is_given_up() -> None:
    endless = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100_000
    async with answering(endless) as url, HttpClient(max_answer_bytes=1000) as http:
        with pytest.raises(Never, match="over 1000 bytes"):
            await http.get(url)


async def test_a_redirect_is_not_followed() -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://example/\r\nContent-Length: 0\r\n\r\n"
    async with answering(moved) as url, HttpClient(basic_auth=("u", "p")) as http:
        assert (await http.get(url)).status == 302


# -- whom it trusts


@pytest.fixture
def authority() -> Authority:
    return Authority.make()


@asynccontextmanager
async def behind_tls(authority: Authority, folder: Path) -> AsyncIterator[str]:
    (folder / "server.pem").write_bytes(authority.issue_pem("127.0.0.1"))
    (folder / "ca.pem").write_bytes(authority.certificate_pem())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "server.pem")
    async with answering(OK, tls=context) as url:
        yield url


async def test_an_authority_of_the_settings_is_trusted(authority: Authority, tmp_path: Path) -> None:
    async with (
        behind_tls(authority, tmp_path) as url,
        HttpClient(ca_file=str(tmp_path / "ca.pem")) as http,
    ):
        assert (await http.get(url)).ok


async def test_an_unknown_authority_is_not_trusted(authority: Authority, tmp_path: Path) -> None:
    async with behind_tls(authority, tmp_path) as url, HttpClient() as http:
        with pytest.raises(NotNow, match="certificate"):
            await http.get(url)


@pytest.mark.parametrize("content", [None, "no certificate"], ids=["not there", "no PEM"])
def test_a_file_of_authorities_that_is_none_is_told(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)

    with pytest.raises(Misconfigured, match=f"ca_file: {path}"):
        HttpClient(ca_file=str(path))


# -- an answer that is read as it comes


@asynccontextmanager
async def streamed(
    url: str, headers: dict[str, str] | None = None, *, max_bytes: int = 1000, silence_secs: float = 5.0
) -> AsyncIterator[Streaming]:
    async with (
        HttpClient(max_answer_bytes=max_bytes) as http,
        http.stream(url, b"{}", headers, connect_secs=1.0, silence_secs=silence_secs) as answer,
    ):
        yield answer


async def test_lines_come_as_they_were_sent() -> None:
    body = "one\r\n\ntwo\u2028still two\x85\nlast".encode()
    async with answering(b"HTTP/1.1 200 OK\r\n\r\n" + body) as url, streamed(url) as answer:
        lines = [line async for line in answer.lines()]

    assert lines == [b"one\r", b"", "two\u2028still two\x85".encode(), b"last"]


async def test_an_endless_stream_is_given_up() -> None:
    endless = b"HTTP/1.1 200 OK\r\n\r\n" + b"x\n" * 5000
    async with answering(endless) as url:
        with pytest.raises(Never, match="over 1000 bytes"):
            async with streamed(url) as answer:
                _ = [line async for line in answer.lines()]


async def test_the_beginning_of_a_body_is_enough_for_an_error() -> None:
    endless = b"HTTP/1.1 500 Oh\r\n\r\n" + b"x" * 5000
    async with answering(endless) as url, streamed(url, max_bytes=10_000) as answer:
        assert (answer.ok, await answer.beginning(10)) == (False, b"x" * 10)


async def test_silence_and_nobody_there_are_told_apart() -> None:
    async with answering(OK, silent=True) as url:
        with pytest.raises(Silent, match="fell silent"):
            async with streamed(url, silence_secs=0.2):
                pass
    with pytest.raises(Unreachable):
        async with streamed(f"http://127.0.0.1:{free_port()}/"):
            pass


async def test_a_header_that_cannot_be_sent_is_not_shown() -> None:
    async with answering(OK) as url:
        with pytest.raises(Never) as caught:
            async with streamed(url, {"x-api-key": "secret\nkey"}):
                pass

    assert "secret" not in str(caught.value)


def test_no_json_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        Reply(200, {}, b"{").json()


def test_every_error_of_httpx_is_one_that_we_catch() -> None:
    """What `request` can raise: the rest is about redirects, streams and cookies, which we do not use."""
    unused = {httpx.StreamError, httpx.CookieConflict, httpx.InvalidURL}
    roots = {kind for kind in vars(httpx).values() if isinstance(kind, type) and issubclass(kind, Exception)}

    left = {
        kind.__name__
        for kind in roots
        if not issubclass(kind, httpx.HTTPError) and not any(issubclass(kind, known) for known in unused)
    }
    assert left == set()

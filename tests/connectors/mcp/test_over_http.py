"""A server at an address: streamable HTTP, and answers that no server should give."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from pydantic import SecretStr

from connectors.evidence import Unavailable
from connectors.executors.contract import End, Happened
from connectors.kubernetes.fake import FakeCluster
from connectors.kubernetes.fake_server import serving
from connectors.mcp.config import McpConfig, ServerConfig
from connectors.mcp.executor import McpExecutor
from connectors.mcp.kubernetes_tools import KubernetesTools
from connectors.mcp.listing import Expected
from connectors.mcp.server import McpServer, Unanswered
from connectors.mcp.serving import make_server
from schemas.operations import Operation
from tests.connectors.kubernetes.orders import always, executing, order
from tests.connectors.kubernetes.worlds import fake_world
from tests.peers import free_port, wait_until_async

TOKEN = "let-me-in-0123456789"


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="critical", lifespan="on"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()

    async def started() -> bool:
        return server.started

    await wait_until_async(started, timeout=10, what="the server")
    try:
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        server.should_exit = True
        thread.join(5)


def with_token(app: Any) -> Any:
    """No other way in."""

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            given = dict(scope["headers"]).get(b"authorization", b"").decode()
            if given != f"Bearer {TOKEN}":
                await send({"type": "http.response.start", "status": 401, "headers": []})
                await send({"type": "http.response.body", "body": b""})
                return
        await app(scope, receive, send)

    return asgi


async def test_an_operation_over_http(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    with serving(FakeCluster()) as fake:
        world = fake_world(fake, tmp_path)
        world.deploy("api", replicas=1)
        wanted = order(world, Operation.SCALE_DEPLOYMENT, "deployment", "api", replicas=2)
        async with executing(world.peer.kubeconfig) as behind:
            app = make_server(KubernetesTools(behind), "test").streamable_http_app()
            async with served(with_token(app)) as url:
                known = ServerConfig(url=url, token_file=tmp_path / "token")
                executor = McpExecutor(McpConfig(), known, [Operation.SCALE_DEPLOYMENT])
                checked = await executor.check(wanted)
                assert checked.observed is not None
                done = await executor.execute(wanted, checked.observed.hash, always)
                probed = await executor.probe(wanted, checked.observed.hash, done.observed)
                await executor.close()

                stranger = McpServer("stranger", ServerConfig(url=url))
                with pytest.raises(Unavailable, match="the MCP server stranger"):
                    await stranger.offered()
                await stranger.close()

    assert (done.end, done.message, probed.happened) == (End.DONE, "", Happened.YES)


# -- odd ones


@contextmanager
def odd(answer: Callable[[str], bytes], status: int = 200, **headers: str) -> Iterator[str]:
    """It tells its tools, and answers a call as it pleases."""
    server = _Quiet(("127.0.0.1", 0), partial(_Odd, answer, status, headers))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/mcp"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Whoever hangs up in the middle of an answer is meant to."""


class _Odd(BaseHTTPRequestHandler):
    def __init__(
        self, answer: Callable[[str], bytes], status: int, headers: dict[str, str], *args: Any
    ) -> None:
        self.told, self.status, self.odd_headers = answer, status, headers
        super().__init__(*args)

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""

    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        number, method = message.get("id"), message["method"]
        if method == "tools/call":
            self._send(self.status, self.told(number), self.odd_headers)
        elif method == "tools/list":
            self._say(number, {"tools": [{"name": "turn", "inputSchema": {"type": "object"}}]})
        elif method == "initialize":
            about = {"protocolVersion": message["params"]["protocolVersion"], "capabilities": {"tools": {}}}
            self._say(number, {**about, "serverInfo": {"name": "odd", "version": "1"}})
        elif number is None:
            self._send(202, b"", {})
        else:
            error = {"jsonrpc": "2.0", "id": number, "error": {"code": -32601, "message": "no"}}
            self._send(200, json.dumps(error).encode(), {})

    def do_GET(self) -> None:
        self._send(405, b"", {})

    def _say(self, number: object, result: object) -> None:
        self._send(200, json.dumps({"jsonrpc": "2.0", "id": number, "result": result}).encode(), {})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in {"Content-Type": "application/json", **given}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def result(number: object, **told: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": number, "result": {"content": [], **told}}).encode()


ODD: dict[str, tuple[Callable[[Any], bytes], int, dict[str, str]]] = {
    "too long": (lambda number: result(number, structuredContent={"x": "x" * 20_000}), 200, {}),
    "packed": (
        lambda number: gzip.compress(result(number, structuredContent={"x": "x" * 20_000})),
        200,
        {"Content_Encoding": "gzip"},
    ),
    "no JSON": (lambda _: b"<html>", 200, {}),
    "another type": (result, 200, {"Content_Type": "text/html"}),
    "to elsewhere": (lambda _: b"", 307, {"Location": "http://127.0.0.2:9/mcp"}),
    "an error": (lambda _: b"no", 500, {}),
    "accepted": (lambda _: b"", 202, {}),
    "another's answer": (lambda _: result(999_999), 200, {}),
}


@pytest.mark.parametrize("answer", ODD.values(), ids=ODD)
async def test_what_is_no_answer_leaves_unknown_what_was_done(
    answer: tuple[Callable[[Any], bytes], int, dict[str, str]],
) -> None:
    told, status, headers = answer
    with odd(told, status, **headers) as url:
        config = ServerConfig(url=url, most_bytes=8192, call_timeout_secs=0.8)
        server = McpServer("odd", config, (Expected("turn"),))
        await server.offered()

        with pytest.raises(Unanswered, match="the MCP server odd: "):
            await server.send("turn", {})

        await server.close()


async def test_one_that_answers_well() -> None:
    with odd(lambda number: result(number, structuredContent={"a": 1})) as url:
        server = McpServer("odd", ServerConfig(url=url), (Expected("turn"),))
        await server.offered()
        assert (await server.send("turn", {})).structured == {"a": 1}
        await server.close()


async def test_our_token_comes_back_in_nobodys_words() -> None:
    echo = [{"type": "text", "text": f"Authorization: Bearer {TOKEN}"}]
    with odd(lambda number: result(number, content=echo)) as url:
        server = McpServer("odd", ServerConfig(url=url, token=SecretStr(TOKEN)), (Expected("turn"),))
        answer = await server.call("turn", {})
        await server.close()

    assert answer.words == "Authorization: Bearer (secret)"


async def test_nobody_there() -> None:
    server = McpServer("away", ServerConfig(url=f"http://127.0.0.1:{free_port()}/mcp"))

    with pytest.raises(Unavailable, match="the MCP server away: "):
        await server.offered()

    await server.close()

"""ClickHouse's HTTP protocol in front of the engine, and the store's own health pages."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import errno
import hmac
import json
import re
import signal
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from schemas.errors import Misconfigured
from sinks.clickhouse.project_reader import password_of, project_of
from sinks.store.config import StoreConfig
from sinks.store.encodings import decode, too_large
from sinks.store.engine import Answer, Engine, Session
from sinks.store.errors import (
    ACCESS_DENIED,
    AUTHENTICATION_FAILED,
    BAD_ARGUMENTS,
    INCOMPLETE_BODY,
    TOO_MANY_QUERIES,
    StatementError,
)
from sinks.store.forms import read_form
from sinks.store.metrics import StoreMetrics
from sinks.store.scope import EVERYTHING
from sinks.store.statement import Statement, read_statement

# Parameters that speak about the transport, not about the statement.
TRANSPORT = {
    "query", "database", "default_format", "user", "password", "query_id", "session_id", "session_timeout",
    "session_check", "wait_end_of_query", "buffer_size", "enable_http_compression", "quota_key",
    "send_progress_in_http_headers", "http_headers_progress_interval_ms", "client_protocol_version",
    "cancel_http_readonly_queries_on_client_close",
}  # fmt: skip
# No parameter, which a server would take for a setting and refuse: it passes a header over.
MOST_SECS = "X-AWOOOI-Most-Seconds"
DEFAULT_DATABASES = ("", "__default__")
INTERRUPT_SECS = 0.2


@dataclass(frozen=True)
class User:
    name: str
    readonly: bool
    project: str = EVERYTHING
    """whose rows it sees"""


@dataclass(frozen=True)
class Request:
    """A statement, who asks it, and how the answer shall look."""

    user: User
    statement: Statement
    session: Session
    output_format: str
    query_id: str


class Store:
    """The HTTP handlers over one engine, with a pool of threads for reads and one for writes."""

    def __init__(self, config: StoreConfig, engine: Engine) -> None:
        self._config = config
        self._engine = engine
        self._metrics = StoreMetrics()
        self._pools = {
            "read": ThreadPoolExecutor(config.read_threads, "read"),
            "write": ThreadPoolExecutor(config.write_threads, "write"),
        }
        self._running = {"read": 0, "write": 0}

    def app(self) -> web.Application:
        app = web.Application(client_max_size=self._config.max_body_bytes)
        app.router.add_get("/ping", _ok)
        app.router.add_get("/healthz", _ok)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._show_metrics)
        app.router.add_route("*", "/", self._statement)
        return app

    def close(self) -> None:
        for pool in self._pools.values():
            pool.shutdown(wait=True, cancel_futures=True)

    async def _statement(self, http: web.Request) -> web.Response:
        if http.method in ("GET", "HEAD") and not http.query.get("query"):
            return web.Response(text="Ok.\n")
        user = "unknown"
        try:
            who = self._authenticate(http)
            user = who.name
            body = await self._body(http)
            request, answer = await self._in_thread(http, who, body)
        except StatementError as error:
            self._metrics.requests.labels(user, error.code).inc()
            return _refusal(error)
        self._metrics.requests.labels(user, "ok").inc()
        self._metrics.rows_written.inc(answer.rows_written)
        return _response(request, answer)

    def _authenticate(self, http: web.Request) -> User:
        name, password = _credentials(http)
        secret, user = self._known(name)
        if secret is None or not _same(secret, password):
            raise StatementError.of(
                AUTHENTICATION_FAILED,
                f"{name}: Authentication failed: password is incorrect, or there is no user with such name",
            )
        return user

    def _known(self, name: str) -> tuple[str | None, User]:
        """The password that `name` must have; none where nobody is called so."""
        config = self._config
        if name == config.writer_user:
            return config.writer_password.get_secret_value(), User(name, readonly=False)
        secret = config.reader_password.get_secret_value()
        if name == config.reader_user:
            return secret, User(name, readonly=True)
        project = project_of(name, config.reader_user)
        if project is None or not secret:
            return None, User(name, readonly=True)
        return password_of(secret, project), User(name, readonly=True, project=project)

    async def _body(self, http: web.Request) -> bytes:
        try:
            return await http.read()
        except web.HTTPRequestEntityTooLarge as error:
            raise too_large(self._config.max_body_bytes) from error
        except (web.RequestPayloadError, ConnectionError) as error:
            raise StatementError.of(INCOMPLETE_BODY, f"The body is incomplete: {error}") from error

    async def _in_thread(self, http: web.Request, user: User, body: bytes) -> tuple[Request, Answer]:
        readonly = user.readonly or http.method not in ("POST", "PUT")
        kind = "read" if readonly or not _may_write(http, body) else "write"
        with self._place(kind):
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pools[kind], self._run, http, user, readonly, body)

    @contextlib.contextmanager
    def _place(self, kind: str) -> Iterator[None]:
        if self._running[kind] >= self._config.waiting_requests:
            raise StatementError.of(TOO_MANY_QUERIES, f"Too many {kind} statements at once, try again")
        self._running[kind] += 1
        gauge = self._metrics.running.labels(kind)
        gauge.inc()
        began = time.monotonic()
        try:
            yield
        finally:
            self._running[kind] -= 1
            gauge.dec()
            self._metrics.seconds.labels(kind).observe(time.monotonic() - began)

    def _run(self, http: web.Request, user: User, readonly: bool, body: bytes) -> tuple[Request, Answer]:
        """In a thread of the pool: decompression and reading of the statement too."""
        request = self._read(http, user, readonly, body)
        return request, self._engine.run(request.statement, request.session, request.output_format)

    def _read(self, http: web.Request, user: User, readonly: bool, body: bytes) -> Request:
        fields = dict(http.query)
        encoding = http.headers.get("Content-Encoding", "").strip().lower()
        data = decode(body, encoding, self._config.max_body_bytes)
        if http.content_type == "multipart/form-data":
            fields |= read_form(http.headers["Content-Type"], data)
            data = []
        statement = read_statement(fields.get("query", ""), data)
        params = {k: v for k, v in fields.items() if k.startswith("param_")}
        chosen = http.headers.get("X-ClickHouse-Format") or fields.get("default_format") or "TabSeparated"
        return Request(
            user,
            statement,
            Session(
                database=self._database(http, fields, user),
                readonly=readonly,
                settings={k: v for k, v in fields.items() if k not in TRANSPORT | params.keys()},
                params={k.removeprefix("param_"): v for k, v in params.items()},
                project=user.project,
                most_secs=_most_secs(http.headers.get(MOST_SECS)),
            ),
            statement.output_format or chosen,
            fields.get("query_id") or str(uuid.uuid4()),
        )

    def _database(self, http: web.Request, fields: Mapping[str, str], user: User) -> str:
        named = http.headers.get("X-ClickHouse-Database") or fields.get("database", "")
        if named in DEFAULT_DATABASES:
            return self._config.database
        if user.readonly and named != self._config.database:
            raise StatementError.of(
                ACCESS_DENIED, f"{user.name}: the database {named!r} is not open to readers"
            )
        return named

    async def _readyz(self, _: web.Request) -> web.Response:
        return web.Response(text=f"ready, ClickHouse {self._engine.version}\n")

    async def _show_metrics(self, _: web.Request) -> web.Response:
        return web.Response(
            body=generate_latest(self._metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )


async def serve(config: StoreConfig, ready: Callable[[], None] | None = None) -> None:
    """Own the path and answer until SIGTERM, SIGINT or cancellation; Misconfigured if it cannot begin."""
    stop = asyncio.Event()
    engine = await asyncio.to_thread(Engine.open, config)
    store = Store(config, engine)
    runner = web.AppRunner(
        store.app(),
        auto_decompress=False,  # it would read the first frame and drop the others
        access_log=None,
        shutdown_timeout=config.shutdown_secs,
    )
    try:
        await runner.setup()
        await _listen(runner, config)
        with _signals(stop):
            if ready is not None:
                ready()
            await stop.wait()
    finally:
        async with questions_interrupted(engine):
            await runner.cleanup()
            await asyncio.to_thread(store.close)
        await asyncio.to_thread(engine.close)


@contextlib.asynccontextmanager
async def questions_interrupted(engine: Engine) -> AsyncIterator[None]:
    """Again and again: a question that was accepted just before may begin after the first time."""
    done = asyncio.Event()

    async def interrupt() -> None:
        while not done.is_set():
            await asyncio.to_thread(engine.interrupt_questions)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), INTERRUPT_SECS)

    interrupting = asyncio.create_task(interrupt())
    try:
        yield
    finally:
        done.set()
        await interrupting


async def _listen(runner: web.AppRunner, config: StoreConfig) -> None:
    try:
        await web.TCPSite(runner, config.host, config.port).start()
    except OSError as error:
        why = "is taken by another process" if error.errno == errno.EADDRINUSE else f"cannot be had: {error}"
        raise Misconfigured(f"port {config.port} on {config.host} {why}; choose another port") from error


@contextlib.contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


def _same(secret: str, given: str) -> bool:
    return hmac.compare_digest(secret.encode(), given.encode())


def _credentials(http: web.Request) -> tuple[str, str]:
    """As ClickHouse takes them: its own headers, HTTP Basic, or parameters."""
    if "X-ClickHouse-User" in http.headers:
        return http.headers["X-ClickHouse-User"], http.headers.get("X-ClickHouse-Key", "")
    scheme, _, encoded = http.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return http.query.get("user", "default"), http.query.get("password", "")
    try:
        name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise StatementError.of(BAD_ARGUMENTS, "The Authorization header is no valid Basic") from error
    return name, password


def _most_secs(said: str | None) -> int | None:
    if said is not None and not re.fullmatch(r"[1-9][0-9]{0,5}", said):
        raise StatementError.of(BAD_ARGUMENTS, f"{MOST_SECS} is a whole number of seconds, from 1")
    return None if said is None else int(said)


def _may_write(http: web.Request, body: bytes) -> bool:
    """Whether the writer's statement goes to the threads for writes: a guess, made before it is read."""
    start = (http.query.get("query") or body[:64].decode("latin-1")).lstrip().upper()
    return not start.startswith(("SELECT", "WITH", "SHOW", "DESC", "EXPLAIN", "EXISTS"))


async def _ok(_: web.Request) -> web.Response:
    return web.Response(text="Ok.\n")


def _refusal(error: StatementError) -> web.Response:
    return web.Response(
        status=error.status,
        text=str(error).rstrip() + "\n",
        headers={"X-ClickHouse-Exception-Code": str(error.code)},
    )


def _response(request: Request, answer: Answer) -> web.Response:
    summary = {
        "read_rows": str(answer.rows_read),
        "read_bytes": str(answer.bytes_read),
        "written_rows": str(answer.rows_written),
        "written_bytes": str(answer.bytes_written),
        "result_bytes": str(len(answer.body)),
    }
    return web.Response(
        body=answer.body,
        headers={
            "Content-Type": _content_type(request.output_format),
            "X-ClickHouse-Server-Display-Name": "awoooi-store",
            "X-ClickHouse-Query-Id": request.query_id,
            "X-ClickHouse-Format": request.output_format,
            "X-ClickHouse-Timezone": "UTC",
            "X-ClickHouse-Summary": json.dumps(summary),
        },
    )


def _content_type(output_format: str) -> str:
    if output_format.startswith("JSON"):
        return "application/json; charset=UTF-8"
    if output_format in ("Native", "RowBinary", "Arrow", "ArrowStream", "Parquet", "ORC"):
        return "application/octet-stream"
    return "text/plain; charset=UTF-8"

"""The gateway's application, put together; `awoooi gateway` serves it (serve.py)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from prometheus_client import CollectorRegistry
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Route

from connectors.gateway import acts
from connectors.gateway import enrolments as enrolled
from connectors.gateway.act_desk import Desk
from connectors.gateway.acting import Acting
from connectors.gateway.config import GatewayConfig
from connectors.gateway.console_files import PATHS as CONSOLE
from connectors.gateway.console_files import ConsoleFiles
from connectors.gateway.deeds import Deed, routes, with_deeds
from connectors.gateway.desks import Desks, deeds_of
from connectors.gateway.door import Door
from connectors.gateway.enrolments import Enrolments, KeyDesk, with_enrolments
from connectors.gateway.limits import Load, RateLimits
from connectors.gateway.live import PATH as LIVE
from connectors.gateway.live import Live, with_live
from connectors.gateway.live_ring import Ring
from connectors.gateway.meters import ActMeters, LiveMeters, Meters, ReadMeters, SignatureMeters
from connectors.gateway.openapi import with_signatures, with_webhooks
from connectors.gateway.openapi_acts import with_acts
from connectors.gateway.problems import PROBLEM_CONTENT, problem
from connectors.gateway.reader_door import People, ReaderDoor
from connectors.gateway.reading_api import ReadingApi
from connectors.gateway.reading_routes import add_reading, with_reading
from connectors.gateway.session import ConsoleConfig, Issuer, Session, with_sessions
from connectors.gateway.signatures import PATH, Approvals, Signatures
from connectors.gateway.turned_away import Doorkeeper
from connectors.gateway.webhooks import AUTO, V2_SOURCE, Publish, Tokens, Webhooks, Wiring
from connectors.health import Answer, Checks, exposition, healthz, readyz

VERSION = "0.1.0"
_NO_SUCH_PATH = "no such path; alerts go to POST /api/v1/webhooks/{source}, GET /openapi.json names all paths"


def create_app(
    config: GatewayConfig,
    publish: Publish,
    sources: Collection[str],
    tokens: Tokens,
    *,
    checks: Checks | None = None,
    registry: CollectorRegistry | None = None,
    rates: RateLimits | None = None,
    approvals: Approvals | None = None,
    people: People | None = None,
    log_ins: Issuer | None = None,
    desk: Desk | None = None,
    keys: KeyDesk | None = None,
    desks: Desks | None = None,
    ring: Ring | None = None,
) -> FastAPI:
    """`publish` writes one record durably; `checks` say what /readyz waits for. Who serves it calls
    `state.at_the_end`, where there is one, after the last answer, and `state.live.close` before it.

    What people do about incidents needs `people`, who know their tokens, and the `desk`.
    """
    registry = registry or CollectorRegistry()
    wiring = _wiring(config, publish, sources, tokens, rates or RateLimits(), registry)
    app = FastAPI(
        title="AWOOOI gateway",
        version=VERSION,
        docs_url=None,
        redoc_url=None,
        exception_handlers={HTTPException: _problem, Exception: _fault},
    )
    app.router.routes[:0] = [
        Route("/api/v1/webhooks/{source}", Webhooks(config, wiring), methods=["POST"]),
        Route("/api/v2/alerts", Webhooks(config, wiring, source=V2_SOURCE, status=200), methods=["POST"]),
    ]
    if approvals is not None:
        _add_signatures(app, config, wiring, approvals, SignatureMeters(registry))
    deeds = deeds_of(desks, publish, wiring.now_ms) if desks is not None else ()
    if people is not None:
        gone = keys.has_gone if keys else None
        reader = ReaderDoor(people, wiring.rates, has_gone=gone, log_ins=log_ins)
        app.router.routes.extend(_entrance(reader, log_ins))
        app.router.routes.extend(_for_people(config, wiring, reader, ActMeters(registry), desk, keys, deeds))
        if desks is not None and desks.record is not None:
            add_reading(app, ReadingApi(reader, desks.record, ReadMeters(registry), config.retry_after_secs))
        if ring is not None:
            app.state.live = Live(reader, ring, config, LiveMeters(registry))
            app.router.routes.append(Route(LIVE, app.state.live, methods=["GET"]))
    _add_operations(app, checks or {}, registry)
    app.openapi = _documented(app, wiring.sources, deeds)  # type: ignore[method-assign]
    return app


def _wiring(
    config: GatewayConfig,
    publish: Publish,
    sources: Collection[str],
    tokens: Tokens,
    rates: RateLimits,
    registry: CollectorRegistry,
) -> Wiring:
    load = Load(config.max_in_flight, config.max_in_flight_bytes)
    return Wiring(
        publish=publish,
        sources=frozenset(sources) - {AUTO},
        tokens=tokens,
        stamp_key=config.stamp_key(),
        rates=rates,
        load=load,
        meters=Meters(registry, load),
    )


def _add_signatures(
    app: FastAPI, config: GatewayConfig, wiring: Wiring, approvals: Approvals, meters: SignatureMeters
) -> None:
    most = config.signatures_turned_away_per_minute
    keeper = Doorkeeper(wiring.publish, approvals.encode, wiring.stamp_key, most, wiring.now_ms)
    signatures = Signatures(config, wiring.publish, approvals, meters, keeper)
    app.router.routes.insert(0, Route(PATH, signatures, methods=["POST"]))
    app.state.at_the_end = keeper.close


def _entrance(reader: ReaderDoor, log_ins: Issuer | None) -> Iterator[Route]:
    """Who is there, how one logs in, and the console."""
    yield Route(Session.PATH, Session(reader), methods=["GET"])
    yield Route(ConsoleConfig.PATH, ConsoleConfig(VERSION, log_ins), methods=["GET"])
    console = ConsoleFiles(origins=log_ins.origins) if log_ins else ConsoleFiles()
    for path in CONSOLE:
        yield Route(path, console, methods=["GET"])


def _for_people(
    config: GatewayConfig,
    wiring: Wiring,
    reader: ReaderDoor,
    meters: ActMeters,
    desk: Desk | None,
    keys: KeyDesk | None,
    deeds: Collection[Deed],
) -> Iterator[BaseRoute]:
    """What they do."""
    door = Door(reader, wiring.load, meters, config.body_timeout_secs)
    yield from routes(door, deeds)
    if desk is not None:
        acting = Acting(desk, wiring.publish, config.retry_after_secs, wiring.now_ms)
        yield Route(acts.PATH, acts.Acts(door, acting), methods=["POST"])
    if keys is not None:
        enrolments = Enrolments(door, keys, wiring.publish, config.retry_after_secs, wiring.now_ms)
        yield Route(enrolled.PATH, enrolments, methods=["POST"])


def _add_operations(app: FastAPI, checks: Checks, registry: CollectorRegistry) -> None:
    answers: dict[str, tuple[str, Callable[[], Answer]]] = {
        "/healthz": ("the process runs", healthz),
        "/readyz": ("every part that it needs is there; 503 and the reason when not", lambda: readyz(checks)),
        "/metrics": ("for Prometheus", lambda: exposition(registry)),
    }
    for path, (summary, answer) in answers.items():
        app.add_api_route(
            path,
            _endpoint(answer),
            operation_id=path[1:],
            summary=summary,
            response_class=Response,
            responses={503: {"description": "not ready"}} if path == "/readyz" else None,
        )


def _endpoint(answer: Callable[[], Answer]) -> Callable[[], Any]:
    async def respond() -> Response:
        status, kind, body = answer()
        return Response(body, status, {"content-type": kind})

    return respond


def _documented(
    app: FastAPI, sources: Collection[str], deeds: Collection[Deed]
) -> Callable[[], dict[str, Any]]:
    served = {getattr(route, "path", "") for route in app.routes}

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            plain = get_openapi(title=app.title, version=app.version, routes=app.routes)
            app.openapi_schema = with_webhooks(plain, sources)
            if PATH in served:
                with_signatures(app.openapi_schema, PATH)
            if Session.PATH in served:
                with_sessions(app.openapi_schema)
            if LIVE in served:
                with_live(app.openapi_schema)
            if acts.PATH in served:
                with_acts(app.openapi_schema, acts.PATH)
            if enrolled.PATH in served:
                with_enrolments(app.openapi_schema)
            with_reading(app.openapi_schema)
            with_deeds(app.openapi_schema, [deed for deed in deeds if deed.path in served])
        return app.openapi_schema

    return document


async def _problem(_: Request, error: Exception) -> Response:
    """No such path or method, said the way the webhooks say it."""
    assert isinstance(error, HTTPException)
    body = problem(error.status_code, _NO_SUCH_PATH if error.status_code == 404 else "")
    return Response(body, error.status_code, dict(error.headers or {}), PROBLEM_CONTENT)


async def _fault(_: Request, __: Exception) -> Response:
    """A fault of ours; the server logs it."""
    return Response(problem(500), 500, media_type=PROBLEM_CONTENT)

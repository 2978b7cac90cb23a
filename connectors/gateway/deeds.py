"""What the console lets people do and ask beyond incidents: one endpoint for all of it, one deed a route.

A deed says who may, what is to be said, what is told; its document and its endpoint are made from that alone.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import structlog
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import QueryParams
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from connectors.gateway.body import Disconnected, check_kind, parse_json
from connectors.gateway.door import RETRY_SECS, Door, fault, idempotency_key
from connectors.gateway.openapi import OF_BODIES, refusal
from connectors.gateway.problems import Refused, come_again
from connectors.gateway.reader_door import Caller
from connectors.gateway.webhooks import Headers, answer, refuse, traceparent
from connectors.tokens import PROJECT_PATTERN, Role
from schemas.errors import BadPayload, Misconfigured, Never, NotNow

log = structlog.get_logger(__name__)

MISCONFIGURED_RETRY_SECS = 30
EVERYBODY = tuple(Role)
_MISCONFIGURED = "something behind the gateway is not as it should be; its log says what"
_JSON = b"application/json"
_NOT_KEPT = {"Cache-Control": "no-store"}


class Said(BaseModel):
    """What a request brings. Who asks is the token's to say: a field for it is refused like any other."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Told(BaseModel):
    model_config = ConfigDict(frozen=True)


class Nothing(Said):
    """There is nothing to say."""


ProjectName = Annotated[str, Field(pattern=f"^({PROJECT_PATTERN})?$")]
"""or none"""


class OfProject(Said):
    project: ProjectName = ""


class Written(Told):
    """The event of a deed, and where it stands in the log."""

    event_id: str
    type: str
    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that was let in and read."""

    caller: Caller
    said: Any
    """of the deed's `says`"""
    path: Mapping[str, str]
    traceparent: bytes
    key: str = ""
    """its Idempotency-Key, where it has one"""


Do = Callable[[Asked], Awaitable[Told]]


@dataclass(frozen=True, slots=True)
class Deed:
    name: str
    """its operation's id, and the metrics' label"""
    method: Literal["GET", "POST"]
    path: str
    summary: str
    do: Do
    tells: type[Told]
    says: type[Said] = Nothing
    """of a GET its query, of a POST its body"""
    roles: tuple[Role, ...] = EVERYBODY
    status: int = 200
    example: Mapping[str, Any] = field(default_factory=dict)
    refusals: Mapping[int, str] = field(default_factory=dict)
    """besides those of every deed"""


def routes(door: Door, deeds: Iterable[Deed]) -> Iterator[Route]:
    for deed in deeds:
        yield Route(deed.path, Endpoint(door, deed), methods=[deed.method])


class Endpoint:
    """ASGI endpoint."""

    def __init__(self, door: Door, deed: Deed) -> None:
        self._door, self._deed = door, deed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, name, meters = time.perf_counter(), self._deed.name, self._door.meters
        try:
            told = await self._take(scope, receive)
        except Disconnected:
            meters.count(name, "disconnected", started)
            return
        except Refused as refused:
            meters.count(name, refused.reason, started)
            log.info("deed_refused", reason=refused.reason, deed=name)
            await refuse(send, refused, {"Connection": "close"} if self._deed.method == "POST" else {})
            return
        meters.count(name, "accepted", started)
        await answer(send, self._deed.status, told.model_dump_json().encode(), _JSON, _NOT_KEPT)

    async def _take(self, scope: Scope, receive: Receive) -> Told:
        headers = dict(scope["headers"])
        caller = await self._door.people.caller(headers)
        caller.must_be(*self._deed.roles, to=self._deed.summary)
        with self._door.taken_on(caller):
            said = await self._said(scope, headers, receive)
            told = (scope["path_params"], traceparent(headers), idempotency_key(headers))
            return await self._done(Asked(caller, said, *told))

    async def _said(self, scope: Scope, headers: Headers, receive: Receive) -> Said:
        """Where nothing has to be said, nothing need be sent."""
        if self._deed.method == "GET":
            return self._read(dict(QueryParams(scope["query_string"])))
        content = await self._door.content(headers, receive)
        if content:
            check_kind(headers)
        return self._read(parse_json(content) if content else {})

    def _read(self, given: Any) -> Said:
        try:
            return self._deed.says.model_validate(given)
        except ValidationError as error:
            there = ", ".join(self._deed.says.model_fields) or "nothing"
            said = f"{fault('the request', error)}; there is to say: {there}"
            raise Refused(422, "bad_words", said) from None

    async def _done(self, asked: Asked) -> Told:
        try:
            return await self._deed.do(asked)
        except BadPayload as bad:
            raise Refused(422, "bad_words", str(bad)) from bad
        except (Never, Misconfigured) as ours:
            raise self._misconfigured(ours) from ours
        except NotNow as away:
            log.warning("deed_not_now", deed=self._deed.name, detail=str(away))
            raise come_again("away", f"{away}", RETRY_SECS) from away

    def _misconfigured(self, ours: Never | Misconfigured) -> Refused:
        """The operator's to mend; the caller may try again."""
        reason = ours.reason if isinstance(ours, Never) else "misconfigured"
        log.error("deed_not_done", deed=self._deed.name, reason=reason, detail=str(ours))
        return come_again(reason, _MISCONFIGURED, MISCONFIGURED_RETRY_SECS)


# -- the document

_COMMON = {
    401: "no token of a person, or a wrong one",
    403: "the person was removed, or their roles are not enough; the answer names those that are",
    422: "the request says something else than it may; the answer names the field and what is allowed",
    503: "over the token's limit, or something behind the gateway is away: come again after Retry-After",
}
_REF = "#/components/schemas/{model}"


def with_deeds(document: dict[str, Any], deeds: Iterable[Deed]) -> None:
    parts = document.setdefault("components", {})
    parts.setdefault("securitySchemes", {})["personalToken"] = {"type": "http", "scheme": "bearer"}
    for deed in deeds:
        schemas = parts.setdefault("schemas", {})
        operation = _operation(deed, schemas)
        document["paths"].setdefault(deed.path, {})[deed.method.lower()] = operation


def _operation(deed: Deed, schemas: dict[str, Any]) -> dict[str, Any]:
    told = {"application/json": {"schema": _kept(deed.tells, schemas, "serialization")}}
    refusals = {**_COMMON, **(OF_BODIES if deed.method == "POST" else {}), **deed.refusals}
    operation: dict[str, Any] = {
        "operationId": deed.name,
        "summary": deed.summary,
        "description": f"Needs one of the roles {', '.join(deed.roles)}.",
        "security": [{"personalToken": []}],
        "parameters": [_in_path(part) for part in _places(deed.path)],
        "responses": {
            str(deed.status): {"description": "done", "content": told},
            **{str(code): refusal(code, text) for code, text in sorted(refusals.items())},
        },
    }
    if deed.method == "GET":
        operation["parameters"] += _query(deed.says)
    else:
        content = {"schema": _kept(deed.says, schemas, "validation"), "example": dict(deed.example)}
        operation["requestBody"] = {"required": bool(deed.example), "content": {"application/json": content}}
    return operation


def _kept(model: type[BaseModel], schemas: dict[str, Any], mode: Any) -> dict[str, str]:
    """The model under its name among the document's parts, with those that it is made of."""
    schema = model.model_json_schema(ref_template=_REF, mode=mode)
    schemas.update(schema.pop("$defs", {}))
    schemas[model.__name__] = schema
    return {"$ref": _REF.format(model=model.__name__)}


def _places(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


def _in_path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _query(says: type[BaseModel]) -> list[dict[str, Any]]:
    schema = says.model_json_schema(ref_template=_REF)
    required = schema.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in required, "schema": one}
        for name, one in schema.get("properties", {}).items()
    ]

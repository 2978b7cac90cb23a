"""What the console asks before anything else: where people log in, and who it is that has."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import orjson
from starlette.types import Receive, Scope, Send

from connectors.gateway.openapi import refusal
from connectors.gateway.problems import Refused
from connectors.gateway.reader_door import Caller, LogIns, ReaderDoor
from connectors.gateway.webhooks import answer, refuse

LANGUAGES = ("en", "zh-Hant")
_JSON, _NOT_KEPT = b"application/json", {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class Offered:
    """A log-in by OIDC, as a page without a secret begins it (code flow, PKCE)."""

    issuer: str
    client_id: str
    authorization_endpoint: str
    token_endpoint: str
    scope: str
    token: str
    """which of the tokens that are given is for us: id_token or access_token"""


class Issuer(LogIns, Protocol):
    """Where people log in, as the console needs it too."""

    async def offered(self) -> Offered | None:
        """None while the issuer is away: people still have their tokens."""
        ...

    def origins(self) -> Collection[str]:
        """What a page asks of the issuer's, as far as it is known."""
        ...


class Session:
    """ASGI endpoint."""

    PATH = "/api/v1/session"

    def __init__(self, door: ReaderDoor) -> None:
        self._door = door

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        try:
            caller = await self._door.caller(dict(scope["headers"]))
            self._door.let_in(caller)
        except Refused as refused:
            await refuse(send, refused)
            return
        told = orjson.dumps(_told(caller), option=orjson.OPT_UTC_Z)
        await answer(send, 200, told, _JSON, _NOT_KEPT)


class ConsoleConfig:
    """ASGI endpoint; it needs no token, and tells nothing that the log-in page would not show."""

    PATH = "/api/v1/console/config"

    def __init__(self, version: str, issuer: Issuer | None) -> None:
        self._version, self._issuer = version, issuer

    async def __call__(self, _: Scope, __: Receive, send: Send) -> None:
        offered = None if self._issuer is None else await self._issuer.offered()
        told = {"version": self._version, "languages": LANGUAGES, "oidc": offered and asdict(offered)}
        await answer(send, 200, orjson.dumps(told), _JSON, _NOT_KEPT)


def _told(caller: Caller) -> Mapping[str, Any]:
    return {
        "person": caller.person,
        "roles": caller.roles,
        "projects": caller.projects,
        "expires_at": caller.expires,
    }


_TEXT, _TEXTS = {"type": "string"}, {"type": "array", "items": {"type": "string"}}
_SESSION = {
    "type": "object",
    "required": ["person", "roles", "projects", "expires_at"],
    "properties": {
        "person": _TEXT,
        "roles": _TEXTS,
        "projects": {**_TEXTS, "type": ["array", "null"], "description": "null: all"},
        "expires_at": {"type": ["string", "null"], "format": "date-time", "description": "null: never"},
    },
    "example": {
        "person": "bob",
        "roles": ["operator"],
        "projects": ["shop"],
        "expires_at": "2027-11-22T00:00:00Z",
    },
}
_OFFERED = {
    "type": ["object", "null"],
    "description": "null: people log in with their tokens alone, or the issuer is away",
    "properties": dict.fromkeys(Offered.__dataclass_fields__, _TEXT),
}
_CONFIG = {
    "type": "object",
    "required": ["version", "languages", "oidc"],
    "properties": {"version": _TEXT, "languages": _TEXTS, "oidc": _OFFERED},
}


def with_sessions(document: dict[str, Any]) -> None:
    refusals = {
        401: "no token of a person, or a wrong one",
        403: "the person was removed",
        503: "over the token's limit, or nobody can tell who was removed",
    }
    document["paths"][Session.PATH] = {
        "get": {
            "operationId": "session",
            "summary": "who the token says you are, and what you may see",
            "security": [{"personalToken": []}],
            "responses": {
                "200": _answer("the caller", _SESSION),
                **{str(code): refusal(code, text) for code, text in refusals.items()},
            },
        }
    }
    document["paths"][ConsoleConfig.PATH] = {
        "get": {
            "operationId": "console_config",
            "summary": "what the console needs to know before anybody has logged in",
            "responses": {"200": _answer("version, languages, log-in", _CONFIG)},
        }
    }


def _answer(text: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": schema}}}

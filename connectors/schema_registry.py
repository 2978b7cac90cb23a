"""The part of a schema registry's API that the codec needs. Its fake stands beside it."""

from __future__ import annotations

from typing import Any, Protocol
from urllib.parse import quote

import orjson

from connectors.http import Reply
from schemas.errors import Never, NotNow, RegistryAway, Unreadable

CONTENT_TYPE = "application/vnd.schemaregistry.v1+json"
_HEADERS = {"Content-Type": CONTENT_TYPE, "Accept": CONTENT_TYPE}
_COME_AGAIN = {408, 429}


class Http(Protocol):
    """What is needed of connectors.http.HttpClient; the log-in is its affair."""

    async def request(
        self, method: str, url: str, *, content: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Reply: ...


class SchemaRegistry:
    """Raises RegistryAway when it may work later, Never when the registry refuses.

    Retries are the caller's.
    """

    def __init__(self, url: str, http: Http) -> None:
        self._url = url.rstrip("/")
        self._http = http

    async def register(self, subject: str, schema: str) -> int:
        """The schema's id; a second call gives the same one."""
        content = orjson.dumps({"schema": schema, "schemaType": "AVRO"})
        answer = await self._ask("POST", f"/subjects/{quote(subject, safe='')}/versions", content)
        number = answer.get("id")
        if not isinstance(number, int):
            raise Unreadable(f"schema registry: no id for {subject} in its answer")
        return number

    async def schema(self, number: int) -> dict[str, Any]:
        """The Avro schema that the registry knows under `number`."""
        answer = await self._ask("GET", f"/schemas/ids/{number}")
        if answer.get("schemaType", "AVRO") != "AVRO":
            raise Never(f"schema registry: schema {number} is {answer['schemaType']}, not AVRO")
        try:
            schema = orjson.loads(answer["schema"])
        except (KeyError, TypeError, orjson.JSONDecodeError) as error:
            raise Unreadable(f"schema registry: schema {number} is no JSON") from error
        if not isinstance(schema, dict):
            raise Unreadable(f"schema registry: schema {number} is no record")
        return schema

    async def _ask(self, method: str, path: str, content: bytes | None = None) -> dict[str, Any]:
        try:
            reply = await self._http.request(method, self._url + path, content=content, headers=_HEADERS)
        except NotNow as away:
            raise RegistryAway(f"schema registry: {away}") from away
        if reply.status >= 500 or reply.status in _COME_AGAIN:
            raise RegistryAway(f"schema registry: {method} {path} answers {reply.status}")
        if not reply.ok:
            raise Never(f"schema registry: {method} {path} answers {reply.status}{_reason(reply)}")
        answer = reply.json()
        if not isinstance(answer, dict):
            raise Unreadable(f"schema registry: {method} {path} answers no JSON object")
        return answer


def _reason(reply: Reply) -> str:
    try:
        answer = reply.json()
    except Unreadable:
        return ""
    told = answer.get("message") if isinstance(answer, dict) else None
    return f": {told}" if isinstance(told, str) else ""

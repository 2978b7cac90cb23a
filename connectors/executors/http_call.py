"""The executor `http`: a configured call with typed parameters, under an idempotency key. CALL_HTTP.

Scheme and host are the configuration's own; what is filled in is encoded and cannot leave its place. No
redirect is followed. Only a connection that nobody took is tried again: whatever was sent may have been done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import ClassVar
from urllib.parse import quote, unquote, urlsplit

import orjson

from connectors.evidence import Unavailable
from connectors.executors.arguments import fill
from connectors.executors.by_name import Asked, ByName, Seen, What, spoken
from connectors.executors.contract import Done, End, Executor, Happened
from connectors.executors.named import CallThing, Condition, Look, NamedFile
from connectors.executors.plain_json import as_text, found_at
from connectors.http import HttpClient, Reply, Unreachable
from connectors.secret import secrets_of
from schemas.errors import AwoooiError, Misconfigured, Unreadable
from schemas.operations import Operation

CONNECT_SECS, LOOK_SECS = 5.0, 15.0
PAUSES_SECS = (0.1, 0.5)
"""between tries to connect"""
MOST_ANSWER = 16 * 1024 * 1024
MOST_SPOKEN = 16 * 1024


class HttpExecutor(ByName[CallThing]):
    name = "http"
    operation: ClassVar[Operation] = Operation.CALL_HTTP

    def __init__(self, file: NamedFile) -> None:
        """Misconfigured where an authority or a secret cannot be read."""
        super().__init__(file.calls)
        self._clients = {name: _client(one) for name, one in file.calls.items()}
        for one in file.calls.values():
            _headers(one, secrets_of(one.header_files))

    async def close(self) -> None:
        for client in self._clients.values():
            await client.close()

    def unfit(self, asked: Asked[CallThing]) -> str:
        urls = (url for _, url in asked.thing.urls())
        return next(filter(None, (url_trouble(url, asked.words()) for url in urls)), "")

    def observed(self, asked: Asked[CallThing]) -> Mapping[str, str]:
        return {}

    async def sent(self, asked: Asked[CallThing], may_send: Callable[[], str]) -> Done:
        try:
            secrets = secrets_of(asked.thing.header_files)
            headers = _headers(asked.thing, secrets)
        except Misconfigured as error:
            return Done(End.REFUSED, str(error))
        headers[asked.thing.idempotency_header] = asked.action_id
        for pause in (*PAUSES_SECS, None):
            if why := may_send():
                return Done(End.REFUSED, why)
            try:
                return self._ended(asked, await self._call(asked, headers), secrets)
            except Unreachable as error:
                if pause is None:
                    return Done(End.REFUSED, str(error))
                await asyncio.sleep(pause)
            except TimeoutError:
                return Done(End.UNKNOWN, f"no answer within {asked.thing.timeout_secs:g} s")
            except AwoooiError as error:
                return Done(End.UNKNOWN, str(error))
        raise AssertionError("the last try returns")

    async def _call(self, asked: Asked[CallThing], headers: Mapping[str, str]) -> Reply:
        thing, content = asked.thing, None
        if thing.body is not None:
            content = orjson.dumps(asked.filled(thing.body))
            headers = {"Content-Type": "application/json", **headers}
        async with asyncio.timeout(thing.timeout_secs):
            url = fill(thing.url, asked.words(), _encoded)
            return await self._clients[asked.name].request(
                thing.method, url, content=content, headers=headers
            )

    def _ended(self, asked: Asked[CallThing], answer: Reply, secrets: Mapping[str, str]) -> Done:
        """4xx is a no; of 3xx and 5xx nobody knows what was done before."""
        told = _in_words(asked, answer, secrets)
        if answer.status in asked.thing.accepts:
            return Done(End.DONE, told)
        if 400 <= answer.status < 500:
            return Done(End.REFUSED, told, retry_after_secs=_retry_after(answer))
        return Done(End.UNKNOWN, told)

    async def looked(self, asked: Asked[CallThing], what: What) -> Seen | None:
        """By a GET; Unavailable where there is no answer."""
        look: Look | None = getattr(asked.thing, what)
        if look is None:
            return None
        try:
            secrets = secrets_of(asked.thing.header_files)
            async with asyncio.timeout(LOOK_SECS):
                url = fill(look.url, asked.words(), _encoded)
                answer = await self._clients[asked.name].get(url, _headers(asked.thing, secrets))
        except TimeoutError as error:
            raise Unavailable(f"{asked.name}: no answer within {LOOK_SECS:g} s") from error
        except AwoooiError as error:
            raise Unavailable(f"{asked.name}: {error}") from error
        return _meant(look, answer), _in_words(asked, answer, secrets)


def _client(call: CallThing) -> HttpClient:
    return HttpClient(
        timeout_secs=call.timeout_secs,
        connect_secs=min(CONNECT_SECS, call.timeout_secs),
        ca_file=str(call.ca_file) if call.ca_file else None,
        max_answer_bytes=MOST_ANSWER,
    )


def _headers(call: CallThing, secrets: Mapping[str, str]) -> dict[str, str]:
    """Misconfigured where one could not be sent: a line break in it would begin a header of its own.

    Each call has a connection of its own: on a kept one that the server has just closed nobody would know
    whether it was heard.
    """
    headers = {**call.headers, **secrets}
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable()):
            raise Misconfigured(f"header {name} holds what a header cannot hold")
    return {**headers, "Connection": "close"}


def url_trouble(template: str, values: Mapping[str, str]) -> str:
    """What is filled in may neither move the call to another host nor climb to another path."""
    url = fill(template, values, _encoded)
    was, now = urlsplit(template), urlsplit(url)
    if (was.scheme, was.netloc) != (now.scheme, now.netloc):
        return "with these arguments it would go to another host"
    parts = unquote(now.path).replace("\\", "/").split("/")
    if {".", ".."} & {*parts} or "//" in now.path:
        return "with these arguments it would go to another path"
    return ""


def _encoded(value: str) -> str:
    return quote(value, safe="")


def _meant(look: Look, answer: Reply) -> Happened:
    if says(look.yes_when, answer):
        return Happened.YES
    return Happened.NO if says(look.no_when, answer) else Happened.UNKNOWN


def says(condition: Condition | None, answer: Reply) -> bool:
    if condition is None or answer.status not in condition.status:
        return False
    if not condition.at:
        return True
    try:
        found = found_at(answer.json(), condition.at.split("."))
    except Unreadable:
        return False
    return as_text(found) in condition.equals


def _retry_after(answer: Reply) -> float:
    told = answer.headers.get("retry-after", "")
    return float(told) if told.isdecimal() else 0.0


def _in_words(asked: Asked[CallThing], answer: Reply, secrets: Mapping[str, str]) -> str:
    """What was cut ends with a whole word: half of a value is none that anybody would know."""
    text = answer.body[:MOST_SPOKEN].decode(errors="replace")
    if len(answer.body) > MOST_SPOKEN:
        text = text.rpartition(" ")[0]
    told = spoken(text, asked.values, secrets)
    return f"{asked.name}: HTTP {answer.status}" + (f": {told}" if told else "")


def check_contract(executor: HttpExecutor) -> Executor:
    return executor

"""One API server over the official client: log-in, TLS, one call with its time-out, every error translated.

Objects stay plain mappings: the client's models refuse what a newer or a broken server sends.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp
import orjson
import yaml
from kubernetes.aio import client as official
from kubernetes.aio import config as loading

from connectors.evidence import Unavailable
from connectors.kubernetes.config import KubernetesConfig, Place
from connectors.kubernetes.reading import Obj, counted, number, parts, text

JSON = "application/json"
MAX_ANSWER_BYTES = 32 * 1024 * 1024
CONNECTIONS = 64
"""50 executions, each with a call under way, and some more who look"""
MOST_TOLD = 400
Query = Sequence[tuple[str, str]]

# The official loader trusts the shape of the file that it reads.
_SHAPE = (ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError)
_UNUSABLE = (loading.ConfigException, OSError, *_SHAPE)


class Refusal(Unavailable):
    """The API server answered, and the answer is no. `reason` is the server's own word for it."""

    def __init__(self, status: int, reason: str, told: str, retry_after_secs: float = 0.0) -> None:
        super().__init__(told)
        self.status = status
        self.reason = reason
        self.retry_after_secs = retry_after_secs


class Unsent(Unavailable):
    """The request never left: nothing can have come of it."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    content: str
    body: bytes
    retry_after: str = ""


class Connection:
    """Made when first used; a log-in that the server no longer takes is read anew, once a call."""

    def __init__(self, name: str, place: Place, config: KubernetesConfig) -> None:
        self.name = name
        self._place, self._config = place, config
        self._api: Any = None
        self._opening = asyncio.Lock()

    async def close(self) -> None:
        api, self._api = self._api, None
        if api is not None:
            await api.close()

    async def call(
        self, method: str, path: str, query: Query = (), body: Any = None, content: str = JSON
    ) -> Obj:
        """The answer's object. Unavailable, or Refusal, in one sentence that names the cluster."""
        try:
            async with asyncio.timeout(self._config.call_timeout_secs):
                answer = await self._send(method, path, query, body, content)
        except TimeoutError as error:
            secs = self._config.call_timeout_secs
            raise Unavailable(f"cluster {self.name}: no answer within {secs:g} s") from error
        except aiohttp.ClientConnectorError as error:
            raise Unsent(f"cluster {self.name} cannot be reached: {_told(error)}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unavailable(f"cluster {self.name} cannot be reached: {_told(error)}") from error
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise self._refusal(path, answer)
        return self._object(answer)

    async def _send(self, method: str, path: str, query: Query, body: Any, content: str) -> Answer:
        api = await self._connected()
        sent = await self._send_once(api, method, path, query, body, content)
        if sent.status != HTTPStatus.UNAUTHORIZED:
            return sent
        await self._forget(api)  # tokens and certificates are renewed in place
        return await self._send_once(await self._connected(), method, path, query, body, content)

    async def _send_once(
        self, api: official.ApiClient, method: str, path: str, query: Query, body: Any, content: str
    ) -> Answer:
        prepared = await api.param_serialize(
            method,
            path,
            query_params=list(query),
            header_params={"Accept": JSON, "Content-Type": content},
            body=body,
            auth_settings=["BearerToken"],
        )
        limit = aiohttp.ClientTimeout(total=self._config.call_timeout_secs)
        answer = (await api.call_api(*prepared, _request_timeout=limit)).response
        try:
            later = answer.headers.get("Retry-After", "")
            return Answer(answer.status, answer.content_type, await self._read(answer), later)
        finally:
            answer.release()

    async def _read(self, answer: aiohttp.ClientResponse) -> bytes:
        chunks, size = [], 0
        async for chunk in answer.content.iter_any():
            size += len(chunk)
            if size > MAX_ANSWER_BYTES:
                answer.close()
                raise Unavailable(f"cluster {self.name}: an answer is over {MAX_ANSWER_BYTES} bytes")
            chunks.append(chunk)
        return b"".join(chunks)

    async def _connected(self) -> official.ApiClient:
        async with self._opening:
            if self._api is None:
                try:
                    self._api = await self._log_in()
                except _UNUSABLE as error:
                    why = f"its log-in ({self._place}) cannot be used: {_told(error)}"
                    raise Unsent(f"cluster {self.name}: {why}") from error
            return self._api

    async def _log_in(self) -> official.ApiClient:
        settings = official.Configuration(connection_pool_maxsize=CONNECTIONS)
        if self._place.kubeconfig is None:
            loading.load_incluster_config(settings)
        else:
            _must_be_there(self._place)
            await loading.load_kube_config(
                config_file=str(self._place.kubeconfig),
                context=self._place.context,
                client_configuration=settings,
                persist_config=False,  # a kubeconfig is somebody else's file
            )
        if self._config.ca_file is not None:
            settings.ssl_ca_cert = str(self._config.ca_file)
        return official.ApiClient(settings)

    async def _forget(self, api: official.ApiClient) -> None:
        if self._api is api:
            self._api = None
            with contextlib.suppress(aiohttp.ClientError, OSError):
                await api.close()

    def _object(self, answer: Answer) -> Obj:
        try:
            found = orjson.loads(answer.body)
        except orjson.JSONDecodeError as error:
            shown = answer.content if answer.content != JSON else "JSON that is cut or broken"
            raise Unavailable(f"cluster {self.name} answered {shown}, not an object") from error
        if not isinstance(found, dict):
            raise Unavailable(f"cluster {self.name} answered a {type(found).__name__}, not an object")
        return found

    def _refusal(self, path: str, answer: Answer) -> Refusal:
        told, status = _status(answer.body), answer.status
        reason, message = text(told, "reason"), _in_its_words(told)
        if status == HTTPStatus.UNAUTHORIZED:
            message = "it does not know our log-in"
        elif not message:
            message = f"it answered {status} to {path}"
        later = float(counted(answer.retry_after) or number(told, "details", "retryAfterSeconds"))
        return Refusal(status, reason, f"cluster {self.name}: {message} ({status})", later)


def _in_its_words(told: Obj) -> str:
    """A budget's no stands in the causes; elsewhere they repeat the message."""
    message = text(told, "message")
    causes = [text(cause, "message") for cause in parts(told, "details", "causes")]
    return " ".join([message, *(cause for cause in causes if cause not in message)])[:MOST_TOLD]


def _status(answer: bytes) -> Mapping[str, Any]:
    try:
        found = orjson.loads(answer)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _must_be_there(place: Place) -> None:
    if place.kubeconfig is not None and not place.kubeconfig.is_file():
        raise FileNotFoundError(f"there is no file {place.kubeconfig}")


def _told(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:MOST_TOLD]

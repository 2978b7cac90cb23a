"""What all providers over HTTP share: one question becomes one streamed answer, or ProviderFailed.

A provider says where and what is sent (`request`), and what one piece of the answer means (`read`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar
from urllib.parse import urlsplit

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from agents.models.config import Asking, Service
from agents.models.model import Completion, Fault, Prompt, ProviderFailed
from agents.models.pricing import estimated_tokens
from agents.models.refusal import refusal_of, told
from agents.models.shape import in_words
from connectors.http import HttpClient, Silent, Streaming, Unreachable
from schemas.errors import Never, NotNow, Unreadable

ERROR_BYTES = 16 * 1024
SHAPE_REFUSED = (400, 422)
# Compressed streams are held back by servers on the way, and can be larger than they look.
PLAIN = {"Content-Type": "application/json", "Accept-Encoding": "identity"}


class Piece(BaseModel):
    """One line or event of an answer; whatever else a service sends with it is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


P = TypeVar("P", bound=Piece)
C = TypeVar("C", bound=Service)


@dataclass(slots=True)
class Incoming:
    """An answer as it grows."""

    max_bytes: int
    parts: list[str] = field(default_factory=list)
    size: int = 0
    model: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    whole: bool = False
    """the service said that this is the end"""

    @property
    def text(self) -> str:
        return "".join(self.parts)

    def say(self, text: str | None) -> None:
        if not text:
            return
        self.size += len(text.encode(errors="replace"))
        if self.size > self.max_bytes:
            raise ProviderFailed(
                f"its answer is over {self.max_bytes} bytes", fault=Fault.ENDLESS, final=True
            )
        self.parts.append(text)

    def ended(self, why: str | None, fine: Sequence[str], too_long: Sequence[str] = ()) -> None:
        """The service's word for why it stopped; no word is no end."""
        if not why:
            return
        if why in too_long:
            raise ProviderFailed(
                f"its answer was cut at the largest size ({why})", fault=Fault.CUT, final=True
            )
        if why not in fine:
            raise ProviderFailed(f"it did not answer: {told(why)}", fault=Fault.REFUSED, final=True)
        self.whole = True

    def completion(self, prompt: Prompt, model: str) -> Completion:
        """Counted by the service, else estimated."""
        asked = prompt.system + prompt.text + "".join(part for pair in prompt.history for part in pair)
        return Completion(
            self.text,
            self.model or model,
            self.tokens_in or estimated_tokens(asked),
            self.tokens_out or estimated_tokens(self.text),
        )


@dataclass(frozen=True, slots=True)
class Request:
    path: str
    body: Mapping[str, Any]


class HttpProvider(ABC, Generic[C, P]):
    name: ClassVar[str]
    piece: type[P]

    def __init__(self, config: C, http: HttpClient, asking: Asking) -> None:
        self.config, self._http, self._asking = config, http, asking
        self._key = config.secret(self.name)
        self._refuses_shape: set[str] = set()

    @property
    def cloud(self) -> bool:
        return self.config.leaves

    @property
    @abstractmethod
    def headers(self) -> Mapping[str, str]:
        """With the key."""

    @property
    @abstractmethod
    def look(self) -> str:
        """Path of what costs nothing and wants key and model."""

    @abstractmethod
    def request(self, prompt: Prompt, *, shaped: bool) -> Request:
        """`shaped`: the answer's JSON schema is part of what is asked."""

    @abstractmethod
    def read(self, piece: P, so_far: Incoming) -> bool:
        """Take one piece in; true where nothing more will come."""

    @abstractmethod
    def pieces(self, lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The JSON texts within the lines."""

    async def complete(self, prompt: Prompt) -> Completion:
        """A service that does not take this schema is asked again without it, and from then on."""
        shaped = prompt.name not in self._refuses_shape
        try:
            return await self._ask(prompt, shaped=shaped)
        except ShapeRefused as refused:
            try:
                completion = await self._ask(prompt, shaped=False)
            except ShapeRefused:
                raise refused from None  # so it was not the schema
            self._refuses_shape.add(prompt.name)
            return completion

    async def ready(self) -> None:
        """Raises ProviderFailed where it would not take a question; asks none."""
        await self._looked()

    async def _looked(self) -> Any:
        """Its answer to `look`, as JSON."""
        try:
            reply = await self._http.get(self._url(self.look), self.headers)
            if reply.ok:
                return reply.json()
        except (NotNow, Never) as error:
            raise self._failed(error) from error
        raise refusal_of(reply.status, reply.headers, reply.body[:ERROR_BYTES], self._key)

    def _url(self, path: str) -> str:
        return self.config.url.rstrip("/") + path

    async def _ask(self, prompt: Prompt, *, shaped: bool) -> Completion:
        request, so_far = self.request(prompt, shaped=shaped), Incoming(self._asking.max_answer_bytes)
        try:
            async with self._http.stream(
                self._url(request.path),
                orjson.dumps(request.body),
                {**PLAIN, **self.headers},
                connect_secs=prompt.connect_secs,
                silence_secs=prompt.silence_secs,
            ) as answer:
                await self._take_in(answer, so_far)
        except (NotNow, Never) as error:
            if not so_far.whole:  # after its last word a service may hang up as it likes
                raise self._failed(error, so_far.completion(prompt, self.config.model)) from error
        except ProviderFailed as failed:
            failed.spent = so_far.completion(prompt, self.config.model) if so_far.parts else None
            raise
        return so_far.completion(prompt, self.config.model)

    async def _take_in(self, answer: Streaming, so_far: Incoming) -> None:
        if not answer.ok:
            raise await self._refusal(answer)
        async for text in self.pieces(answer.lines()):
            if self.read(self._piece(text), so_far):
                return
        if not so_far.whole:
            raise ProviderFailed("its answer ended in the middle", fault=Fault.CUT)

    def _piece(self, text: bytes) -> P:
        try:
            return self.piece.model_validate(orjson.loads(text))
        except (orjson.JSONDecodeError, ValidationError) as error:
            raise ProviderFailed(
                f"it does not speak the protocol of {self.name}", fault=Fault.GARBLED, final=True
            ) from error

    async def _refusal(self, answer: Streaming) -> ProviderFailed:
        body = await answer.beginning(ERROR_BYTES)
        refusal = refusal_of(answer.status, answer.headers, body, self._key)
        if answer.status in SHAPE_REFUSED:
            return ShapeRefused(str(refusal), fault=refusal.fault, final=True)
        return refusal

    def _failed(self, error: NotNow | Never, spent: Completion | None = None) -> ProviderFailed:
        used = spent if spent is not None and spent.text else None
        why = told(str(error).replace(urlsplit(self.config.url).netloc, "it"))
        match error:
            case Unreachable():
                return ProviderFailed(why, fault=Fault.AWAY, final=True)
            case Silent():
                return ProviderFailed(why, fault=Fault.SILENT, final=True, spent=used)
            case NotNow():
                return ProviderFailed(why, fault=Fault.CUT, spent=used)
            case Unreadable():
                return ProviderFailed(why, fault=Fault.GARBLED, final=True)
            case _:
                return ProviderFailed(why, fault=Fault.ENDLESS, final=True, spent=used)


class ShapeRefused(ProviderFailed):
    """A 400: the service may not take this JSON schema."""


def with_shape(prompt: Prompt) -> str:
    """The system's text with the answer's schema in words, for who cannot be held to it."""
    return f"{prompt.system}\n\n{in_words(prompt.schema)}"


def turns(prompt: Prompt, model: str = "assistant") -> list[tuple[str, str]]:
    """(role, text): the question, then each earlier answer with the complaint about it."""
    earlier = [turn for answer, why in prompt.history for turn in ((model, answer), ("user", why))]
    return [("user", prompt.text), *earlier]


async def json_lines(lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for line in lines:
        if text := line.strip():
            yield text


async def server_sent(lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The data of server-sent events; comments, names and ids are passed over."""
    data: list[bytes] = []
    async for line in lines:
        text = line.rstrip(b"\r")
        if text.startswith(b"data:"):
            data.append(text[5:].removeprefix(b" "))
        elif not text and data:
            yield b"\n".join(data)
            data = []
    if data:
        yield b"\n".join(data)

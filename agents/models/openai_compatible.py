"""Any service that speaks OpenAI's chat completions: server-sent events, the schema as `response_format`.

Many of them pass over what they do not know, so the schema stands in the system's text too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, ClassVar

from agents.models.config import OpenAiConfig
from agents.models.model import Fault, Prompt, ProviderFailed
from agents.models.refusal import message_of
from agents.models.shape import is_closed
from agents.models.wire import HttpProvider, Incoming, Piece, Request, server_sent, turns, with_shape

DONE = b"[DONE]"


class Delta(Piece):
    content: str | None = None
    refusal: str | None = None


class Choice(Piece):
    delta: Delta = Delta()
    finish_reason: str | None = None


class Used(Piece):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class Chunk(Piece):
    model: str | None = None
    choices: list[Choice] | None = None
    usage: Used | None = None
    error: Any = None


class OpenAiCompatible(HttpProvider[OpenAiConfig, Chunk]):
    name: ClassVar[str] = "openai"
    piece = Chunk

    def request(self, prompt: Prompt, *, shaped: bool) -> Request:
        body: dict[str, Any] = {
            "model": self.config.model,
            "messages": [
                {"role": "system", "content": with_shape(prompt)},
                *({"role": role, "content": text} for role, text in turns(prompt)),
            ],
            "stream": True,
        }
        if shaped:
            schema = {"name": prompt.name, "schema": prompt.schema, "strict": is_closed(prompt.schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
            body["stream_options"] = {"include_usage": True}
        return Request("/chat/completions", body)

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self._key}"} if self._key else {}

    @property
    def look(self) -> str:
        """Not every server tells of one model alone."""
        return "/models"

    async def pieces(self, lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for data in server_sent(lines):
            if data == DONE:
                return
            yield data

    def read(self, piece: Chunk, so_far: Incoming) -> bool:
        if piece.error is not None:
            raise ProviderFailed(f"it failed: {message_of(piece.error)}", fault=Fault.AWAY)
        so_far.model = piece.model or so_far.model
        if piece.usage is not None:
            so_far.tokens_in = piece.usage.prompt_tokens or 0
            so_far.tokens_out = piece.usage.completion_tokens or 0
        for choice in (piece.choices or ())[:1]:
            if choice.delta.refusal:
                raise ProviderFailed("it did not want to answer", fault=Fault.REFUSED, final=True)
            so_far.say(choice.delta.content)
            so_far.ended(choice.finish_reason, fine=("stop", "eos"), too_long=("length",))
        return False

"""Ollama by its native API: NDJSON, the schema as `format`.

Ollama cuts a question that is longer than its context without a word, and its context is small by default:
so the context is asked for, and cutting is refused.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import ClassVar

from agents.models.config import OllamaConfig
from agents.models.model import Fault, Prompt, ProviderFailed
from agents.models.refusal import message_of, told
from agents.models.wire import HttpProvider, Incoming, Piece, Request, json_lines, turns, with_shape
from connectors.http import Streaming

SHOWN_MODELS = 5


class Message(Piece):
    content: str | None = None


class Line(Piece):
    model: str = ""
    message: Message | None = None
    done: bool = False
    done_reason: str | None = None
    prompt_eval_count: int = 0
    eval_count: int = 0
    error: str | None = None


class Ollama(HttpProvider[OllamaConfig, Line]):
    name: ClassVar[str] = "ollama"
    piece = Line

    def request(self, prompt: Prompt, *, shaped: bool) -> Request:
        body = {
            "model": self.config.model,
            "messages": [
                {"role": "system", "content": with_shape(prompt)},
                *({"role": role, "content": text} for role, text in turns(prompt)),
            ],
            **({"format": prompt.schema} if shaped else {}),
            "stream": True,
            "think": False,
            "truncate": False,
            "shift": False,
            "options": {
                "temperature": 0,
                "num_ctx": self.config.context_tokens,
                "num_predict": min(self._asking.max_answer_tokens, self.config.context_tokens),
            },
        }
        return Request("/api/chat", body)

    @property
    def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self._key}"} if self._key else {}

    @property
    def look(self) -> str:
        return "/api/tags"

    async def ready(self) -> None:
        there = await self.models()
        if not {self.config.model, f"{self.config.model}:latest"} & set(there):
            raise ProviderFailed(self._without(there), fault=Fault.MODEL, final=True)

    def pieces(self, lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        return json_lines(lines)

    def read(self, piece: Line, so_far: Incoming) -> bool:
        if piece.error is not None:
            raise ProviderFailed(f"it failed: {message_of(piece.error)}", fault=Fault.AWAY)
        if piece.message is not None:
            so_far.say(piece.message.content)
        if piece.done:
            so_far.model, so_far.tokens_in, so_far.tokens_out = (
                piece.model,
                piece.prompt_eval_count,
                piece.eval_count,
            )
            so_far.ended(piece.done_reason or "stop", fine=("stop",), too_long=("length",))
        return piece.done

    async def _refusal(self, answer: Streaming) -> ProviderFailed:
        refusal = await super()._refusal(answer)
        if refusal.fault is Fault.MODEL:
            return ProviderFailed(f"{refusal}; {await self._what_there_is()}", fault=Fault.MODEL, final=True)
        return refusal

    async def _what_there_is(self) -> str:
        try:
            there = await self.models()
        except ProviderFailed:
            return "AWOOOI_OLLAMA_URL names its address"
        return self._without(there)

    def _without(self, there: Sequence[str]) -> str:
        has = ", ".join(there[:SHOWN_MODELS]) or "no model"
        return told(f"it has {has}; `ollama pull {self.config.model}` fetches what AWOOOI_OLLAMA_MODEL names")

    async def models(self) -> list[str]:
        """The models that it has. Raises ProviderFailed."""
        answer = await self._looked()
        found = answer.get("models") if isinstance(answer, Mapping) else None
        listed = found if isinstance(found, list) else []
        return [str(model["name"]) for model in listed if isinstance(model, Mapping) and "name" in model]

"""Gemini: streamGenerateContent as server-sent events, the schema as `responseJsonSchema`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from pydantic import Field

from agents.models.config import GeminiConfig
from agents.models.model import Fault, Prompt, ProviderFailed
from agents.models.refusal import message_of, told
from agents.models.wire import HttpProvider, Incoming, Piece, Request, server_sent, turns, with_shape


class Part(Piece):
    text: str | None = None
    thought: bool = False


class Content(Piece):
    parts: tuple[Part, ...] = ()


class Candidate(Piece):
    content: Content = Content()
    finish_reason: str | None = Field(None, alias="finishReason")


class Used(Piece):
    asked: int = Field(0, alias="promptTokenCount")
    answered: int = Field(0, alias="candidatesTokenCount")
    thought: int = Field(0, alias="thoughtsTokenCount")


class Feedback(Piece):
    block_reason: str | None = Field(None, alias="blockReason")


class Chunk(Piece):
    candidates: tuple[Candidate, ...] = ()
    usage: Used | None = Field(None, alias="usageMetadata")
    model: str | None = Field(None, alias="modelVersion")
    feedback: Feedback | None = Field(None, alias="promptFeedback")
    error: Any = None


class Gemini(HttpProvider[GeminiConfig, Chunk]):
    name: ClassVar[str] = "gemini"
    piece = Chunk

    def request(self, prompt: Prompt, *, shaped: bool) -> Request:
        settings: dict[str, Any] = {"maxOutputTokens": self._asking.max_answer_tokens}
        if shaped:
            settings |= {"responseMimeType": "application/json", "responseJsonSchema": prompt.schema}
        system = prompt.system if shaped else with_shape(prompt)
        body = {
            "systemInstruction": {"parts": [{"text": system}]},
            "contents": [
                {"role": role, "parts": [{"text": text}]} for role, text in turns(prompt, model="model")
            ],
            "generationConfig": settings,
        }
        return Request(f"{self.look}:streamGenerateContent?alt=sse", body)

    @property
    def headers(self) -> Mapping[str, str]:
        return {"x-goog-api-key": self._key} if self._key else {}

    @property
    def look(self) -> str:
        return f"/v1beta/models/{quote(self.config.model, safe='')}"

    def pieces(self, lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        return server_sent(lines)

    def read(self, piece: Chunk, so_far: Incoming) -> bool:
        if piece.error is not None:
            raise ProviderFailed(f"it failed: {message_of(piece.error)}", fault=Fault.AWAY)
        if piece.feedback is not None and piece.feedback.block_reason:
            why = told(piece.feedback.block_reason)
            raise ProviderFailed(f"it did not answer: {why}", fault=Fault.REFUSED, final=True)
        so_far.model = piece.model or so_far.model
        if piece.usage is not None:  # counts so far, not of this chunk
            so_far.tokens_in = piece.usage.asked
            so_far.tokens_out = piece.usage.answered + piece.usage.thought
        for candidate in piece.candidates[:1]:
            for part in candidate.content.parts:
                so_far.say(None if part.thought else part.text)
            so_far.ended(candidate.finish_reason, fine=("STOP",), too_long=("MAX_TOKENS",))
        return so_far.whole

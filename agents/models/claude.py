"""Claude: the Messages API as server-sent events, the schema as `output_config.format`.

A forced tool call would do the same, but models that always think refuse it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from agents.models.config import ClaudeConfig
from agents.models.model import Fault, Prompt, ProviderFailed
from agents.models.refusal import message_of
from agents.models.shape import is_closed
from agents.models.wire import HttpProvider, Incoming, Piece, Request, server_sent, turns, with_shape

VERSION = "2023-06-01"


class Used(Piece):
    input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens: int | None = None

    @property
    def asked(self) -> int:
        parts = (self.input_tokens, self.cache_creation_input_tokens, self.cache_read_input_tokens)
        return sum(part or 0 for part in parts)


class Message(Piece):
    model: str = ""
    usage: Used | None = None


class Delta(Piece):
    type: str = ""
    text: str | None = None
    stop_reason: str | None = None


class Happening(Piece):
    type: str
    message: Message | None = None
    delta: Delta | None = None
    usage: Used | None = None
    error: Any = None


class Claude(HttpProvider[ClaudeConfig, Happening]):
    name: ClassVar[str] = "claude"
    piece = Happening

    def request(self, prompt: Prompt, *, shaped: bool) -> Request:
        held = shaped and is_closed(prompt.schema)
        body: dict[str, Any] = {
            "model": self.config.model,
            "max_tokens": self._asking.max_answer_tokens,
            "system": prompt.system if held else with_shape(prompt),
            "messages": [{"role": role, "content": text} for role, text in turns(prompt)],
            "stream": True,
        }
        if held:
            body["output_config"] = {"format": {"type": "json_schema", "schema": prompt.schema}}
        return Request("/v1/messages", body)

    @property
    def headers(self) -> Mapping[str, str]:
        return {"anthropic-version": VERSION, **({"x-api-key": self._key} if self._key else {})}

    @property
    def look(self) -> str:
        return f"/v1/models/{quote(self.config.model, safe='')}"

    def pieces(self, lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        return server_sent(lines)

    def read(self, piece: Happening, so_far: Incoming) -> bool:
        """Kinds that are not named here are passed over: pings, thinking, and what is yet to come."""
        if piece.type == "error":
            raise ProviderFailed(f"it failed: {message_of(piece.error)}", fault=Fault.AWAY)
        if piece.type == "message_start" and piece.message is not None:
            so_far.model = piece.message.model
            self._count(piece.message.usage, so_far)
        if piece.delta is not None and piece.delta.type == "text_delta":
            so_far.say(piece.delta.text)
        if piece.type == "message_delta":
            self._count(piece.usage, so_far)
            if piece.delta is not None:
                why = piece.delta.stop_reason
                so_far.ended(why, fine=("end_turn", "stop_sequence"), too_long=("max_tokens",))
        return piece.type == "message_stop"

    @staticmethod
    def _count(used: Used | None, so_far: Incoming) -> None:
        if used is not None:
            so_far.tokens_in = used.asked or so_far.tokens_in
            so_far.tokens_out = used.output_tokens or so_far.tokens_out

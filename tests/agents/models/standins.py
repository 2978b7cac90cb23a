"""Model services that are none: real sockets, each provider's real wire format, and every way to fail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from agents.models.claude import Claude
from agents.models.config import (
    Asking,
    ClaudeConfig,
    GeminiConfig,
    OllamaConfig,
    OpenAiConfig,
    Service,
)
from agents.models.gemini import Gemini
from agents.models.model import Provider
from agents.models.ollama import Ollama
from agents.models.openai_compatible import OpenAiCompatible
from agents.models.wire import HttpProvider
from connectors.http import HttpClient

KEY = "opensesame-once"
"""One that no pattern knows: only who holds it can hide it."""
MODEL = "stand-in-1"
TOKENS_IN, TOKENS_OUT = 120, 45
HANG_UP = b""
"""As a frame: the connection ends here, in the middle."""


# -- how the services speak: a text as the frames of an answer


def _line(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode() + b"\n"


def _event(content: Any, name: str = "") -> bytes:
    head = f"event: {name}\n".encode() if name else b""
    return head + b"data: " + json.dumps(content, ensure_ascii=False).encode() + b"\n\n"


def _in_pieces(text: str, count: int = 4) -> list[str]:
    size = max(1, -(-len(text) // count))
    return [text[at : at + size] for at in range(0, len(text), size)]


@dataclass(frozen=True)
class Tongue:
    """One service: its path, where the key stands, its frames."""

    name: str
    path: str
    key_header: tuple[str, str]
    says: Callable[[str], list[bytes]]
    """the frames that carry a piece of text"""
    ends: Callable[[str], list[bytes]]
    """the frames that end an answer, for a reason"""
    begins: tuple[bytes, ...]
    stop: str
    too_long: str
    refuses: str
    fails: Callable[[str], bytes]
    """an error within the stream"""
    make: Callable[[str, HttpClient, Asking], HttpProvider[Any, Any]]
    shape: Callable[[dict[str, Any]], Any]
    """the schema out of a request's body; None where it holds none"""
    system: Callable[[dict[str, Any]], str]
    roles: Callable[[dict[str, Any]], list[str]]
    texts: Callable[[dict[str, Any]], list[str]]

    def answer(self, text: str, *, stop: str | None = None) -> list[bytes]:
        frames = [frame for piece in _in_pieces(text) for frame in self.says(piece)]
        return [*self.begins, *frames, *self.ends(stop or self.stop)]

    def cut_answer(self, text: str) -> list[bytes]:
        return [*self.begins, *(frame for piece in _in_pieces(text) for frame in self.says(piece))]


def _ollama_line(content: str, **more: Any) -> bytes:
    message = {"role": "assistant", "content": content}
    return _line({"model": MODEL, "created_at": "2026-11-21T10:00:00Z", "message": message, **more})


OLLAMA = Tongue(
    name="ollama",
    path="/api/chat",
    key_header=("authorization", f"Bearer {KEY}"),
    begins=(),
    says=lambda text: [_ollama_line(text, done=False)],
    ends=lambda why: [
        _ollama_line("", done=True, done_reason=why, prompt_eval_count=TOKENS_IN, eval_count=TOKENS_OUT)
    ],
    stop="stop",
    too_long="length",
    refuses="unload",
    fails=lambda text: _line({"error": text}),
    make=lambda url, http, asking: Ollama(OllamaConfig(url=url, model=MODEL, key=KEY), http, asking),
    shape=lambda body: body.get("format"),
    system=lambda body: body["messages"][0]["content"],
    roles=lambda body: [message["role"] for message in body["messages"][1:]],
    texts=lambda body: [message["content"] for message in body["messages"][1:]],
)


def _openai_chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": MODEL}
    return _event({**head, "choices": [choice], "usage": None})


OPENAI = Tongue(
    name="openai",
    path="/v1/chat/completions",
    key_header=("authorization", f"Bearer {KEY}"),
    begins=(b": keep-alive\n\n", _openai_chunk({"role": "assistant", "content": ""})),
    says=lambda text: [_openai_chunk({"content": text})],
    ends=lambda why: [
        _openai_chunk({}, why),
        _event(
            {
                "id": "chatcmpl-1",
                "object": "chat.completion.chunk",
                "model": MODEL,
                "choices": [],
                "usage": {"prompt_tokens": TOKENS_IN, "completion_tokens": TOKENS_OUT, "total_tokens": 165},
            }
        ),
        b"data: [DONE]\n\n",
    ],
    stop="stop",
    too_long="length",
    refuses="content_filter",
    fails=lambda text: _event({"error": {"message": text, "type": "server_error"}}),
    make=lambda url, http, asking: OpenAiCompatible(
        OpenAiConfig(url=f"{url}/v1", model=MODEL, key=KEY), http, asking
    ),
    shape=lambda body: body.get("response_format", {}).get("json_schema", {}).get("schema"),
    system=lambda body: body["messages"][0]["content"],
    roles=lambda body: [message["role"] for message in body["messages"][1:]],
    texts=lambda body: [message["content"] for message in body["messages"][1:]],
)


def _gemini_chunk(text: str, finish: str | None = None, *, thought: bool = False) -> bytes:
    part = {"text": text, **({"thought": True} if thought else {})}
    candidate = {"content": {"parts": [part], "role": "model"}, "index": 0}
    ended = {"finishReason": finish} if finish else {}
    used = {
        "promptTokenCount": TOKENS_IN,
        "candidatesTokenCount": TOKENS_OUT - 5,
        "thoughtsTokenCount": 5,
        "totalTokenCount": 165,
    }
    return _event({"candidates": [{**candidate, **ended}], "usageMetadata": used, "modelVersion": MODEL})


GEMINI = Tongue(
    name="gemini",
    path=f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse",
    key_header=("x-goog-api-key", KEY),
    begins=(_gemini_chunk("Let me think {about} it.", thought=True),),
    says=lambda text: [_gemini_chunk(text).replace(b"\n\n", b"\r\n\r\n")],
    ends=lambda why: [_gemini_chunk("", why)],
    stop="STOP",
    too_long="MAX_TOKENS",
    refuses="SAFETY",
    fails=lambda text: _event({"error": {"code": 500, "message": text, "status": "INTERNAL"}}),
    make=lambda url, http, asking: Gemini(GeminiConfig(url=url, model=MODEL, key=KEY), http, asking),
    shape=lambda body: body["generationConfig"].get("responseJsonSchema"),
    system=lambda body: body["systemInstruction"]["parts"][0]["text"],
    roles=lambda body: [content["role"].replace("model", "assistant") for content in body["contents"]],
    texts=lambda body: [content["parts"][0]["text"] for content in body["contents"]],
)


def _claude_event(kind: str, **more: Any) -> bytes:
    return _event({"type": kind, **more}, kind)


def _claude_delta(index: int, **delta: Any) -> bytes:
    return _claude_event("content_block_delta", index=index, delta=delta)


CLAUDE = Tongue(
    name="claude",
    path="/v1/messages",
    key_header=("x-api-key", KEY),
    begins=(
        _claude_event(
            "message_start",
            message={
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "content": [],
                "model": MODEL,
                "stop_reason": None,
                "usage": {
                    "input_tokens": TOKENS_IN - 20,
                    "cache_creation_input_tokens": 0,
                    "cache_read_input_tokens": 20,
                    "output_tokens": 1,
                },
            },
        ),
        _claude_event("content_block_start", index=0, content_block={"type": "thinking", "thinking": ""}),
        _claude_delta(0, type="thinking_delta", thinking="Let me think {about} it."),
        _claude_event("content_block_stop", index=0),
        _claude_event("ping"),
        _claude_event("content_block_start", index=1, content_block={"type": "text", "text": ""}),
    ),
    says=lambda text: [_claude_delta(1, type="text_delta", text=text)],
    ends=lambda why: [
        _claude_event("content_block_stop", index=1),
        _claude_event(
            "message_delta",
            delta={"stop_reason": why, "stop_sequence": None},
            usage={"output_tokens": TOKENS_OUT},
        ),
        _claude_event("message_stop"),
    ],
    stop="end_turn",
    too_long="max_tokens",
    refuses="refusal",
    fails=lambda text: _claude_event("error", error={"type": "overloaded_error", "message": text}),
    make=lambda url, http, asking: Claude(ClaudeConfig(url=url, model=MODEL, key=KEY), http, asking),
    shape=lambda body: body.get("output_config", {}).get("format", {}).get("schema"),
    system=lambda body: body["system"],
    roles=lambda body: [message["role"] for message in body["messages"]],
    texts=lambda body: [message["content"] for message in body["messages"]],
)

TONGUES = (OLLAMA, OPENAI, GEMINI, CLAUDE)


# -- what a stand-in does when it is asked


@dataclass(frozen=True)
class Says:
    """An answer in frames, so long apart from each other."""

    frames: Sequence[bytes]
    pause_secs: float = 0.0
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    endless: bool = False
    """the frames again and again"""


@dataclass(frozen=True)
class SaysNothing:
    """Takes the question and falls silent, after these frames."""

    after: Sequence[bytes] = ()


Deed = Says | SaysNothing


def refusing(status: int, body: Any, **headers: str) -> Says:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Says([json.dumps(body).encode()], status=status, headers=named)


@dataclass
class Asked:
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class StandIn:
    """Does one deed after the other; the last one again and again."""

    url: str = ""
    deeds: list[Deed] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    left_alone: int = 0
    """how often the other side hung up while nothing was said"""

    def will(self, *deeds: Deed) -> None:
        self.deeds = list(deeds)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            self.asked.append(await _request(reader))
            deed = self.deeds.pop(0) if len(self.deeds) > 1 else self.deeds[0]
            await self._do(deed, reader, writer)
        writer.close()

    async def _do(self, deed: Deed, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        frames = deed.frames if isinstance(deed, Says) else deed.after
        if frames or isinstance(deed, Says):
            status, headers = (deed.status, deed.headers) if isinstance(deed, Says) else (200, {})
            lines = [f"HTTP/1.1 {status} X", "Transfer-Encoding: chunked", "Connection: close"]
            head = "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items())])
            writer.write(head.encode() + b"\r\n\r\n")
        while True:
            for frame in frames:
                if frame == HANG_UP:
                    writer.transport.abort()
                    return
                writer.write(b"%x\r\n%b\r\n" % (len(frame), frame))
                await writer.drain()
                if isinstance(deed, Says) and deed.pause_secs:
                    await asyncio.sleep(deed.pause_secs)
            if isinstance(deed, SaysNothing):
                await reader.read()  # until the other side hangs up
                self.left_alone += 1
                return
            if not deed.endless:
                break
        writer.write(b"0\r\n\r\n")
        await writer.drain()


async def _request(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(first.split(" ")[1], headers, json.loads(body or b"{}"))


@asynccontextmanager
async def stand_in() -> AsyncIterator[StandIn]:
    service = StandIn()
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0)
    service.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield service
    finally:
        server.close()


# -- a check of the types: each of them is a provider


def as_provider(provider: HttpProvider[Service, Any]) -> Provider:
    return provider

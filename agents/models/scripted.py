"""A provider that says what it was told to say: for tests, and for trying agents without any model.

provider = Scripted({"diagnostician": [{"hypotheses": []}, ProviderFailed("away")], "solver": obey})
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any

import orjson

from agents.models.model import Completion, Fault, Prompt, ProviderFailed

Line = str | Mapping[str, Any] | ProviderFailed
"""A text as it is, an object as JSON, or a failure."""
Actor = Callable[[Prompt], Line | Awaitable[Line]]
"""Thinks of an answer when it is asked."""
Script = Iterable[Line] | Actor


class Scripted:
    """A script for each agent, or one for all; when a script is over, it fails."""

    def __init__(
        self, script: Mapping[str, Script] | Actor, *, name: str = "scripted", cloud: bool = False
    ) -> None:
        self.name, self.cloud = name, cloud
        self.asked: list[Prompt] = []
        self._script: Mapping[str, Actor | Iterator[Line]] | Actor = (
            script
            if callable(script)
            else {agent: part if callable(part) else iter(part) for agent, part in script.items()}
        )

    async def complete(self, prompt: Prompt) -> Completion:
        self.asked.append(prompt)
        line = await self._next(prompt)
        if isinstance(line, ProviderFailed):
            raise line
        text = line if isinstance(line, str) else orjson.dumps(line).decode()
        return Completion(text, f"{self.name}-1", len(prompt.system + prompt.text) // 4, len(text) // 4)

    async def _next(self, prompt: Prompt) -> Line:
        part = self._script if callable(self._script) else self._script.get(prompt.name, iter(()))
        if callable(part):
            said = part(prompt)
            return await said if isinstance(said, Awaitable) else said
        over = ProviderFailed(f"the script of {prompt.name} is over", fault=Fault.AWAY, final=True)
        return next(part, over)

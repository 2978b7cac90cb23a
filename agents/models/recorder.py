"""Answers written to a file, and given again from it: a run can be repeated without any model.

A line is one answer as JSON. Questions are told apart by a hash; their text is not kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from agents.models.model import Completion, Fault, Prompt, Provider, ProviderFailed
from schemas.errors import Misconfigured


def key_of(prompt: Prompt) -> str:
    """The same for the same question, whoever is asked and how patiently."""
    parts = [prompt.name, prompt.system, prompt.text, prompt.schema, prompt.history]
    return sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).hexdigest()


class Recorder:
    """A provider whose answers, and whose failures, are kept."""

    def __init__(self, provider: Provider, path: Path) -> None:
        self.name, self.cloud = provider.name, provider.cloud
        self._provider, self._path = provider, path

    async def complete(self, prompt: Prompt) -> Completion:
        try:
            completion = await self._provider.complete(prompt)
        except ProviderFailed as failed:
            self._keep(prompt, {"failed": str(failed), "fault": failed.fault, "final": failed.final})
            raise
        self._keep(
            prompt,
            {
                "text": completion.text,
                "model": completion.model,
                "tokens_in": completion.tokens_in,
                "tokens_out": completion.tokens_out,
            },
        )
        return completion

    def _keep(self, prompt: Prompt, said: dict[str, Any]) -> None:
        line = orjson.dumps({"provider": self.name, "agent": prompt.name, "key": key_of(prompt), **said})
        with self._path.open("ab") as file:  # one write a line: several processes may share the file
            file.write(line + b"\n")


class Replayed:
    """What a recorder kept of one provider. One asked again gets the next answer, then the last."""

    def __init__(self, path: Path, name: str, *, cloud: bool) -> None:
        self.name, self.cloud = name, cloud
        self._kept: dict[str, list[dict[str, Any]]] = {}
        for line in lines_of(path):
            if line["provider"] == name:
                self._kept.setdefault(line["key"], []).append(line)

    async def complete(self, prompt: Prompt) -> Completion:
        kept = self._kept.get(key_of(prompt))
        if not kept:
            raise ProviderFailed("this question was not recorded", fault=Fault.AWAY, final=True)
        line = kept.pop(0) if len(kept) > 1 else kept[0]
        if "failed" in line:
            raise ProviderFailed(line["failed"], fault=Fault(line["fault"]), final=line["final"])
        return Completion(line["text"], line["model"], line["tokens_in"], line["tokens_out"])


def lines_of(path: Path) -> Iterator[dict[str, Any]]:
    """Misconfigured where it is no recording."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Misconfigured(f"{path}: the recording cannot be read: {error.strerror}") from error
    for number, text in enumerate(content.splitlines(), 1):
        try:
            line: dict[str, Any] = orjson.loads(text)
            line["provider"], line["key"], line["failed" if "failed" in line else "text"]
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise Misconfigured(f"{path}: line {number} is no recorded answer") from error
        yield line

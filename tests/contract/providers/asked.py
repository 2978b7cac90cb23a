"""What the tests of model providers ask, and what is answered."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import Field

from agents.models.config import Asking
from agents.models.model import Prompt, ProviderFailed, Reply
from agents.models.shape import schema_of

QUICK_SECS = 0.15
"""Silence that is waited for; elsewhere a busy machine may take its time."""
ASKING = Asking(connect_secs=10.0, silence_secs=20.0, max_answer_bytes=20_000, retry_wait_secs=0.01)


class Cause(Reply):
    cause: str = Field(description="in one sentence")
    confidence: float = Field(ge=0, le=1)


RIGHT = '{"cause": "disk full on db", "confidence": 0.5}'
VALUE = Cause(cause="disk full on db", confidence=0.5)
PROMPT = Prompt("You are careful.", "What is it?", schema_of(Cause), "diagnostician")


async def failure(provider: Any, prompt: Prompt = PROMPT) -> ProviderFailed:
    with pytest.raises(ProviderFailed) as caught:
        await provider.complete(prompt)
    return caught.value

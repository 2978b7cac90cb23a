"""What tokens cost: USD per million, written `in/out`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

MILLION = 1_000_000
CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Price:
    tokens_in: float
    tokens_out: float

    def of(self, tokens_in: int, tokens_out: int) -> float:
        return (tokens_in * self.tokens_in + tokens_out * self.tokens_out) / MILLION


NOTHING = Price(0.0, 0.0)

# List prices of November 2026, so that a first start counts money; AWOOOI_MODELS_PRICES says better.
SHIPPED: Mapping[str, Price] = {
    "claude-haiku-4-5": Price(1.0, 5.0),
    "claude-opus-5-5": Price(4.0, 20.0),
    "claude-sonnet-5-5": Price(2.0, 10.0),
    "gemini-3.7-flash": Price(1.5, 7.5),
}


def read_price(text: str, model: str) -> Price:
    """ValueError names the model: its price is written wrongly."""
    parts = text.split("/")
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        numbers = []
    if len(numbers) != 2 or not all(math.isfinite(number) and number >= 0 for number in numbers):
        raise ValueError(f"{model}: a price is written in/out in USD per million tokens, like 2/10")
    return Price(*numbers)


def estimated_tokens(text: str) -> int:
    """Where a provider does not count: a budget must not take silence for nothing."""
    return math.ceil(len(text) / CHARACTERS_PER_TOKEN)

"""What all the texts of a rule have in common: they differ in their digits alone.

A rule says "Pod x-7 was restarted 12 times", then 13. Where the numbers stand is found out once for all
texts with the same characters in the same places, whatever their digits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from connectors.alerts import limits, metrics

# A number that stands alone: part of no address, key or word, whatever it is
LONE_NUMBERS = re.compile(
    r"(?<![^ (])[0-9]{1,9}(?:\.[0-9]{1,6})?(?=[ %,)]|\.?$|\. |ms\b|[smhd%]\b|[KMGT]i?B?\b)"
)
_ZEROS = bytes.maketrans(b"123456789", b"0" * 9)


@dataclass(frozen=True, slots=True)
class Shape:
    """Where a text's numbers stand: those that stand alone, and those that the text names."""

    lone: tuple[tuple[int, int], ...]
    named: tuple[metrics.Place, ...]

    @classmethod
    def of(cls, text: str) -> Shape:
        lone = tuple(found.span() for found in LONE_NUMBERS.finditer(text))
        return cls(lone, tuple(metrics.places_in(text[: limits.DESCRIPTION])))

    def without_numbers(self, text: str) -> str:
        """The text with 0 for each number that stands alone."""
        if not self.lone:
            return text
        parts, at = list[str](), 0
        for start, end in self.lone:
            parts.append(text[at:start])
            at = end
        return "0".join((*parts, text[at:]))

    def numbers_in(self, text: str) -> dict[str, float]:
        return metrics.numbers_at(text, self.named)


def key_of(text: str) -> bytes:
    """The same for all texts of one shape: each digit is 0, but for 99, which may belong to the name p99."""
    raw = text.encode()
    if b"99" not in raw:
        return raw.translate(_ZEROS)
    return b"99".join([part.translate(_ZEROS) for part in raw.split(b"99")])

"""Labelled lines in groups: in how many of each it happened, and which lines are held out."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from agents.evaluation.intervals import Share


def is_held_out(text: str) -> bool:
    """Half of all texts, chosen by their hash: not looked at by whoever works on what is measured."""
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()[0] % 2 == 1


@dataclass(slots=True)
class Tally:
    hits: Counter[str] = field(default_factory=Counter)
    all: Counter[str] = field(default_factory=Counter)

    def add(self, group: str, *, hit: bool) -> None:
        self.all[group] += 1
        self.hits[group] += hit

    def share(self, group: str) -> Share:
        return Share(self.hits[group], self.all[group])

    def shares(self) -> Iterator[tuple[str, Share]]:
        return ((group, self.share(group)) for group in sorted(self.all))

    def plain(self) -> dict[str, Any]:
        return {group: share.plain() for group, share in self.shares()}

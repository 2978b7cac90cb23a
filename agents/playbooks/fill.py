"""Placeholders of a playbook, filled from the incident's labels and evidence; never from a model."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from agents.playbooks.placeholders import PLACEHOLDER
from agents.playbooks.seen import Seen
from schemas.evidence import Brief, EvidenceItem
from schemas.operations import Target

MORE = "more"
"""half as much again as there is now"""
_LONGEST = 253
_SAFE = re.compile(r"[\w.:/@\[\] +-]*")


class Unfilled(Exception):
    """A placeholder for which neither labels nor evidence have anything."""


@dataclass(frozen=True, slots=True)
class Filling:
    brief: Brief
    seen: Seen
    items: Sequence[EvidenceItem]
    """the cited ones first"""
    target: Target | None = None

    def number(self, *names: str) -> float | None:
        """The first that an item has: those cited, then all about the service."""
        for item in (*self.items, *self.seen.items):
            for name in names:
                if name in item.numbers:
                    return item.numbers[name]
        return None

    def value(self, name: str, part: str) -> str | None:
        subject = self.brief.subject
        plain: Mapping[str, Callable[[], str | None]] = {
            "subject": lambda: subject.target.name or self.seen.service or "it",
            "service": lambda: self.seen.service or subject.target.name or "it",
            "namespace": lambda: subject.target.namespace or None,
            "target": lambda: self.target.name if self.target else None,
            "labels": lambda: subject.labels.get(part),
            "words": lambda: self._word(part),
            "numbers": lambda: self._shown(part),
        }
        return plain[name]() if name in plain else None

    def _word(self, name: str) -> str | None:
        items = (*self.items, *self.seen.items)
        return next((item.words[name] for item in items if name in item.words), None)

    def _shown(self, name: str) -> str | None:
        value = self.number(name)
        return None if value is None else f"{value:g}"


def fill(text: str, filling: Filling) -> str:
    """For sentences: what is not known is told as such."""
    return PLACEHOLDER.sub(lambda found: filling.value(found[1], found[2] or "") or "?", text)


def fill_exactly(text: str, filling: Filling) -> str:
    """For parameters and queries: what is not known, or is no plain name, stops it."""

    def put(found: re.Match[str]) -> str:
        value = filling.value(found[1], found[2] or "")
        if not value or len(value) > _LONGEST or not _SAFE.fullmatch(value):
            raise Unfilled(found[0])
        return value

    return PLACEHOLDER.sub(put, text)


def half_as_much_again(now: float) -> int:
    return max(math.ceil(now * 1.5), math.floor(now) + 1)

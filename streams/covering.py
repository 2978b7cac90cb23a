"""Words of servers, before they are written: a run's values become its labels again, others are covered."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from agents.privacy import cover_text
from agents.run_shield import WITHHELD

MOST_WORDS = 400


def covering(values: Mapping[str, str]) -> Callable[[str], str]:
    """`values` are the run's, by label. What is personal beside them is gone for good."""
    labels = {value: label for label, value in values.items() if value}
    ordered = sorted(labels, key=len, reverse=True)
    known = re.compile("(" + "|".join(map(re.escape, ordered)) + ")") if ordered else None

    def cover(text: str) -> str:
        try:
            parts = known.split(text) if known is not None else [text]
            return "".join(labels.get(part) or cover_text(part, MOST_WORDS) for part in parts)[:MOST_WORDS]
        except Exception:  # noqa: BLE001  whatever it is, the text must not get through
            return WITHHELD

    return cover

"""The privacy shield: personal values become labels, and labels lead back to the values.

shield = Shield()
shield.cover("login of bob@example.com from 10.1.2.3")  # "login of [EMAIL_1] from [IP_1]"
shield.values                                           # {"[EMAIL_1]": "bob@example.com", ...}
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from agents.personal import FORGED, Finding, find


class Shield:
    """Numbers values within one text body (an alert, a run): the same value has the same label."""

    __slots__ = ("_counts", "_labels", "values")

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self._labels: dict[tuple[str, str], str] = {}
        self._counts: dict[str, int] = {}

    def cover(self, text: str, keep: Collection[str] = ()) -> str:
        """The text with every value replaced by its label, but for the kinds to keep."""
        return self.replace(text, find(text), keep)

    def replace(self, text: str, findings: Sequence[Finding], keep: Collection[str] = ()) -> str:
        """The same for values that `find` has found before; texts repeat, so callers remember them."""
        parts: list[str] = []
        at = 0
        for start, end, kind in findings:
            if kind not in keep:
                parts += (text[at:start], self._label(kind, text[start:end]))
                at = end
        return "".join((*parts, text[at:])) if parts else text

    def _label(self, kind: str, value: str) -> str:
        if kind == FORGED:
            return f"({value[1:-1]})"
        label = self._labels.get((kind, value))
        if label is None:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            label = self._labels[kind, value] = f"[{kind}_{self._counts[kind]}]"
            self.values[label] = value
        return label

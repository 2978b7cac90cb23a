"""One shield for one run: what the alert's labels stood for and what was gathered, numbered together.

It fails closed: a text that cannot be shielded is withheld, and `trouble` says why.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache

from agents.personal import FORGED, Finding, find
from agents.privacy import Shield, kind_of, labels_in, restore
from connectors.alerts.limits import cut
from connectors.alerts.purify import Purifier
from schemas.errors import CannotOpen

WITHHELD = "(withheld: the privacy shield failed)"
LONGEST_NAME = 253
_LOOKED_AT = 4  # times its limit: a long text is looked at no further
_SHORTEST_SECRET = 8
_UNLIKE_A_NAME = re.compile(r"(?=.*\d)(?=.*[A-Za-z])|.*[^\w.-]")


class RunShield:
    def __init__(self, opened: Mapping[str, str]) -> None:
        self.trouble = ""
        self._shield = Shield()
        self._opened = opened
        self._known = {value: kind_of(label) for label, value in opened.items() if _is_telling(value)}

    @property
    def values(self) -> Mapping[str, str]:
        return self._shield.values

    def of_alert(self, text: str) -> str:
        """A text that passed normalize: its labels are opened and numbered anew."""
        if any(label not in self._opened for label in labels_in(text)):
            self.trouble = self.trouble or "nothing was sealed with the alert for some of its labels"
        return self._safely(lambda: self._renumbered(text), text)

    def gathered(self, text: str, limit: int) -> str:
        """A text from outside: cut, freed of what talks to a model, covered."""
        return self._safely(lambda: shortened(self._read(cut(text, _LOOKED_AT * limit)), limit), text)

    def name(self, text: str) -> str | None:
        """A name that must come back exactly as it was; None where it would not, or is not one."""
        shown = self.gathered(text, LONGEST_NAME)
        return shown if shown != WITHHELD and self._restored(shown) == text else None

    def _restored(self, shown: str) -> str | None:
        try:
            return restore(shown, self.values)
        except CannotOpen:
            return None

    def leaks(self, text: str) -> bool:
        """Whether a finished text still holds what should be a label, or a label that is none of ours."""
        try:
            found = find(text)
        except Exception:  # noqa: BLE001 - what cannot be looked at counts as a leak
            return True
        return any(kind != FORGED or not self._shield.knows(text[start:end]) for start, end, kind in found)

    def _read(self, text: str) -> str:
        text, findings = _reading(text)
        return self._shield.replace(text, self._and_known(text, findings))

    def _renumbered(self, text: str) -> str:
        return self._shield.renumber(text, self._and_known(text, find(text)), self._opened)

    def _and_known(self, text: str, findings: Sequence[Finding]) -> Sequence[Finding]:
        """A password that the alert named is one here too, even where nothing else says so."""
        known = [
            span
            for span in self._known_in(text)
            if all(span[1] <= start or end <= span[0] for start, end, _ in findings)
        ]
        return sorted((*findings, *known)) if known else findings

    def _known_in(self, text: str) -> Iterator[Finding]:
        taken: list[tuple[int, int]] = []
        for value, kind in self._known.items():
            at = text.find(value)
            while at >= 0:
                end = at + len(value)
                if all(end <= other[0] or other[1] <= at for other in taken):
                    taken.append((at, end))
                    yield at, end, kind
                at = text.find(value, end)

    def _safely(self, covered: Callable[[], str], text: str) -> str:
        try:
            return covered()
        except Exception as error:  # noqa: BLE001 - whatever it is, the text must not get through
            self.trouble = f"{type(error).__name__} in a text of {len(text)} characters"
            return WITHHELD


@lru_cache(maxsize=4096)  # runs of one storm are told the same things
def _reading(text: str) -> tuple[str, Sequence[Finding]]:
    reading = Purifier(find, Shield).reading(text)
    return (text, ()) if reading is None else (reading.text, reading.findings)


def shortened(text: str, limit: int) -> str:
    """Whoever reads it sees that there was more."""
    return text if len(text) <= limit else f"{cut(text, limit - 2)} …"


def _is_telling(value: str) -> bool:
    """Long and odd enough that the same word elsewhere is the same value."""
    return len(value) >= _SHORTEST_SECRET and _UNLIKE_A_NAME.match(value) is not None

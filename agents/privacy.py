"""The privacy shield: personal values become labels, and labels lead back to the values.

shield = Shield()
shield.cover("login of bob@example.com from 10.1.2.3")  # "login of [EMAIL_1] from [IP_1]"
shield.values                                           # {"[EMAIL_1]": "bob@example.com", ...}
restore("restart [IP_1]", shield.values)                # "restart 10.1.2.3"
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from agents.personal import FORGED, KINDS, Finding, find
from connectors.alerts.limits import cut
from schemas.errors import CannotOpen
from schemas.operations import Parameters, Step

LABEL = re.compile(rf"\[({'|'.join(KINDS)})_[0-9]+\]")
_LOOKED_AT = 4  # times its limit: a long text is looked at no further


class Shield:
    """Numbers values within one text body (an alert, a run): the same value has the same label."""

    __slots__ = ("_counts", "_labels", "values")

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self._labels: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def cover(self, text: str, keep: Collection[str] = ()) -> str:
        """The text with every value replaced by its label, but for the kinds to keep."""
        return self.replace(text, find(text), keep)

    def replace(self, text: str, findings: Sequence[Finding], keep: Collection[str] = ()) -> str:
        """The same for values that `find` has found before; texts repeat, so callers remember them."""
        if not findings:
            return text
        parts: list[str] = []
        at = 0
        for start, end, kind in findings:
            if kind not in keep:
                parts += (text[at:start], self._shown(kind, text[start:end]))
                at = end
        return "".join((*parts, text[at:]))

    def renumber(self, text: str, findings: Sequence[Finding], values: Mapping[str, str]) -> str:
        """A text with another shield's labels: they become ours, and what they left readable is covered.

        `values` says what they stand for. One whose value is not known gets a label with no way back.
        """
        parts: list[str] = []
        at = 0
        for start, end, kind in findings:
            found = text[start:end]
            shown = self._ours(found, values) if kind == FORGED else self.label(kind, found)
            parts += (text[at:start], shown)
            at = end
        return "".join((*parts, text[at:]))

    def label(self, kind: str, value: str) -> str:
        """Its first label, whatever it is taken for later."""
        label = self._labels.get(value)
        if label is None:
            label = self._labels[value] = self._next(kind)
            self.values[label] = value
        return label

    def knows(self, label: str) -> bool:
        return label in self.values or label in self._labels.values()

    def _shown(self, kind: str, value: str) -> str:
        return f"({value[1:-1]})" if kind == FORGED else self.label(kind, value)

    def _ours(self, theirs: str, values: Mapping[str, str]) -> str:
        kind, value = kind_of(theirs), values.get(theirs)
        if value is not None:
            return self.label(kind, value)
        unknown = f"\0{theirs}"  # no text's value
        return self._labels.get(unknown) or self._labels.setdefault(unknown, self._next(kind))

    def _next(self, kind: str) -> str:
        self._counts[kind] = self._counts.get(kind, 0) + 1
        return f"[{kind}_{self._counts[kind]}]"


def kind_of(label: str) -> str:
    """[API_KEY_2] → API_KEY"""
    return label[1:].rpartition("_")[0]


def labels_in(text: str) -> Iterator[str]:
    return (label[0] for label in LABEL.finditer(text))


def cover_text(text: str, limit: int) -> str:
    """For error texts of servers and notes of people: what is personal in them is gone for good.

    The labels bear no number, `[IP]`: they lead back to nothing, and none of them can be taken for a
    label of the run that the text stands beside.
    """
    seen = cut(text, _LOOKED_AT * limit)
    parts: list[str] = []
    at = 0
    for start, end, kind in find(seen):
        shown = f"({seen[start + 1 : end - 1]})" if kind == FORGED else f"[{kind}]"
        parts += (seen[at:start], shown)
        at = end
    return cut("".join((*parts, seen[at:])), limit)


# --- the way back: right before an execution, and nowhere else ------------------------------------------


def restore(text: str, values: Mapping[str, str]) -> str:
    """The text with its real values. CannotOpen where one of its labels has none here."""

    def value(label: re.Match[str]) -> str:
        real = values.get(label[0])
        if real is None:
            raise CannotOpen(f"no value is known for {label[0]}")
        return real

    return LABEL.sub(value, text)


def restore_step(step: Step, values: Mapping[str, str]) -> Step:
    """The step as it is to be run, with the real names of its target and in its parameters."""
    target, given = step.target, step.parameters
    real = target.model_copy(
        update={
            name: restore(getattr(target, name), values) for name in ("cluster", "namespace", "kind", "name")
        }
    )
    return Step(operation=step.operation, target=real, parameters=_restored(given, values))


def _restored(parameters: Parameters, values: Mapping[str, str]) -> Parameters:
    plain = parameters.model_dump()
    for name, value in plain.items():
        if isinstance(value, str):
            plain[name] = restore(value, values)
        elif isinstance(value, dict):
            plain[name] = {key: restore(text, values) for key, text in value.items()}
    return Parameters(**plain)

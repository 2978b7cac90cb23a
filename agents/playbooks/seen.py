"""What of a run's evidence bears on one service, and whether a fact of a playbook stands in it."""

from __future__ import annotations

import fnmatch
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from agents.playbooks.shape import Fact
from agents.playbooks.words import holds
from schemas.evidence import WRITTEN, Brief, EvidenceItem, NodeKind, Source

OUTSIDE = frozenset({Source.KUBERNETES, Source.PROMETHEUS, Source.TOPOLOGY})
"""What nobody who only writes alerts can say: history is made of alerts as well"""
_TELLS_NO_FAULT = "topology"
"""who depends on whom is no sign that anything is wrong"""


def from_outside(item: EvidenceItem) -> bool:
    return item.source in OUTSIDE and item.kind != _TELLS_NO_FAULT


@dataclass(frozen=True, slots=True)
class Seen:
    """A service with the items about it; the incident's own service has the alert's words too."""

    service: str
    kind: NodeKind | None
    items: tuple[EvidenceItem, ...]
    is_subject: bool

    def showing(self, fact: Fact) -> Iterator[EvidenceItem]:
        return (item for item in self.items if shows(item, fact))


def shows(item: EvidenceItem, fact: Fact) -> bool:
    if fact.sources and item.source not in fact.sources:
        return False
    if fact.kinds and item.kind not in fact.kinds:
        return False
    if not has_words(item.words, fact.words) or (fact.says and not _says(item, fact)):
        return False
    return not fact.number or _compares(item, fact)


def _says(item: EvidenceItem, fact: Fact) -> bool:
    """In its words first; in its text too, but for what somebody wrote, which says whatever it likes."""
    texts = [*item.words.values()]
    if item.source not in WRITTEN:
        texts.append(item.text)
    return any(holds(phrase, text) for phrase in fact.says for text in texts)


def _compares(item: EvidenceItem, fact: Fact) -> bool:
    value = next((item.numbers[name] for name in fact.number if name in item.numbers), None)
    if value is None:
        return False
    bounds: tuple[tuple[Callable[[float, float], bool], float | None], ...] = (
        (operator.gt, fact.above),
        (operator.lt, fact.below),
    )
    others = ((operator.lt, fact.below_number), (operator.ge, fact.reaches_number))
    return all(compare(value, bound) for compare, bound in bounds if bound is not None) and all(
        name in item.numbers and compare(value, item.numbers[name]) for compare, name in others if name
    )


class Sorted:
    """A run's evidence by the service that each item is about: sorted once, looked at often."""

    def __init__(self, brief: Brief) -> None:
        self.own = own_service(brief)
        self._kinds = _kinds(brief)
        self._mine = {"", self.own, brief.subject.target.name}
        owner = _owners(brief, {*self._kinds, self.own, brief.subject.target.name} - {""})
        self._owned = [(owner[item.about], item) for item in brief.items]

    def subject(self) -> Seen:
        """Everything that is not about one of its neighbours: a pod's event is about its service."""
        items = tuple(item for owner, item in self._owned if owner in self._mine)
        return Seen(self.own, self._kinds.get(self.own), items, is_subject=True)

    def service(self, name: str) -> Seen:
        """The incident's own, or one around it: of that one the alert and its history say nothing."""
        if name in self._mine:
            return self.subject()
        silent = (Source.ALERT, Source.HISTORY)
        items = tuple(item for owner, item in self._owned if owner == name and item.source not in silent)
        return Seen(name, self._kinds.get(name), items, is_subject=False)


def own_service(brief: Brief) -> str:
    return brief.surroundings.service or brief.subject.target.name


def _owners(brief: Brief, services: set[str]) -> dict[str, str]:
    """For whatever items are about: the service with the longest name that fits; empty where none does."""
    plain = {bare: service for service in sorted(services) for bare in _bare(service)}
    return {about: _owner(about, plain) for about in {item.about for item in brief.items}}


def _owner(about: str, services: Mapping[str, str]) -> str:
    """`checkout-7d9f-x2x4l`, `pod/checkout-7d9f-x2x4l` and `shop/checkout /data` are about `checkout`."""
    name = about.split(" ", 1)[0].rsplit("/", 1)[-1]
    while name and name not in services:
        name = name.rpartition("-")[0]
    return services.get(name, "")


def _bare(service: str) -> tuple[str, ...]:
    """Without its namespace, which stands before a slash or behind a dot where two have one name."""
    name = service.rsplit("/", 1)[-1]
    return name.rpartition(".")[0] or name, name


def _kinds(brief: Brief) -> dict[str, NodeKind]:
    """Every service around, and what it is."""
    around = brief.surroundings
    near = {one.service: one.kind for one in (*around.downstream, *around.upstream)}
    return near | {suspect.service: suspect.kind for suspect in around.suspects}


def has_words(words: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Each has to be there, and like what is wanted; * is any text."""
    return all(
        name in words and fnmatch.fnmatchcase(words[name].lower(), value.lower())
        for name, value in wanted.items()
    )

"""Whether a playbook has anything to say about a service, and what that rests on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from agents.playbooks.seen import Seen, from_outside, has_words
from agents.playbooks.shape import Match
from agents.playbooks.words import weight
from schemas.evidence import Brief, EvidenceItem, Source


class Basis(StrEnum):
    TYPE = "the alert's type"
    LABELS = "the alert's labels"
    MESSAGE = "the alert's message"
    FACTS = "facts in the evidence"


@dataclass(frozen=True, slots=True)
class Fit:
    basis: Basis
    weight: int
    """letters of the alert's type that it accounts for: the more, the more it means this alert"""
    items: tuple[EvidenceItem, ...]
    """what it rests on"""


def fits(match: Match, brief: Brief, seen: Seen) -> Fit | None:
    if match.node_kinds and seen.kind is not None and seen.kind not in match.node_kinds:
        return None
    shown = _shown(match, seen)
    alert = _by_alert(match, brief) if seen.is_subject else None
    if alert is not None:
        told = tuple(item for item in seen.items if item.source == Source.ALERT)[:1]
        return Fit(*alert, (*told, *shown))
    return Fit(Basis.FACTS, 0, shown) if shown else None


def _by_alert(match: Match, brief: Brief) -> tuple[Basis, int] | None:
    subject = brief.subject
    kind = subject.resource_type
    if match.resource_types and kind is not None and kind not in match.resource_types:
        return None
    if match.labels and not has_words(subject.labels, match.labels):
        return None
    if any(weight(word, subject.alert_type) for word in match.unless):
        return None
    typed = max((weight(pattern, subject.alert_type) for pattern in match.alert_types), default=0)
    if typed:
        return Basis.TYPE, typed
    if match.labels and not match.alert_types:
        return Basis.LABELS, sum(map(len, match.labels))
    told = max((weight(p, subject.message) for p in match.alert_types if " " in p), default=0)
    return (Basis.MESSAGE, told // 2) if told else None


def _shown(match: Match, seen: Seen) -> tuple[EvidenceItem, ...]:
    """Facts of the alert alone are its own words: they bear a playbook out, they do not call for it."""
    shown = {item.id: item for fact in match.facts for item in seen.showing(fact) if from_outside(item)}
    return tuple(shown.values())[:3]

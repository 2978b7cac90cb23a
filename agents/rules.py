"""The rule engine: hypotheses from playbooks, evidence and topology, with no model at all.

Each playbook is tried on the incident's own service and on every suspect that its topology names. How sure
a hypothesis is starts at what its playbook says, and grows with facts from outside the alert.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from agents.playbooks.book import Book
from agents.playbooks.fill import Filling, fill
from agents.playbooks.matching import Basis, Fit, fits
from agents.playbooks.seen import Seen, about, from_outside, of_service, of_subject
from agents.playbooks.shape import Playbook, PlaybookHypothesis
from schemas.diagnosis import Hypothesis
from schemas.evidence import Brief, EvidenceItem, Health, Source, Suspect

MOST = 5
SURE = 0.9
"""rules alone are never surer than this"""
FACT, OWN_WORD, AGAINST = 0.15, 0.05, 0.15
"""what a fact from outside adds, one that the alert itself names, and what a contrary fact takes"""
BASIS = {Basis.TYPE: 0.0, Basis.LABELS: 0.0, Basis.FACTS: -0.05, Basis.MESSAGE: -0.05}
LESS_FITTING = 0.1
ELSEWHERE = 0.1
SUSPECTS = 5
_ILL = {Health.UNHEALTHY: 0.6, Health.DEGRADED: 0.5, Health.UNKNOWN: 0.0, Health.HEALTHY: 0.0}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A hypothesis of the rules, and where it comes from."""

    hypothesis: Hypothesis
    service: str
    playbook: Playbook | None
    number: int
    """which hypothesis of its playbook, from 1"""
    outside: bool
    """something outside the alert speaks for it"""

    def under(self, hypothesis_id: str) -> Candidate:
        return replace(self, hypothesis=self.hypothesis.model_copy(update={"id": hypothesis_id}))


def rank(brief: Brief, book: Book) -> tuple[Candidate, ...]:
    """Best first; claims that nothing can be cited for are not made."""
    blame = _blame(brief)
    found = [candidate for seen in _looked_at(brief) for candidate in _candidates(brief, book, seen, blame)]
    found += _suspicions(brief, blame, {c.service for c in found if c.outside})
    cited = [candidate for candidate in found if candidate.hypothesis.evidence]
    cited.sort(key=lambda candidate: (-candidate.hypothesis.confidence, candidate.hypothesis.cause))
    best = tuple(_without_repeats(cited))[:MOST]
    return tuple(candidate.under(f"H{number}") for number, candidate in enumerate(best, start=1))


def summary(candidates: Sequence[Candidate], brief: Brief) -> str:
    away = f" {len(brief.gaps)} sources of evidence were missing." if brief.gaps else ""
    if not candidates:
        return f"No playbook knows {brief.subject.alert_type}, and no evidence points anywhere.{away}"
    top = candidates[0].hypothesis
    return f"By rules: {top.cause} ({top.confidence:.0%}, from {', '.join(top.evidence)}).{away}"


# -- the incident's own service, and the suspects


def _looked_at(brief: Brief) -> Iterator[Seen]:
    yield of_subject(brief)
    own = of_subject(brief).service
    yield from (of_service(brief, s.service) for s in _elsewhere(brief) if s.service != own)


def _elsewhere(brief: Brief) -> Sequence[Suspect]:
    return [suspect for suspect in brief.surroundings.suspects if suspect.distance > 0][:SUSPECTS]


def _blame(brief: Brief) -> dict[str, float]:
    """How strongly the topology points at each service."""
    return {suspect.service: _strength(suspect) for suspect in brief.surroundings.suspects}


def _strength(suspect: Suspect) -> float:
    """By its share of the symptom, or by its health where no share is known."""
    return min(SURE, 0.4 + 0.45 * suspect.share) if suspect.share >= 0.2 else _ILL[suspect.health]


def _suspicions(brief: Brief, blame: dict[str, float], explained: set[str]) -> Iterator[Candidate]:
    """A dependency that is ill, or explains the symptom, and that no playbook has anything to say about."""
    own = of_subject(brief).service
    for place, suspect in enumerate(_elsewhere(brief)):
        strength = blame.get(suspect.service, 0.0)
        if strength <= 0 or suspect.service in explained:
            continue
        hops = "1 hop" if suspect.distance == 1 else f"{suspect.distance} hops"
        hypothesis = Hypothesis(
            id="H0",
            cause=f"{suspect.service} ({suspect.kind}), {hops} below {own}, is the source: {suspect.why}",
            service=suspect.service,
            confidence=max(0.0, strength - 0.04 * place),
            evidence=_ids(_about(brief, suspect.service)),
        )
        shown = any(from_outside(item) for item in _about(brief, suspect.service))
        yield Candidate(hypothesis, suspect.service, None, 0, outside=shown)


def _about(brief: Brief, service: str) -> list[EvidenceItem]:
    """What shows its part; where nothing is about it alone, what the topology says as a whole."""
    direct = [item for item in brief.items if from_outside(item) and about(item, service)]
    return direct[:4] or [item for item in brief.items if item.source == Source.TOPOLOGY][:1]


# -- one playbook on one service


def _candidates(brief: Brief, book: Book, seen: Seen, blame: dict[str, float]) -> Iterator[Candidate]:
    found = [(playbook, fit) for playbook in book.playbooks if (fit := fits(playbook.match, brief, seen))]
    heaviest = max((fit.weight for _, fit in found), default=0)
    for playbook, fit in found:
        behind = 1 - fit.weight / heaviest if heaviest and fit.basis != Basis.FACTS else 0.0
        for number, said in enumerate(playbook.hypotheses, start=1):
            candidate = _candidate(brief, seen, blame, fit, said, LESS_FITTING * behind)
            if candidate is not None:
                yield _of(playbook, number, candidate)


def _of(playbook: Playbook, number: int, candidate: Candidate) -> Candidate:
    hypothesis = candidate.hypothesis.model_copy(update={"playbook": playbook.name})
    return replace(candidate, hypothesis=hypothesis, playbook=playbook, number=number)


def _candidate(
    brief: Brief, seen: Seen, blame: dict[str, float], fit: Fit, said: PlaybookHypothesis, less: float
) -> Candidate | None:
    speaking = list(_unique(item for fact in said.supported_by for item in seen.showing(fact)))
    against = list(_unique(item for fact in said.contradicted_by for item in seen.showing(fact)))
    if said.only_if_supported and not speaking:
        return None
    witnesses = {item.id for item in (*speaking, *fit.items) if from_outside(item)}
    own_words = not all(map(from_outside, speaking))
    confidence = said.confidence + BASIS[fit.basis] - less
    confidence += FACT * min(len(witnesses), 2) + OWN_WORD * own_words - AGAINST * min(len(against), 2)
    confidence = _by_topology(brief, seen, blame, confidence, supported=bool(witnesses))
    cause = fill(said.cause, Filling(brief, seen, [*speaking, *fit.items]))
    if not seen.is_subject:
        cause += f"; {of_subject(brief).service} depends on it"
    evidence = _ids(_unique([*fit.items, *speaking, *_blamed(brief, seen, blame)]))
    hypothesis = Hypothesis(
        id="H0",
        cause=cause,
        service=seen.service,
        confidence=round(min(SURE, max(0.0, confidence)), 3),
        evidence=evidence[:8],
        against=_ids(against)[:8],
    )
    return Candidate(hypothesis, seen.service, None, 0, outside=bool(witnesses))


def _by_topology(
    brief: Brief, seen: Seen, blame: dict[str, float], confidence: float, *, supported: bool
) -> float:
    """What the topology points at gains; a bare symptom loses where it points at another service."""
    elsewhere = max((blame.get(suspect.service, 0.0) for suspect in _elsewhere(brief)), default=0.0)
    own = blame.get(seen.service, 0.0)
    if not seen.is_subject:
        return max(confidence, own) + 0.05 if own else confidence
    if own and own >= elsewhere:
        return confidence + 0.1
    return confidence - ELSEWHERE if elsewhere and not supported else confidence


def _blamed(brief: Brief, seen: Seen, blame: dict[str, float]) -> list[EvidenceItem]:
    if not blame.get(seen.service):
        return []
    return [i for i in brief.items if i.source == Source.TOPOLOGY and about(i, seen.service)][:1]


def _without_repeats(candidates: Sequence[Candidate]) -> Iterator[Candidate]:
    """One of each cause; of one playbook on one service the two best."""
    causes: set[str] = set()
    count: dict[tuple[str, str], int] = {}
    for candidate in candidates:
        source = (candidate.hypothesis.playbook, candidate.service)
        if candidate.hypothesis.cause in causes or count.get(source, 0) == 2:
            continue
        causes.add(candidate.hypothesis.cause)
        count[source] = count.get(source, 0) + 1
        yield candidate


def _unique(items: Iterator[EvidenceItem] | Sequence[EvidenceItem]) -> Iterator[EvidenceItem]:
    yield from {item.id: item for item in items}.values()


def _ids(items: Iterator[EvidenceItem] | Sequence[EvidenceItem]) -> tuple[str, ...]:
    return tuple(item.id for item in items)

"""The rule engine: hypotheses from playbooks, evidence and topology, with no model at all.

Each playbook is tried on the incident's own service and on every suspect that its topology names. How sure
a hypothesis is starts at what its playbook says, and grows with facts from outside the alert.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from agents.playbooks.book import Book
from agents.playbooks.fill import Filling, fill
from agents.playbooks.matching import Basis, Fit, fits
from agents.playbooks.seen import Seen, Sorted, from_outside
from agents.playbooks.shape import Playbook, PlaybookHypothesis
from schemas.diagnosis import Hypothesis
from schemas.evidence import Brief, EvidenceItem, Health, Source, Suspect

MOST = 5
SURE = 0.9
"""rules alone are never surer than this"""
FACT, OWN_WORD, AGAINST = 0.15, 0.05, 0.15
"""what a fact from outside adds, one that the alert itself names, and what a contrary fact takes"""
BASIS = {Basis.TYPE: 0.0, Basis.LABELS: 0.0, Basis.FACTS: -0.05, Basis.MESSAGE: -0.08}
LESS_FITTING = 0.2
ELSEWHERE = 0.1
SUSPECTS = 5
UNMEASURED = 0.75
"""of what an ill service is suspected of, where measurements accuse others"""
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

    def less(self, sure: float) -> Candidate:
        left = round(max(0.0, self.hypothesis.confidence - sure), 3)
        return replace(self, hypothesis=self.hypothesis.model_copy(update={"confidence": left}))


@dataclass(frozen=True, slots=True)
class Scene:
    """What the rules look at."""

    brief: Brief
    evidence: Sorted
    blame: Mapping[str, float]
    """how strongly the topology points at each service"""

    @property
    def own(self) -> str:
        return self.evidence.own

    @property
    def elsewhere(self) -> Sequence[Suspect]:
        below = (one for one in self.brief.surroundings.suspects if one.distance > 0)
        return [suspect for suspect in below if suspect.service != self.own][:SUSPECTS]


def rank(brief: Brief, book: Book) -> tuple[Candidate, ...]:
    """Best first; claims that nothing can be cited for are not made."""
    scene = Scene(brief, Sorted(brief), _blame(brief))
    found = [candidate for seen in _looked_at(scene) for candidate in _candidates(scene, book, seen)]
    found += _suspicions(scene, {candidate.service for candidate in found if candidate.outside})
    cited = [candidate for candidate in found if candidate.hypothesis.evidence]
    cited.sort(key=lambda candidate: (-candidate.hypothesis.confidence, candidate.hypothesis.cause))
    best = tuple(_without_repeats(cited))[:MOST]
    return tuple(candidate.under(f"H{number}") for number, candidate in enumerate(best, start=1))


def summary(candidates: Sequence[Candidate], brief: Brief) -> str:
    missing = len({gap.source for gap in brief.gaps} - {Source.ALERT})
    many = "One source" if missing == 1 else f"{missing} sources"
    away = f" {many} of evidence could not be had in full." if missing else ""
    if not candidates:
        return f"No playbook knows {brief.subject.alert_type}, and no evidence points anywhere.{away}"
    top = candidates[0].hypothesis
    return f"By rules: {top.cause} ({top.confidence:.0%}, from {', '.join(top.evidence)}).{away}"


# -- the incident's own service, and the suspects


def _looked_at(scene: Scene) -> Iterator[Seen]:
    yield scene.evidence.subject()
    yield from (scene.evidence.service(suspect.service) for suspect in scene.elsewhere)


def _blame(brief: Brief) -> dict[str, float]:
    """How strongly the topology points at each: by what was measured, else by health."""
    suspects = brief.surroundings.suspects
    most = max((suspect.share for suspect in suspects), default=0.0)
    return {suspect.service: _strength(suspect, most) for suspect in suspects}


def _strength(suspect: Suspect, most: float) -> float:
    """Shares are of all that are accused: what counts is how far one is behind the first of them."""
    if suspect.share > 0:
        return min(SURE, 0.45 + 0.4 * most) * suspect.share / most
    return _ILL[suspect.health] * (UNMEASURED if most else 1)


def _suspicions(scene: Scene, explained: set[str]) -> Iterator[Candidate]:
    """A dependency that is ill, or explains the symptom, and that no playbook has anything to say about."""
    for place, suspect in enumerate(scene.elsewhere):
        strength = scene.blame.get(suspect.service, 0.0)
        if strength <= 0 or suspect.service in explained:
            continue
        hops = "1 hop" if suspect.distance == 1 else f"{suspect.distance} hops"
        who = f"{suspect.service} ({suspect.kind}), {hops} below {scene.own},"
        showing = _showing(scene, suspect.service)
        hypothesis = Hypothesis(
            id="H0",
            cause=f"{who} is the source: {suspect.why}",
            service=suspect.service,
            confidence=round(max(0.0, strength - 0.04 * place), 3),
            evidence=_ids(showing),
        )
        outside = any(map(from_outside, showing))
        yield Candidate(hypothesis, suspect.service, None, 0, outside=outside)


def _showing(scene: Scene, service: str) -> list[EvidenceItem]:
    """What shows its part; where nothing is about it alone, what the topology says as a whole."""
    direct = [item for item in scene.evidence.service(service).items if from_outside(item)]
    return direct[:4] or [item for item in scene.brief.items if item.source == Source.TOPOLOGY][:1]


# -- one playbook on one service


def _candidates(scene: Scene, book: Book, seen: Seen) -> Iterator[Candidate]:
    """Of the playbooks that the alert calls for, those that mean it less exactly are believed less."""
    found = [
        (fit, _of(playbook, number, candidate))
        for playbook in book.playbooks
        if (fit := fits(playbook.match, scene.brief, seen)) is not None
        for number, said in enumerate(playbook.hypotheses, start=1)
        if (candidate := _candidate(scene, seen, fit, said)) is not None
    ]
    heaviest = max((fit.weight for fit, _ in found), default=0)
    for fit, candidate in found:
        called = heaviest and fit.basis != Basis.FACTS
        yield candidate.less(LESS_FITTING * (1 - fit.weight / heaviest)) if called else candidate


def _of(playbook: Playbook, number: int, candidate: Candidate) -> Candidate:
    hypothesis = candidate.hypothesis.model_copy(update={"playbook": playbook.name})
    return replace(candidate, hypothesis=hypothesis, playbook=playbook, number=number)


def _candidate(scene: Scene, seen: Seen, fit: Fit, said: PlaybookHypothesis) -> Candidate | None:
    speaking = list(_unique(item for fact in said.supported_by for item in seen.showing(fact)))
    against = list(_unique(item for fact in said.contradicted_by for item in seen.showing(fact)))
    if said.only_if_supported and not speaking:
        return None
    witnesses = {item.id for item in (*speaking, *fit.items) if from_outside(item)}
    own_words = not all(map(from_outside, speaking))
    confidence = said.confidence + BASIS[fit.basis]
    confidence += FACT * min(len(witnesses), 2) + OWN_WORD * own_words - AGAINST * min(len(against), 2)
    confidence = _by_topology(scene, seen, confidence, supported=bool(witnesses))
    cause = fill(said.cause, Filling(scene.brief, seen, [*speaking, *fit.items]))
    if not seen.is_subject:
        cause += f"; {scene.own} depends on it"
    evidence = _ids(_unique([*fit.items, *speaking, *_blamed(scene, seen)]))
    hypothesis = Hypothesis(
        id="H0",
        cause=cause,
        service=seen.service,
        confidence=round(min(SURE, max(0.0, confidence)), 3),
        evidence=evidence[:8],
        against=_ids(against)[:8],
    )
    return Candidate(hypothesis, seen.service, None, 0, outside=bool(witnesses))


def _by_topology(scene: Scene, seen: Seen, confidence: float, *, supported: bool) -> float:
    """What the topology points at gains; a bare symptom loses where it points at another service."""
    elsewhere = max((scene.blame.get(suspect.service, 0.0) for suspect in scene.elsewhere), default=0.0)
    own = scene.blame.get(seen.service, 0.0)
    if not seen.is_subject:
        return max(confidence, own) + 0.05 if own else confidence
    if own and own >= elsewhere:
        return confidence + 0.1
    return confidence - ELSEWHERE if elsewhere and not supported else confidence


def _blamed(scene: Scene, seen: Seen) -> list[EvidenceItem]:
    if not scene.blame.get(seen.service):
        return []
    named = (seen.service, scene.own if seen.is_subject else "")
    return [i for i in seen.items if i.source == Source.TOPOLOGY and i.kind == "blame" and i.about in named][
        :1
    ]


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

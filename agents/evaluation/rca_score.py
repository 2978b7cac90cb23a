"""How often the cause is named: top-1, top-3, mean reciprocal rank, abstentions, with intervals.

An abstention where there was a fault counts as a miss. Equal scores share their ranks' credit, so that the
order of names can change nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agents.evaluation.rca_arms import Arm, Trial, renamed, trials
from agents.evaluation.rca_data import DataSet
from agents.evaluation.rca_intervals import bootstrap, wilson
from agents.evaluation.rca_views import Views
from agents.suspects import suspects

SEED = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said of one case."""

    case: str
    fault: str
    causes: tuple[str, ...]
    named: tuple[tuple[str, float], ...]
    """(service, score), best first; empty: abstained"""

    @property
    def abstained(self) -> bool:
        return not self.named

    def credit(self, most: int) -> float:
        """The chance that a cause is among the first `most`, where equal scores are shuffled."""
        return sum(chance for rank, chance in self._ranks() if rank <= most)

    def reciprocal(self) -> float:
        return sum(chance / rank for rank, chance in self._ranks())

    def _ranks(self) -> list[tuple[int, float]]:
        best = max((score for name, score in self.named if name in self.causes), default=None)
        if best is None:
            return []
        above = sum(round(score, 9) > round(best, 9) for _, score in self.named)
        equal = [name for name, score in self.named if round(score, 9) == round(best, 9)]
        right = sum(name in self.causes for name in equal)
        return [(above + 1 + place, _first_at(place, right, len(equal))) for place in range(len(equal))]


@dataclass(frozen=True, slots=True)
class Score:
    """One arm over one data set. An interval counts cases, not repeats of them."""

    arm: Arm
    cases: int
    trials: int
    faulty: int
    """trials that had a cause to be named"""
    top1: float
    top1_interval: tuple[float, float]
    top3: float
    top3_interval: tuple[float, float]
    mrr: float
    mrr_interval: tuple[float, float]
    abstained: float
    false_blame: float | None
    """of what had no fault; nothing where all had one"""
    false_blame_interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Result:
    name: str
    scores: Sequence[Score]
    answers: Sequence[Answer]
    """of the cases as they are"""


def measure(data: DataSet) -> Result:
    answers = {arm: _answers(arm, data) for arm in Arm}
    scores = [score(arm, told) for arm, told in answers.items()]
    return Result(data.name, scores, answers[Arm.AS_IS])


def _answers(arm: Arm, data: DataSet) -> list[Answer]:
    views = Views(renamed(data, SEED) if arm == Arm.RENAMED else data)
    return [answer(views, trial) for trial in trials(arm, views, SEED)]


def answer(views: Views, trial: Trial) -> Answer:
    view = views.view(trial.case, trial.change)
    found = suspects(view.observed)
    named = [(view.services[service], float(found.scores[service])) for service in found.ranked()]
    if trial.change.quiet_window:
        views.forget(trial.change.quiet_window)
    return Answer(trial.case.name, trial.case.fault, tuple(sorted(trial.case.causes)), tuple(named))


def score(arm: Arm, answers: Sequence[Answer]) -> Score:
    faulty = [told for told in answers if told.causes]
    quiet = [told for told in answers if not told.causes]
    cases = len({told.case for told in faulty})
    top1, top3 = (_mean([told.credit(most) for told in faulty]) for most in (1, 3))
    reciprocals = [_mean([told.reciprocal() for told in same]) for same in _by_case(faulty)]
    blamed = _mean([float(not told.abstained) for told in quiet])
    return Score(
        arm,
        cases=cases or len({told.case for told in quiet}),
        trials=len(answers),
        faulty=len(faulty),
        top1=top1,
        top1_interval=wilson(top1, cases),
        top3=top3,
        top3_interval=wilson(top3, cases),
        mrr=_mean(reciprocals),
        mrr_interval=bootstrap(reciprocals),
        abstained=_mean([float(told.abstained) for told in answers]),
        false_blame=blamed if quiet else None,
        false_blame_interval=wilson(blamed, len(quiet)) if quiet else None,
    )


def _by_case(answers: Sequence[Answer]) -> list[list[Answer]]:
    found: dict[str, list[Answer]] = {}
    for told in answers:
        found.setdefault(told.case, []).append(told)
    return list(found.values())


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _first_at(place: int, right: int, equal: int) -> float:
    """The chance that the first of `right` among `equal` shuffled ones stands at `place`."""
    chance = 1.0
    for before in range(place):
        chance *= max(0, equal - right - before) / (equal - before)
    return chance * right / (equal - place)

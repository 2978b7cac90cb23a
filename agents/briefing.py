"""What a model is shown of a run. All of it that others wrote stands in fences, as data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agents.prompts import fence
from schemas.diagnosis import Diagnosis
from schemas.evidence import Brief, EvidenceItem, Neighbour
from schemas.operations import PROPOSED, SHAPES
from schemas.plan import Action, Plan

MOST_NEAR = 15
MOST_LABELS = 25


def diagnosis_prompt(brief: Brief) -> str:
    return _parts(
        "What is the most likely root cause of this incident? Rank your hypotheses, the best first.",
        *_situation(brief),
    )


def plan_prompt(brief: Brief, diagnosis: Diagnosis) -> str:
    return _parts(
        "What should be done about it? Propose actions for the best hypotheses, the best first.",
        *_situation(brief),
        _section("Hypotheses", _hypotheses(diagnosis)),
        _section("Targets that evidence names: no other may be acted on", _targets(brief)),
        "Operations that there are (with what each must be told beside its target):\n"
        + "\n".join(_operations()),
    )


def review_prompt(brief: Brief, diagnosis: Diagnosis, plan: Plan) -> str:
    return _parts(
        "Is the first action safe? Judge its safety alone: what it touches, who would notice, what is lost.",
        *_situation(brief),
        _section("Hypotheses", _hypotheses(diagnosis)),
        _section("Proposed actions", (line for action in plan.actions for line in _action(action))),
    )


def critique_prompt(brief: Brief, diagnosis: Diagnosis, plan: Plan) -> str:
    return _parts(
        "Argue against the first hypothesis and the first action.",
        *_situation(brief),
        _section("Hypotheses", _hypotheses(diagnosis)),
        _section("Proposed actions", (line for action in plan.actions for line in _action(action))),
    )


def _parts(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)


def _section(title: str, lines: Iterable[str]) -> str:
    """Nothing where there is nothing to tell."""
    text = "\n".join(lines)
    return f"{title}:\n{fence(text)}" if text else ""


def _situation(brief: Brief) -> Iterator[str]:
    yield _section("The incident", _subject(brief))
    yield _section("Evidence, each item with its id", map(_item, brief.items))
    yield _section("Evidence that could not be had", (f"{gap.source}: {gap.reason}" for gap in brief.gaps))
    yield _section("Topology around it", _around(brief))


def _subject(brief: Brief) -> Iterator[str]:
    subject = brief.subject
    target = subject.target
    yield f"alert type: {subject.alert_type}"
    yield f"severity: {subject.severity}"
    yield f"counted {subject.hit_count} times since {subject.opened_at:%H:%M:%S}"
    yield f"about: {target.kind} {target.name}".rstrip() + (
        f" in namespace {target.namespace}" if target.namespace else ""
    )
    yield f"message: {subject.message}"
    if subject.description:
        yield f"description: {subject.description}"
    for name, value in list(subject.labels.items())[:MOST_LABELS]:
        yield f"label {name}: {value}"


def _item(item: EvidenceItem) -> str:
    return f"{item.id} [{item.source}, {item.kind}, {item.observed_at:%H:%M:%S}] {item.text}"


def _around(brief: Brief) -> Iterator[str]:
    around = brief.surroundings
    for title, near in (("needs", around.downstream), ("is needed by", around.upstream)):
        if near:
            yield f"{around.service} {title}: {', '.join(map(_near, near[:MOST_NEAR]))}"
    for suspect in around.suspects:
        share = f", explains {suspect.share:.0%}" if suspect.share else ""
        yield f"suspect {suspect.service} ({suspect.kind}, {suspect.health}{share}): {suspect.why}"


def _near(near: Neighbour) -> str:
    return f"{near.service} ({near.kind}, {near.health}, {near.distance} away)"


def _hypotheses(diagnosis: Diagnosis) -> Iterator[str]:
    for one in diagnosis.hypotheses:
        against = f", against it {', '.join(one.against)}" if one.against else ""
        cited = ", ".join(one.evidence)
        yield f"{one.id} ({round(one.confidence * 100)} of 100, from {cited}{against}): {one.cause}"


def _targets(brief: Brief) -> Iterator[str]:
    for target in brief.targets:
        yield f"{target.kind} {target.name}" + (
            f" in namespace {target.namespace}" if target.namespace else ""
        )


def _operations() -> Iterator[str]:
    for operation in PROPOSED:
        shape = SHAPES[operation]
        kinds = f" on {' or '.join(shape.kinds)}" if shape.kinds else ""
        told = f"; needs {', '.join(shape.required)}" if shape.required else ""
        may = f"; may have {', '.join(shape.optional)}" if shape.optional else ""
        yield f"- {operation}{kinds}{told}{may}; risk at least {shape.floor.lower()}"


def _action(action: Action) -> Iterator[str]:
    step = action.step
    told = {name: getattr(step.parameters, name) for name in sorted(step.parameters.given())}
    yield (
        f"{action.id} {step.operation} on {step.target.kind} {step.target.name} {told or ''}".rstrip()
        + f", for {action.hypothesis}: {action.description}"
    )
    yield f"   risk {action.risk}, blast radius {action.blast_radius} of 100, " + (
        f"undo {action.undo.operation}" if action.undo else "cannot be undone by one step"
    )
    for warning in action.warnings:
        yield f"   warning: {warning}"

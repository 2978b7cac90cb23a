"""The argument in the order in which it was made: what was seen, what each agent said, why it ends so.

From the package and the turns alone, so that a past debate reads exactly as it did on its day.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from agents.heard import Heard
from agents.telling import ENDS
from agents.visible import visible
from schemas.decision import Package
from schemas.diagnosis import Diagnosis, Hypothesis
from schemas.envelope import in_utc
from schemas.evidence import Brief
from schemas.operations import Step
from schemas.plan import Action, Plan
from schemas.turn import Turn, Vote
from schemas.verdict import CritiquedPayload, ReviewedPayload

WIDTH = 110


def argument(package: Package, heard: Heard, width: int = WIDTH) -> str:
    """For a terminal: sections with a title each, lines within the width."""
    brief = package.brief or heard.seen
    lines: list[str] = []
    for title, told in _sections(package, heard, brief):
        body = [line for text in told for line in _wrapped(visible(text), width)]
        lines += [visible(title), *body, ""]
    return "\n".join(lines).rstrip() + "\n"


def _wrapped(text: str, width: int) -> list[str]:
    """A line's own indent is kept, and what runs over stands two further in."""
    indent = " " * (2 + len(text) - len(text.lstrip()))
    lines = textwrap.wrap(
        " ".join(text.split()),
        width,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_on_hyphens=False,
    )
    return lines or [""]


def _sections(package: Package, heard: Heard, brief: Brief | None) -> Iterator[tuple[str, Iterable[str]]]:
    if brief is not None:
        yield f"What happened: {brief.subject.alert_type}, {brief.subject.severity}", _happened(brief)
        yield f"What was seen: {_items(len(brief.items))}", _seen(brief)
    spoken = heard.planned or heard.diagnosed
    if spoken is not None:
        turn = heard.planned.diagnosed if heard.planned else spoken.turn
        yield _head(turn), (*_diagnosis(spoken.diagnosis), *_turn(turn))
    if heard.planned is not None:
        yield _head(heard.planned.turn), (*_plan(heard.planned.plan), *_turn(heard.planned.turn))
    if heard.reviewed is not None:
        yield _head(heard.reviewed.turn), (*_review(heard.reviewed), *_turn(heard.reviewed.turn))
    if heard.critiqued is not None:
        yield _head(heard.critiqued.turn), (*_critique(heard.critiqued), *_turn(heard.critiqued.turn))
    if package.missing:
        yield "Who did not speak", (", ".join(package.missing),)
    yield "Dissent", list(_dissent(package, heard)) or ("none: all who spoke agree",)
    yield _head(package.turn), _decision(package)


def _head(turn: Turn) -> str:
    by = "rules" if turn.degraded or turn.usage.provider == "rules" else turn.usage.provider
    model = f" {turn.usage.model}" if turn.usage.model and by != "rules" else ""
    degraded = ", degraded" if turn.degraded else ""
    return f"{turn.agent.capitalize()}: {turn.vote} ({by}{model}{degraded}, {turn.latency_ms} ms)"


def _turn(turn: Turn) -> Iterator[str]:
    """What a reader should know of how it came about."""
    if turn.failed:
        yield f"gave up: {turn.failed}"
    yield from (f"note: {note}" for note in turn.notes if note)
    if not turn.degraded:  # else the note says why nobody answered
        yield from (f"no answer from {failure}" for failure in turn.usage.failures)
    if turn.usage.tokens_in or turn.usage.tokens_out:
        yield f"{turn.usage.tokens_in} tokens in, {turn.usage.tokens_out} out, ${turn.usage.cost_usd:.4f}"


def _happened(brief: Brief) -> Iterator[str]:
    subject, target = brief.subject, brief.subject.target
    where = "/".join(filter(None, (target.cluster, target.namespace, target.kind, target.name)))
    yield subject.message
    since = f"since {in_utc(subject.opened_at)}"
    yield f"about {where}; counted {_times(subject.hit_count)} {since}"
    if subject.sanitized:
        yield "warning: hostile text was found in the alert and replaced"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _items(count: int) -> str:
    return f"{count} item" + ("" if count == 1 else "s")


def _seen(brief: Brief) -> Iterator[str]:
    for item in brief.items:
        yield f"{item.id} [{item.source}] {item.text}"
    for suspect in brief.surroundings.suspects:
        share = f", explains {suspect.share:.0%}" if suspect.share else ""
        yield f"suspect {suspect.service} ({suspect.kind}, {suspect.health}{share}): {suspect.why}"
    for gap in brief.gaps:
        yield f"missing [{gap.source}] {gap.reason}"


def _diagnosis(diagnosis: Diagnosis) -> Iterator[str]:
    if not diagnosis.hypotheses:
        yield diagnosis.summary or "no hypothesis"
    yield from map(_hypothesis, diagnosis.hypotheses)
    yield from (f"untrusted text, not used: {text}" for text in diagnosis.untrusted)


def _hypothesis(one: Hypothesis) -> str:
    against = f"; against it {', '.join(one.against)}" if one.against else ""
    playbook = f"; playbook {one.playbook}" if one.playbook else ""
    cited = f"from {', '.join(one.evidence)}{against}{playbook}"
    return f"{one.id} {one.confidence:.0%} {one.cause.rstrip('.')} ({cited})"


def _plan(plan: Plan) -> Iterator[str]:
    if not plan.actions:
        yield plan.summary or "nothing is proposed"
    for action in plan.actions:
        yield from _action(action)


def _action(action: Action) -> Iterator[str]:
    what = step_in_words(action.step)
    yield f"{action.id} for {action.hypothesis}: {action.description.rstrip('.')} [{what}]"
    undo = f"undo {step_in_words(action.undo)}" if action.undo else "no undo"
    yield f"   risk {action.risk}, blast radius {action.blast_radius}, {undo}" + (
        ", people only" if action.human_only else ""
    )
    if action.command:
        yield f"   $ {action.command}"
    if action.verification:
        yield f"   verified by {action.verification}"
    yield from (f"   runs: {text}" for text in action.executable)
    yield from (f"   warning: {warning}" for warning in action.warnings)
    yield from (f"   untrusted text, not used: {text}" for text in action.untrusted)


def step_in_words(step: Step) -> str:
    told = [f"{name}={value}" for name in sorted(step.parameters.given()) if (value := _value(step, name))]
    target = f"{step.target.kind} {step.target.name}".strip()
    return " ".join(filter(None, (str(step.operation), target, *told)))


def _value(step: Step, name: str) -> str:
    value = getattr(step.parameters, name)
    if isinstance(value, dict):
        return ",".join(f"{key}:{amount}" for key, amount in sorted(value.items()))
    return str(value)


def _review(review: ReviewedPayload) -> Iterator[str]:
    for found in review.violations:
        yield f"hard rule {found.rule} is broken by {found.where}: {found.why}"
    yield from (f"concern: {concern}" for concern in review.concerns)
    if not review.violations and not review.concerns:
        yield "nothing speaks against it" if review.action else "nothing to judge"


def _critique(critique: CritiquedPayload) -> Iterator[str]:
    for one in critique.challenges:
        cited = f" ({', '.join(one.evidence)})" if one.evidence else ""
        yield f"{one.severity}, {one.about}: {one.question}{cited}"
    if critique.challenges:
        yield f"leaves {critique.confidence:.0%} of confidence"


def _dissent(package: Package, heard: Heard) -> Iterator[str]:
    for turn in heard.turns():
        if turn.vote in (Vote.REJECT, Vote.REQUEST_REVISION):
            yield f"the {turn.agent} votes {turn.vote}"
    top = package.hypothesis
    if top is not None and package.confidence < top.confidence and not package.missing:
        yield f"the critic lowers the confidence from {top.confidence:.0%} to {package.confidence:.0%}"
    for rival in package.other_hypotheses[:2]:
        yield f"it may also be {rival.id}, {rival.confidence:.0%}: {rival.cause}"


def _decision(package: Package) -> Iterator[str]:
    sure = f"{package.session_status}, {package.confidence:.0%} sure"
    yield f"{ENDS[package.branch]} (gate: {package.branch}), {sure}"
    yield from (f"because {note}" for note in package.turn.notes)
    if package.no_number:
        yield f"a person decides: no number: {', '.join(package.no_number)}"
    if package.recommended_action is not None:
        yield f"recommended: {package.recommended_action.id} {step_in_words(package.recommended_action.step)}"
    else:
        yield "recommended: nothing"
    if package.all_agents_degraded:
        yield "all agents were degraded"

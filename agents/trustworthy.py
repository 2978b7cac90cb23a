"""What stands between an agreed argument and acting on it without a person.

A model that obeys whatever an alert tells it can agree with anything. So an argument stands alone only where
nothing in it needed a model: evidence from outside the alert shows the cause, the rule engine, which reads
none of the alert's sentences, came to it by itself, and a playbook offers exactly this action. The models
can then only have said no.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from agents.actions import in_evidence
from agents.citations import outside
from agents.plain_speech import odd, odd_name
from schemas.diagnosis import Hypothesis
from schemas.evidence import Brief, Source
from schemas.plan import Action


def doubts(brief: Brief, hypothesis: Hypothesis, action: Action) -> Iterator[str]:
    """Each is reason enough for a person to decide."""
    if not brief.debate:
        yield "the debate is off for this project"
    if brief.subject.sanitized:
        yield "hostile text was found in the alert"
    if gap := next((gap for gap in brief.gaps if gap.source == Source.ALERT), None):
        yield f"the alert was not taken as it came: {gap.reason}"
    if not outside(brief, hypothesis.evidence):
        yield "nothing outside the alert shows the cause"
    if not hypothesis.playbook:
        yield "the rule engine does not come to this cause by itself"
    if not action.playbook or action.playbook != hypothesis.playbook:
        yield "no playbook for this cause offers this action"
    if action.hypothesis != hypothesis.id:
        yield "the action is for another hypothesis than the first"
    if action.human_only:
        yield action.warnings[0] if action.warnings else "the action is for people only"
    if action.step.target.name and not in_evidence(brief, action.step.target):
        yield "its target never appeared in the evidence"
    if word := _odd_text(brief):
        yield f"text among what was seen does not read like a report of a fault ({word})"


def _odd_text(brief: Brief) -> str:
    """Whatever was shown to models and written elsewhere: the filter before us may have missed it."""
    subject = brief.subject
    names = " ".join(_names(brief))
    place = (subject.target.cluster, subject.target.namespace, subject.target.name)
    short = (subject.alert_type, *place, *subject.labels, *subject.labels.values())
    texts = (subject.message, subject.description, *(item.text for item in brief.items))
    around = (one.why for one in brief.surroundings.suspects)
    found = (odd_name(text, names) for text in short), (odd(text, names) for text in (*texts, *around))
    return next(filter(None, chain(*found)), "")


def _names(brief: Brief) -> Iterator[str]:
    """Words that are names here, and need not be words of the trade."""
    around = brief.surroundings
    yield around.service
    yield from (near.service for near in (*around.upstream, *around.downstream))
    for target in brief.targets:
        yield from (target.namespace, target.name, target.cluster)

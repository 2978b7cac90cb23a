"""What a listener is told of an event: which kind of thing happened, to what, and in short how it is now.

Short on purpose: a page that shows more asks the reading API. Whatever is not named here is told to nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import orjson

from schemas.catalog import TOPICS
from schemas.envelope import Event
from schemas.trust import TrustScore

ACTION, HEADLINE, WORDS = 100, 200, 300
"""characters"""
MOST_NAMES = 20
Summary = Mapping[str, Any]
_NO_MORE: Summary = {}


class Told(NamedTuple):
    kind: str
    project: str | None
    """whose people are told; empty: those who see every project; None: everybody"""
    about: Summary
    more: Summary = _NO_MORE
    """beside the summary, at the top"""


def short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def message(event: Event) -> tuple[str | None, bytes] | None:
    """The project, and the message without its cursor; None where nobody is told."""
    tell = _TELL.get(event.type)
    if tell is None:
        return None
    told = tell(event)
    data = {
        "kind": told.kind,
        "type": event.type,
        "project_id": told.project or "",
        "incident_id": event.incident_id,
        "run_id": event.run_id,
        "event_id": event.event_id,
        "at": event.recorded_at,
        "actor": event.actor,
        "summary": told.about,
        **told.more,
    }
    text = orjson.dumps(data, option=orjson.OPT_UTC_Z)
    return told.project, b"event: %b\ndata: %b\n\n" % (told.kind.encode(), text)


# -- one way of telling for each kind


def _picked(payload: Any, *names: str) -> dict[str, Any]:
    """What it has of these, in bounds."""
    return {name: _bounded(getattr(payload, name)) for name in names if hasattr(payload, name)}


def _bounded(value: Any) -> Any:
    if isinstance(value, str):
        return short(value, WORDS)
    return [_bounded(one) for one in value[:MOST_NAMES]] if isinstance(value, tuple) else value


def _incident(event: Event) -> Told:
    names = ("status", "previous", "reason", "severity", "highest_severity", "hit_count", "last_seen_at")
    more = ("alert_type", "message", "target_resource", "namespace", "cluster", "generation", "assignee")
    said = ("note", "text", "verdict")
    return Told("incident", event.project_id, _picked(event.payload, *names, *more, *said))


def _run(event: Event) -> Told:
    names = ("number", "reason", "severity", "deadline_at", "models", "state", "error_code", "detail")
    return Told("run", event.project_id, _picked(event.payload, *names))


def _turn(event: Event) -> Told:
    turn, headline = event.payload.turn, _HEADLINES[event.type](event.payload)
    said = {"agent": turn.agent, "failed": short(turn.failed, WORDS), "degraded": turn.degraded}
    return Told("turn", event.project_id, {**said, "headline": short(headline, HEADLINE)})


def _evidence(event: Event) -> Told:
    brief = event.payload
    items = len(brief.items)
    headline = f"{items} item{'' if items == 1 else 's'}, {len(brief.gaps)} missing"
    said = {"agent": "evidence", "failed": "", "degraded": bool(brief.gaps), "headline": headline}
    return Told("turn", event.project_id, {**said, "items": items, "gaps": len(brief.gaps)})


def _new_approval(event: Event) -> Told:
    asked = event.payload
    risk = asked.assessment.effective if asked.assessment else asked.action.risk
    more = {
        "id": asked.approval_id,
        "action": short(asked.action.command or asked.action.description, ACTION),
        "risk": risk,
        "required_signatures": asked.needed.signatures,
        "created": event.occurred_at,
    }
    about = {"approval_id": asked.approval_id, "state": "WAITING", "expires_at": asked.expires_at}
    return Told("new_approval", event.project_id, about, more)


def _approval(event: Event) -> Told:
    names = ("approval_id", "state", "rule", "reason", "signed_by", "asked", "person", "decision", "refusal")
    return Told("approval", event.project_id, _picked(event.payload, *names))


def _execution(event: Event) -> Told:
    done = event.payload
    about = _picked(
        done, "action_id", "approval_id", "executor", "code", "reason", "result", "undoes", "undo_id"
    )
    action = done.action.command or done.action.description
    return Told("execution", event.project_id, {**about, "action": short(action, ACTION)})


def _switch(event: Event) -> Told:
    """What holds everywhere is everybody's to know."""
    about = _picked(event.payload, "kind", "name", "state", "reason")
    of_a_project = about["kind"] in ("kill_switch", "shadow") and about["name"] != "*"
    return Told("switch", str(event.payload.name) if of_a_project else None, about)


def _trust(event: Event) -> Told:
    about = _picked(event.payload, "trust_key", "reason")
    if isinstance(event.payload, TrustScore):
        about["score"] = event.payload.score
    return Told("trust", event.project_id, about)


def _rejected(event: Event) -> Told:
    """Nothing of what was sent: it is what nobody could read."""
    about = _picked(event.payload, "source", "topic", "reason", "size")
    return Told("rejected", event.payload.project_id, about)


def _first(items: Any, name: str, otherwise: str) -> str:
    return str(getattr(items[0], name)) if items else otherwise


_HEADLINES: Mapping[str, Callable[[Any], str]] = {
    "rca.diagnosed": lambda said: _first(said.diagnosis.hypotheses, "cause", said.diagnosis.summary),
    "rca.planned": lambda said: _first(said.plan.actions, "description", said.plan.summary),
    "rca.reviewed": lambda said: _first(said.violations, "why", "; ".join(said.concerns[:1])),
    "rca.critiqued": lambda said: _first(said.challenges, "question", ""),
    "rca.decided": lambda said: said.debate_summary,
}
_BY_TOPIC: Mapping[str, Callable[[Event], Told]] = {
    "incidents": _incident,
    "runs": _run,
    "rca.evidence": _evidence,
    "rca.diagnoses": _turn,
    "rca.plans": _turn,
    "rca.reviews": _turn,
    "rca.critiques": _turn,
    "rca.decisions": _turn,
    "approvals.requests": _new_approval,
    "approvals.outcomes": _approval,
    "executions": _execution,
    "trust": _trust,
    "switches": _switch,
    "alerts.rejected": _rejected,
}
FOLLOWED: Mapping[str, bool] = {topic.name: topic.keyed for topic in TOPICS if topic.name in _BY_TOPIC}
"""topics that are followed: whether they have as many partitions as every keyed one"""
_SILENT = frozenset({"rca.late"})
_TELL: Mapping[str, Callable[[Event], Told]] = {
    event.type_name(): _BY_TOPIC[topic.name]
    for topic in TOPICS
    if topic.name in _BY_TOPIC
    for event in topic.events
    if event.type_name() not in _SILENT
}
KINDS = (
    "incident, run, turn, new_approval, approval, execution, switch, trust or rejected; start where it "
    "begins, reset where what was missed is told no more, away and back where the log cannot be read, and "
    "can again"
)

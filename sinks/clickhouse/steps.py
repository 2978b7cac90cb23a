"""A run's or an incident's story as numbered steps, as one timeline, and as the latter's parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from connectors.gateway.shown_incidents import Act, ExecutionStep, TurnShown
from connectors.gateway.shown_runs import MOST_ON_A_TIMELINE, Step, TimelineItem
from sinks.clickhouse.story import Told
from sinks.clickhouse.wording import WORDED, done_of, headline, short, words_of

HEADLINE_LETTERS = 200
SPOKEN = {
    "rca.diagnosed": ("diagnosis", "summary"),
    "rca.planned": ("plan", "summary"),
    "rca.reviewed": (),
    "rca.critiqued": (),
    "rca.decided": ("debate_summary",),
}
"""the turns, and where in them stands what they say"""
NOT_OF_A_TURN = frozenset({"brief", "diagnosed"})
"""what it was given: it stands elsewhere"""
ACTS = {
    "incident.acknowledged": "acknowledge",
    "incident.assigned": "assign",
    "incident.commented": "comment",
    "incident.cancel_requested": "cancel",
    "incident.rerun_requested": "rerun",
    "incident.cause_judged": "judge",
    "close.requested": "close",
}
IN_METADATA = ("approval_id", "action_id", "jti", "error_code", "number", "attempt", "executor", "undoes")
STEPS = tuple(WORDED)
"""the types of events that are a step of a run"""


def steps_of(story: Iterable[Told]) -> tuple[Step, ...]:
    """Numbered in the order of time; a person's has their own words as its reason."""
    return tuple(_step(number, told) for number, told in enumerate(_worded(story), 1))


def timeline_of(story: Iterable[Told], *others: Iterable[TimelineItem]) -> tuple[TimelineItem, ...]:
    """All of it, ordered by time."""
    items = [_item(told) for told in _worded(story)]
    items += [item for other in others for item in other]
    return tuple(sorted(items, key=lambda item: item.at))


def cut(timeline: Sequence[TimelineItem]) -> tuple[TimelineItem, ...]:
    """Its latest items."""
    return tuple(timeline[-MOST_ON_A_TIMELINE:])


def acts_of(story: Iterable[Told]) -> Iterator[Act]:
    fields = Act.model_fields.keys() - {"at", "person", "act"}
    for told in story:
        if told.type in ACTS:
            said = {name: told.says(name) for name in fields}
            said["run_id"] = said["run_id"] or told.run_id
            yield Act(at=told.at, person=told.actor, act=ACTS[told.type], **said)


def turns_of(story: Iterable[Told]) -> Iterator[TurnShown]:
    for told in story:
        if told.type in SPOKEN:
            yield TurnShown(
                run_id=told.run_id,
                agent=told.says("turn", "agent"),
                at=told.at,
                vote=told.says("turn", "vote"),
                failed=told.says("turn", "failed"),
                degraded=bool((told.payload.get("turn") or {}).get("degraded")),
                headline=short(
                    told.says("turn", "failed") or headline(told, *SPOKEN[told.type]), HEADLINE_LETTERS
                ),
                body=body_of(told),
            )


def body_of(told: Told) -> dict[str, object]:
    body = {name: value for name, value in told.payload.items() if name not in NOT_OF_A_TURN}
    if told.type == "rca.planned":
        body.pop("diagnosis", None)
    return body


def executed_of(story: Iterable[Told]) -> Iterator[ExecutionStep]:
    """Each step of what was authorized, executed, looked at and taken back."""
    for told in story:
        if told.type.startswith("execution.") and told.type != "execution.claimed":
            operation, target = done_of(told)
            yield ExecutionStep(
                action_id=told.says("action_id"),
                at=told.at,
                operation=operation,
                target=target,
                step=told.type.partition(".")[2],
                result=told.says("result"),
                reason=told.says("reason"),
                undoes=told.says("undoes"),
            )


def _worded(story: Iterable[Told]) -> Iterator[Told]:
    return (told for told in story if told.type in WORDED)


def _step(number: int, told: Told) -> Step:
    words = words_of(told)
    own = next(filter(None, (told.says(name) for name in ("reason", "note", "text", "cause"))), "")
    return Step(
        number=number,
        at=told.at,
        kind=told.type,
        who=told.actor or told.says("turn", "agent") or told.stage,
        what=": ".join(filter(None, (words.title, words.status))),
        reason=short(own if told.actor else words.summary),
        by_person=bool(told.actor),
        event_id=told.event_id,
    )


def _item(told: Told) -> TimelineItem:
    words = words_of(told)
    said = {name: told.payload.get(name) for name in IN_METADATA if told.payload.get(name)}
    known = {"event_id": told.event_id, "type": told.type, "stage": told.stage, "run_id": told.run_id}
    person = {"person": told.actor} if told.actor else {}
    return TimelineItem(
        at=told.at,
        kind=words.kind,
        title=words.title,
        status=words.status,
        summary=words.summary,
        metadata={**known, **person, **said},
    )

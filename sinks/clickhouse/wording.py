"""What an event says in a few words: one line a type, for steps and timelines alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from connectors.gateway.shown_runs import SAID_LETTERS, Kind
from schemas.flapping import FlappingState
from sinks.clickhouse.story import Told

LONGEST_SUMMARY = 300


class Words(NamedTuple):
    kind: Kind
    title: str
    status: str = ""
    summary: str = ""


def words_of(told: Told) -> Words:
    """Of one whose type is among WORDED."""
    words = WORDED[told.type](told)
    return words._replace(summary=short(words.summary, LONGEST_SUMMARY))


def short(text: str, most: int = SAID_LETTERS) -> str:
    """On one line, cut where it must be."""
    plain = " ".join(text.split())
    return plain if len(plain) <= most else plain[: most - 1] + "…"


def done_of(told: Told) -> tuple[str, str]:
    """Operation and target: of an undo, what takes it back."""
    undo = told.says("undoes") and told.says("action", "undo", "operation")
    path = ("action", "undo") if undo else ("action", "step")
    place = (told.says(*path, "target", name) for name in ("namespace", "kind", "name"))
    return told.says(*path, "operation"), "/".join(filter(None, place))


# -- a line a type


def _started(told: Told) -> Words:
    return Words(Kind.RUN, "Run began", "running", told.says("reason"))


def _ended(told: Told) -> Words:
    said = ", ".join(filter(None, (told.says("reason"), told.says("error_code"), told.says("detail"))))
    return Words(Kind.RUN, "Run ended", told.says("state"), said)


def _throttled(told: Told) -> Words:
    until = told.says("release_at")[:19].replace("T", " ")
    said = f"{told.says('detail')}; asked for again at {until} UTC"
    return Words(Kind.RUN, "Run has to wait", "throttled", said)


def _shared(told: Told) -> Words:
    child, parent = told.says("child", "incident_id"), told.says("parent", "incident_id")
    if told.incident_id == child:
        return Words(Kind.RUN, "Shares a run", "shared", f"the run of {parent} serves it")
    return Words(Kind.RUN, "Run serves another incident", "shared", child)


def _linked(told: Told) -> Words:
    path = " needs ".join(map(str, told.many("path")))
    return Words(Kind.STEP, f"Belongs to {told.says('parent_incident_id')}", "linked", path)


def _evidence(told: Told) -> Words:
    items, gaps = len(told.many("items")), len(told.many("gaps"))
    missing = "" if not gaps else f", {gaps} could not be had"
    return Words(Kind.STEP, "Evidence was gathered", "done", f"{items} items{missing}")


def _turn(title: str, *said: str) -> Callable[[Told], Words]:
    def made(told: Told) -> Words:
        failed = told.says("turn", "failed")
        return Words(Kind.STEP, title, told.says("turn", "vote"), failed or headline(told, *said))

    return made


def headline(told: Told, *path: str) -> str:
    """What a turn says first."""
    spoken = told.says(*path)
    firsts = (told.many(name)[:1] for name in ("violations", "concerns", "challenges"))
    return spoken or next((_said(first) for found in firsts for first in found), "")


def _said(first: object) -> str:
    if isinstance(first, Mapping):
        return str(first.get("why") or first.get("question") or "")
    return str(first)


def _preflight(told: Told) -> Words:
    failed = [str(check.get("name")) for check in told.many("checks") if not check.get("passed")]
    why = told.says("reason") or (f"failed: {', '.join(failed)}" if failed else "")
    return Words(Kind.STEP, "It was tried on the cluster, changing nothing", told.says("status"), why)


def _decided(told: Told) -> Words:
    return Words(Kind.STEP, "Policy decided", told.says("outcome"), told.says("reason"))


def _asked(told: Told) -> Words:
    operation, target = done_of(told)
    return Words(Kind.APPROVAL, "Approval card", "WAITING", f"{operation} on {target}: {told.says('reason')}")


def _vote(title: str) -> Callable[[Told], Words]:
    def made(told: Told) -> Words:
        who = told.says("person") or told.actor or "somebody"
        why = told.says("reason") or told.says("sentence")
        status = told.says("decision") or told.says("refusal")
        return Words(Kind.APPROVAL, title, status, f"{who}: {why}" if why else who)

    return made


def _closed(told: Told) -> Words:
    return Words(Kind.APPROVAL, "Approval closed", told.says("state"), told.says("reason"))


def _authorized(told: Told) -> Words:
    operation, target = done_of(told)
    return Words(Kind.REMEDIATION, "Authorized", "authorized", f"{operation} on {target}")


def _executed(told: Told) -> Words:
    operation, target = done_of(told)
    undo = ", the undo" if told.says("undoes") else ""
    why = told.says("reason")
    said = f"{operation} on {target}{undo}" + (f": {why}" if why else "")
    return Words(Kind.REMEDIATION, _EXECUTED[told.type], told.type.partition(".")[2], said)


def _claimed(told: Told) -> Words:
    return Words(Kind.REMEDIATION, "Claimed by an executor", "claimed", told.says("claimed_by"))


def _withdrawn(told: Told) -> Words:
    return Words(Kind.REMEDIATION, "Withdrawn", "withdrawn", told.says("reason"))


def _act(title: str) -> Callable[[Told], Words]:
    def made(told: Told) -> Words:
        said = [told.says(name) for name in ("assignee", "verdict", "text", "note", "reason", "cause")]
        words = " ".join(filter(None, said))
        status = told.type.partition(".")[2]
        return Words(Kind.STEP, title, status, f"{told.actor}: {words}" if words else told.actor)

    return made


def _lived(title: str) -> Callable[[Told], Words]:
    def made(told: Told) -> Words:
        said = told.says("message") or told.says("reason")
        return Words(Kind.RUN, title, told.says("status") or told.says("highest_severity"), said)

    return made


def _silenced(told: Told) -> Words:
    """One sentence; a time to its minute."""
    until = told.says("until")[:16].replace("T", " ")
    who = " by ".join(filter(None, (told.says("kind"), told.says("by"))))
    said = ", ".join(filter(None, (who, f"until {until} UTC" if until else "")))
    why = told.says("comment")
    if told.payload.get("active") is False:
        return Words(Kind.STEP, "No longer silenced", "heard", who)
    return Words(Kind.STEP, "Silenced", "silenced", f"{said}: {why}" if why else said)


def _flapping(told: Told) -> Words:
    changes = f"{told.payload.get('changes', 0)} changes of its state"
    if told.says("state") == FlappingState.SETTLED:
        return Words(Kind.STEP, "No longer on and off", "settled", changes)
    return Words(Kind.STEP, "Goes on and off: no runs but people's", "flapping", changes)


_EXECUTED = {
    "execution.started": "Execution began",
    "execution.succeeded": "It was done",
    "execution.failed": "It failed",
    "execution.refused": "The executor refused",
    "execution.shadowed": "It would have been done",
    "execution.voided": "Nothing was done: the target had changed",
    "execution.unknown": "Nobody can tell whether it was done",
    "execution.verified": "It holds",
    "execution.unverified": "Nobody can tell whether it holds",
    "execution.undone": "It was taken back",
    "execution.settled": "Whether the alert resolved",
    "execution.relapsed": "The alert came back",
}
WORDED: Mapping[str, Callable[[Told], Words]] = {
    "incident.opened": _lived("Incident opened"),
    "incident.reopened": _lived("Incident reopened"),
    "incident.severity_raised": _lived("Severity raised"),
    "incident.moved": _lived("Incident moved on"),
    "incident.resolved": _lived("Incident resolved"),
    "incident.expired": _lived("Incident expired"),
    "incident.silenced": _silenced,
    "incident.flapping": _flapping,
    "incident.acknowledged": _act("Acknowledged"),
    "incident.assigned": _act("Assigned"),
    "incident.commented": _act("Commented"),
    "incident.cancel_requested": _act("Asked to call the run off"),
    "incident.rerun_requested": _act("Asked for a new run"),
    "incident.cause_judged": _act("Judged the cause"),
    "close.requested": _act("Asked to close it"),
    "incident.linked": _linked,
    "run.started": _started,
    "run.throttled": _throttled,
    "run.shared": _shared,
    "run.finished": _ended,
    "run.cancelled": _ended,
    "evidence.collected": _evidence,
    "rca.diagnosed": _turn("The diagnostician spoke", "diagnosis", "summary"),
    "rca.planned": _turn("The solver spoke", "plan", "summary"),
    "rca.reviewed": _turn("The reviewer spoke"),
    "rca.critiqued": _turn("The critic spoke"),
    "rca.decided": _turn("The coordinator decided", "debate_summary"),
    "preflight.checked": _preflight,
    "decision.made": _decided,
    "approval.requested": _asked,
    "vote.counted": _vote("Signature counted"),
    "vote.refused": _vote("Signature refused"),
    "vote.late": _vote("Signature came late"),
    "approval.approved": _closed,
    "approval.rejected": _closed,
    "approval.expired": _closed,
    "approval.voided": _closed,
    "action.authorized": _authorized,
    "action.withdrawn": _withdrawn,
    "execution.claimed": _claimed,
    **dict.fromkeys(_EXECUTED, _executed),
}

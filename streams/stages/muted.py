"""Who keeps an incident quiet: what dedup keeps of it beside a fingerprint, and what it tells.

A silence or a window is one in force over the alert, or one that its sender says mutes it. An inhibition is
known from the sender alone; it ends when people are told again, or when nothing was heard of it for long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple, dataclass, field, replace
from typing import Any

from connectors.silences import matched_labels
from schemas import ids
from schemas.draft import Draft, envelope
from schemas.envelope import to_millis
from schemas.incident import IncidentSilenced
from schemas.silence import AlertMuted, Mute, QuietKind, silence_key
from streams import windows
from streams.policy.silenced import FREEZE, Quiet
from streams.stage import Now
from streams.stages.fingerprint import OPEN, Fingerprint

LEASE_MS = 2 * 60 * 60 * 1000
"""senders say it again with each interval of a group: what was not heard of for so long has ended"""
MOST_MARKS = 8
NEVER = 2**53
STAGE = "dedup"


@dataclass(frozen=True, slots=True)
class Mark:
    kind: str
    id: str
    sender: str
    """of an inhibition: which of the sender's alerts, since several may share a fingerprint of ours"""
    until: int | None
    heard_at: int
    by: str = ""
    comment: str = ""
    set_in: str = ""

    @property
    def name(self) -> tuple[str, str]:
        return self.kind, self.id

    @property
    def ends_at(self) -> int:
        if self.until is not None:
            return self.until
        return self.heard_at + LEASE_MS if self.kind == QuietKind.INHIBITION else NEVER

    def says(self) -> tuple[str, str, int | None]:
        """What an incident is told of it; told again when that changes."""
        return (*self.name, self.until)


@dataclass(slots=True)
class Kept:
    """What a row holds: the marks, and which of them its incident was told of."""

    marks: list[Mark] = field(default_factory=list)
    incident_id: str = ""
    told: list[Mark] = field(default_factory=list)
    count: int = 0
    """of what was ever told"""

    @classmethod
    def of(cls, state: Fingerprint) -> Kept:
        if not state.quiet:
            return cls()
        marks, incident_id, told, count = state.quiet
        known = cls([Mark(*one) for one in marks], incident_id, [Mark(*one) for one in told], count)
        if incident_id != state.incident_id:
            known.incident_id, known.told = state.incident_id, []
        return known

    def put(self, state: Fingerprint) -> None:
        packed = [[list(astuple(one)) for one in marks] for marks in (self.marks, self.told)]
        kept = [packed[0], self.incident_id, packed[1], self.count] if self.count or any(packed) else []
        if kept != state.quiet:
            state.quiet, state.changed = kept, True


class Muting:
    """`quiet` are the silences as this process knows them, `version` how far it has read them."""

    def __init__(self, quiet: Quiet | None, version: Callable[[], int] = lambda: 0) -> None:
        self._quiet, self.version = quiet, version

    # -- what comes in

    def heard(self, event: AlertMuted, state: Fingerprint, now: Now) -> list[Draft]:
        """What a sender says; once, wherever the record stands again."""
        mute, origin = event.payload, event.payload.origin
        place, at = f"{origin.epoch}/{origin.topic}/{origin.partition}", [origin.offset, origin.index]
        if at <= state.origins.get(place, [-1, -1]):
            return []
        state.origins[place], state.changed = at, True
        kept, mark = Kept.of(state), _mark_of(mute)
        if mute.muted and self._stays(mark, state.project, now.millis):
            others = [one for one in kept.marks if (one.name, one.sender) != (mark.name, mark.sender)]
            kept.marks = [*others, mark][-MOST_MARKS:]
        elif not mute.muted:
            kept.marks = [one for one in kept.marks if not _is_lifted(one, mark)]
        return self._told(kept, (event.event_id,), state, now)

    def is_news(self, state: Fingerprint) -> bool:
        """Whether silences were set or ended since this fingerprint was looked at."""
        return self.version() != state.looked

    def looked(self, told_by: Mapping[str, Any], state: Fingerprint, now: Now) -> list[Draft]:
        """What is in force over an alert of it now. While nobody can tell, all stays as it is."""
        if self._quiet is None or state.phase != OPEN or not self._quiet.is_read:
            return []
        if state.looked != self.version():
            state.looked, state.changed = self.version(), True
        alert, kept, at = told_by["payload"], Kept.of(state), now.millis
        found = [
            Mark(one.kind, one.id, "", one.ends_at, at, one.by, one.comment, one.source)
            for one in self._quiet.covering(state.project, _labels(alert), at)
            if one.kind != FREEZE
        ]
        names = {one.name for one in found}
        stay = [one for one in kept.marks if one.name not in names and self._stays(one, state.project, at)]
        kept.marks = _as_before([*stay, *found][-MOST_MARKS:], kept.marks)
        return self._told(kept, (told_by["event_id"],), state, now)

    def _stays(self, mark: Mark, project: str, at: int) -> bool:
        """A sender's own word holds until its silence is known to be over."""
        if self._quiet is None or mark.kind == QuietKind.INHIBITION:
            return True
        return self._quiet.state(silence_key(project, mark.id), at) in ("active", "")

    # -- what time does

    def over(self, state: Fingerprint, now: Now) -> list[Draft]:
        return self._told(Kept.of(state), (), state, now) if state.quiet else []

    def due(self, state: Fingerprint, ends: int) -> int:
        """An open incident's quiet ends by itself; a closed one is kept in mind as long as it may matter.
        A heartbeat is missed in its own time.
        """
        if not state.quiet or (state.beat and state.phase != OPEN):
            return ends
        marks = Kept.of(state).marks
        if state.phase == OPEN:
            return min([ends, *(one.ends_at for one in marks)])
        return max([ends, *(_latest(one) for one in marks)])

    # -- what is told

    def _told(self, kept: Kept, causes: tuple[str, ...], state: Fingerprint, now: Now) -> list[Draft]:
        """What an open incident does not know yet: one event for each that began, changed or ended."""
        ends = (lambda one: one.ends_at) if state.phase == OPEN else _latest
        kept.marks = [one for one in kept.marks if ends(one) > now.millis]
        drafts: list[Draft] = []
        if state.phase == OPEN:
            kept.incident_id = state.incident_id
            told, marks = {one.name: one for one in kept.told}, {one.name: one for one in kept.marks}
            ended = [one for name, one in told.items() if name not in marks]
            fresh = [
                one for name, one in marks.items() if name not in told or told[name].says() != one.says()
            ]
            for mark, active in (*((one, False) for one in ended), *((one, True) for one in fresh)):
                kept.count += 1
                drafts.append(_event(mark, active, kept.count, causes, state, now))
            if drafts:
                kept.told = list(marks.values())
        kept.put(state)
        return drafts


def _mark_of(mute: Mute) -> Mark:
    until, heard_at = mute.until, to_millis(mute.received_at)
    sender = mute.sender_fingerprint if mute.kind == QuietKind.INHIBITION else ""
    said = (mute.by, mute.comment, mute.id.partition(":")[0])
    return Mark(str(mute.kind), mute.id, sender, to_millis(until) if until else None, heard_at, *said)


def _is_lifted(mark: Mark, notified: Mark) -> bool:
    is_its = mark.kind == QuietKind.INHIBITION and mark.sender == notified.sender
    return is_its and mark.heard_at <= notified.heard_at


def _as_before(marks: Iterable[Mark], before: Iterable[Mark]) -> list[Mark]:
    """With the time at which each was first seen so: a row is not rewritten for what has not changed."""
    known = {one.name: one.heard_at for one in before if one.kind != QuietKind.INHIBITION}
    return [replace(one, heard_at=known.get(one.name, one.heard_at)) for one in marks]


def _latest(mark: Mark) -> int:
    return min(mark.ends_at, mark.heard_at + windows.DAY)


def _labels(alert: Mapping[str, Any]) -> Mapping[str, str]:
    names = ("alert_type", "severity", "cluster", "namespace", "resource_type", "target_resource", "labels")
    kind, severity = alert["resource_type"], str(alert["severity"])
    told = {
        **{name: alert[name] for name in names},
        "severity": severity,
        "resource_type": kind and str(kind),
    }
    return matched_labels(*(told[name] for name in names))


def _event(
    mark: Mark, active: bool, count: int, causes: tuple[str, ...], state: Fingerprint, now: Now
) -> Draft:
    plain = envelope(
        IncidentSilenced,
        event_id=ids.derive_id("incident.silenced", state.incident_id, str(count)),
        project_id=state.project,
        incident_id=state.incident_id,
        occurred_at=now.millis,
        recorded_at=now.millis,
        stage=STAGE,
        causes=causes,
    )
    plain["payload"] = {
        "silence_id": mark.id,
        "kind": QuietKind(mark.kind),
        "active": active,
        "by": mark.by,
        "comment": mark.comment,
        "until": mark.until,
        "set_in": mark.set_in,
    }
    return Draft(IncidentSilenced, state.incident_id.encode(), plain)

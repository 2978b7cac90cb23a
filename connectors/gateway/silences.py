"""GET and POST /api/v1/silences, POST …/{silence_id}/end, POST /api/v1/incidents/{incident_id}/silence.

A silence keeps alerts quiet, a maintenance window says that somebody works there, a change freeze lets
nothing be done. All three are records of one kind; what was set in another system is shown, and can be ended.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from connectors.gateway.act_desk import INCIDENT_ID, LIKE, Receipt, written
from connectors.gateway.deeds import Asked, Deed
from connectors.gateway.once import Once
from connectors.gateway.problems import Refused, come_again
from connectors.gateway.reader_door import Caller
from connectors.gateway.silence_words import (
    ACTIVE,
    EXPIRED,
    PENDING,
    NewSilence,
    SilencePage,
    SilenceTold,
    Time,
    Which,
    Whose,
    shown,
    state_of,
)
from connectors.gateway.webhooks import Publish
from connectors.tokens import Role
from schemas import ids
from schemas.envelope import from_millis, to_millis
from schemas.headers import Headers
from schemas.silence import LabelMatcher, SilenceKind, SilenceSet, SilenceSetting, silence_key

PATH, END_PATH = "/api/v1/silences", "/api/v1/silences/{silence_id}/end"
OF_INCIDENT_PATH = "/api/v1/incidents/{incident_id}/silence"
STAGE = "gateway"
MAY = (Role.OPERATOR, Role.ADMIN)
LONGEST_WINDOW_DAYS = 366
MOST_IN_FORCE = 500
"""of one project, pending ones among them: every process asks each of them of each alert"""
EARLIEST = timedelta(minutes=1)
"""how far back a beginning may lie: clocks differ"""
LATEST = timedelta(days=366)
UNKNOWN = Receipt("silences", 0, -1)
"""it lies there, but where is not known any more"""


@dataclass(frozen=True, slots=True)
class Kept:
    """All that stands on the topic and can be read."""

    settings: tuple[SilenceSetting, ...]
    unreadable: int


class SilenceDesk(Protocol):
    """What this gateway knows of silences, as every process knows it. Filled in by awoooi; raises NotNow."""

    longest_days: int
    """of a silence"""

    def kept(self) -> Kept | None:
        """None: it is not known at the moment."""
        ...

    async def of_incident(
        self, incident_id: str, projects: Collection[str] | None
    ) -> tuple[str, tuple[LabelMatcher, ...]] | None:
        """Its project, and what would keep quiet what it is about."""
        ...

    def clean(self, comment: str) -> str: ...

    def encode(self, event: SilenceSet, traceparent: bytes) -> tuple[bytes, Headers]: ...

    async def taken_in(self, lies: Receipt) -> None:
        """Until what lies there is known here as well, or shortly has not come."""
        ...


# -- what is done


class Silencing:
    def __init__(self, desk: SilenceDesk, publish: Publish, now_ms: Callable[[], int]) -> None:
        self._desk, self._publish, self._now_ms = desk, publish, now_ms
        self._once = Once(now_ms)

    async def look(self, asked: Asked) -> SilencePage:
        wish: Which = asked.said
        projects, now = asked.caller.asking_for(wish.project), from_millis(self._now_ms())
        kept = self._desk.kept()
        order = (ACTIVE, PENDING, EXPIRED) if wish.expired else (ACTIVE, PENDING)
        found = [
            one
            for one in (kept.settings if kept else ())
            if _is_of(one, projects) and wish.kind in (None, one.kind) and state_of(one, now) in order
        ]
        found.sort(key=lambda one: (order.index(state_of(one, now)), -to_millis(one.updated_at), one.id))
        items = tuple(shown(one, now) for one in found[:MOST_IN_FORCE])
        return SilencePage(items=items, unreadable=kept.unreadable if kept else 0, fresh=kept is not None)

    async def new(self, asked: Asked) -> SilenceTold:
        wish: NewSilence = asked.said
        project = _project(wish.project, asked.caller)
        matchers = tuple(LabelMatcher(**one.model_dump()) for one in wish.matchers)
        return await self._set(asked, project, wish, matchers)

    async def of_incident(self, asked: Asked) -> SilenceTold:
        incident_id = asked.path["incident_id"]
        known = None
        if INCIDENT_ID.fullmatch(incident_id):
            known = await self._desk.of_incident(incident_id, asked.caller.projects)
        if known is None:
            raise Refused(404, "unknown_incident", f"no such incident among yours; {LIKE}")
        project, matchers = known
        wish = NewSilence.model_construct(**asked.said.model_dump(), kind=SilenceKind.SILENCE, starts_at=None)
        return await self._set(asked, project, wish, matchers)

    async def end(self, asked: Asked) -> SilenceTold:
        found = self._found(asked)
        now = self._now()
        if state_of(found, now) == EXPIRED:
            raise Refused(409, "over", f"it was over {found.ends_at:%Y-%m-%d %H:%M} UTC")
        starts = min(found.starts_at, now)
        over = found.model_copy(update={"starts_at": starts, "ends_at": now, "updated_at": now})
        return await self._write(asked, found.subject.partition("/")[0], over)

    # -- parts

    def _now(self) -> datetime:
        return from_millis(self._now_ms())

    def _known(self) -> Kept:
        kept = self._desk.kept()
        if kept is None:
            raise come_again("silences_away", "which silences there are is not known at the moment", 1)
        return kept

    def _found(self, asked: Asked) -> SilenceSetting:
        projects = asked.caller.asking_for(asked.said.project)
        wanted = asked.path["silence_id"]
        found = [one for one in self._known().settings if one.id == wanted and _is_of(one, projects)]
        if not found:
            raise Refused(404, "unknown_silence", "no such silence, window or freeze among yours")
        if len(found) > 1:
            raise Refused(409, "several", "several projects have one of this id: name the project")
        return found[0]

    async def _set(
        self, asked: Asked, project: str, wish: NewSilence, matchers: tuple[LabelMatcher, ...]
    ) -> SilenceTold:
        silence_id, now = _id(asked, project), self._now()
        known = self._known().settings
        before = [one for one in known if one.subject == silence_key(project, silence_id)]
        if before:  # the same request again, under the same key
            return _told(before[0], self._once.receipt(silence_id) or UNKNOWN, now)
        start = wish.starts_at or now
        end = _bounded(wish, start, now, self._desk.longest_days)
        _must_have_room(known, project, now)
        setting = SilenceSetting(
            subject=silence_key(project, silence_id),
            id=silence_id,
            kind=wish.kind,
            matchers=matchers,
            everything=getattr(wish, "everything", False),
            starts_at=start,
            ends_at=end,
            comment=self._desk.clean(wish.comment),
            by=asked.caller.person,
            updated_at=now,
        )
        told = await self._write(asked, project, setting)
        self._once.keep(silence_id, Receipt(told.topic, told.partition, told.offset))
        return told

    async def _write(self, asked: Asked, project: str, setting: SilenceSetting) -> SilenceTold:
        event = set_event(setting, project, asked.caller.person)
        lies = await written(self._publish, event, self._desk.encode(event, asked.traceparent))
        await self._desk.taken_in(lies)
        return _told(setting, lies, self._now())


def set_event(setting: SilenceSetting, project: str, person: str) -> SilenceSet:
    at, end = setting.updated_at, setting.ends_at
    told = ("" if end is None else str(to_millis(end)),)
    return SilenceSet(
        event_id=ids.derive_id("silence.set", setting.subject, str(to_millis(at)), *told),
        project_id=project,
        occurred_at=at,
        recorded_at=at,
        stage=STAGE,
        actor=person,
        payload=setting,
    )


def _told(one: SilenceSetting, lies: Receipt, now: datetime) -> SilenceTold:
    event = set_event(one, one.subject.partition("/")[0], one.by)
    return SilenceTold(event_id=event.event_id, type=event.type, **lies._asdict(), silence=shown(one, now))


def _must_have_room(known: Collection[SilenceSetting], project: str, now: datetime) -> None:
    if sum(_is_of(one, (project,)) and state_of(one, now) != EXPIRED for one in known) >= MOST_IN_FORCE:
        raise Refused(409, "too_many", f"{MOST_IN_FORCE} are set in this project already: end some")


def _is_of(one: SilenceSetting, projects: Collection[str] | None) -> bool:
    return projects is None or one.subject.partition("/")[0] in projects


def _id(asked: Asked, project: str) -> str:
    """Short enough to be typed. The same request under the same Idempotency-Key has the same."""
    about = asked.path.get("incident_id", ""), asked.said.model_dump_json()
    key = asked.key or secrets.token_hex(16)
    whole = ids.derive_id("silence", project, asked.caller.person, *about, key)
    return f"sil-{whole.replace('-', '')[:12]}"


def _project(named: str, caller: Caller) -> str:
    if named:
        caller.asking_for(named)
        return named
    if caller.projects is None or len(caller.projects) != 1:
        which = "all" if caller.projects is None else ", ".join(caller.projects)
        detail = f"project: name one, at a terminal with --project NAME; the token is good for {which}"
        raise Refused(422, "which_project", detail)
    return caller.projects[0]


def _bounded(wish: Time, start: datetime, now: datetime, silence_days: int) -> datetime:
    """When it ends. Refused says which bound is meant."""
    kind = getattr(wish, "kind", SilenceKind.SILENCE)
    days = silence_days if kind is SilenceKind.SILENCE else LONGEST_WINDOW_DAYS
    try:
        end = wish.end(start)
    except OverflowError:
        raise Refused(422, "bad_time", f"a {kind} lasts at most {days} days") from None
    bounds: Mapping[str, bool] = {
        "starts_at: it lies in the past": start < now - EARLIEST,
        f"starts_at: at most {LATEST.days} days ahead": start > now + LATEST,
        "ends_at: it lies in the past": end <= now,
        "ends_at: it must lie after starts_at": end <= start,
        f"a {kind} lasts at most {days} days": end - start > timedelta(days=days),
    }
    for said, is_broken in bounds.items():
        if is_broken:
            raise Refused(422, "bad_time", said)
    return end


def deeds(desk: SilenceDesk, publish: Publish, now_ms: Callable[[], int]) -> tuple[Deed, ...]:
    ours = Silencing(desk, publish, now_ms)
    return _list(ours), _set(ours), _end(ours), _of_incident(ours)


def _list(ours: Silencing) -> Deed:
    return Deed(
        "list_silences",
        "GET",
        PATH,
        "see silences, maintenance windows and change freezes",
        ours.look,
        SilencePage,
        Which,
        refusals={404: "a project that is not the caller's"},
    )


def _set(ours: Silencing) -> Deed:
    return Deed(
        "set_silence",
        "POST",
        PATH,
        "set a silence, a maintenance window or a change freeze",
        ours.new,
        SilenceTold,
        NewSilence,
        roles=MAY,
        status=202,
        example={
            "project": "shop",
            "kind": "maintenance",
            "matchers": [{"name": "namespace", "value": "shop"}],
            "duration": "2h",
            "comment": "moving the database",
        },
        refusals={404: "a project that is not the caller's", 409: "too many are set in this project"},
    )


def _end(ours: Silencing) -> Deed:
    return Deed(
        "end_silence",
        "POST",
        END_PATH,
        "end a silence, a maintenance window or a change freeze",
        ours.end,
        SilenceTold,
        Whose,
        roles=MAY,
        status=202,
        refusals={404: "no such one among the caller's", 409: "it is over, or several have this id"},
    )


def _of_incident(ours: Silencing) -> Deed:
    return Deed(
        "silence_incident",
        "POST",
        OF_INCIDENT_PATH,
        "keep quiet what an incident is about",
        ours.of_incident,
        SilenceTold,
        Time,
        roles=MAY,
        status=202,
        example={"duration": "2h", "comment": "the disk is being replaced"},
        refusals={404: "no such incident among the caller's", 409: "too many are set in this project"},
    )

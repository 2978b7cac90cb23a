"""What people say of silences, windows and freezes, and what they are told."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, Field, model_validator

from connectors.gateway.act_kinds import Reason
from connectors.gateway.deeds import OfProject, ProjectName, Said, Told, Written
from connectors.silences import MOST_MATCHERS, Matcher
from schemas.alert import ResourceType
from schemas.envelope import Moment
from schemas.silence import LabelMatcher, SilenceKind, SilenceSetting

PLACES = ("cluster", "namespace", *(str(kind) for kind in ResourceType))
"""what is known of the target of an action, and so what a freeze can be about"""
ACTIVE, PENDING, EXPIRED = "active", "pending", "expired"
_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_DURATION = re.compile(r"(?:\d{1,5}[wdhms]){1,5}")
_LABEL = r"^[A-Za-z_][A-Za-z0-9_./:-]{0,254}$"
_TRIES = "an expression is letters and . [] () | * + ? {2,5}, over the whole value"


def length(text: str) -> timedelta:
    """`90m`, `2h`, `1d12h`."""
    if not _DURATION.fullmatch(text):
        raise ValueError("is no length of time: numbers with w, d, h, m or s, as in 90m, 2h, 1d12h")
    parts = re.findall(r"(\d+)([wdhms])", text)
    return sum((timedelta(**{_UNITS[unit]: int(number)}) for number, unit in parts), timedelta())


def _a_length(text: str) -> str:
    if text:
        length(text)
    return text


# -- what is said


class OneMatcher(Said):
    name: Annotated[str, Field(pattern=_LABEL)]
    value: str = Field(max_length=2_000)
    regex: bool = Field(False, strict=True, description=_TRIES)
    negated: bool = Field(False, strict=True, description="it must not be so")

    @model_validator(mode="after")
    def _is_understood(self) -> OneMatcher:
        why = self.matcher.why_unclear
        if why:
            raise ValueError(f"the expression {why}; {_TRIES}")
        return self

    @property
    def matcher(self) -> Matcher:
        return Matcher(self.name, self.value, self.regex, self.negated)


class Time(Said):
    duration: Annotated[str, Field(max_length=30), AfterValidator(_a_length)] = Field(
        "", description="as in 2h or 1d12h; instead of ends_at"
    )
    ends_at: AwareDatetime | None = None
    comment: Reason = Field(description="why: who reads it in a week knows nothing else", min_length=3)

    @model_validator(mode="after")
    def _ends_once(self) -> Time:
        if bool(self.duration) == (self.ends_at is not None):
            raise ValueError("say either duration or ends_at")
        return self

    def end(self, start: datetime) -> datetime:
        """Past the last year of the calendar it is the last moment, which is too long for all there is."""
        try:
            return self.ends_at or start + length(self.duration)
        except OverflowError:
            return datetime.max.replace(tzinfo=UTC)


class NewSilence(Time):
    project: ProjectName = Field("", description="whose; empty: the only one that the token has")
    kind: SilenceKind = SilenceKind.SILENCE
    matchers: tuple[OneMatcher, ...] = Field((), max_length=MOST_MATCHERS, description="all must hold")
    everything: bool = Field(False, strict=True, description="all of the project; of a window or a freeze")
    starts_at: AwareDatetime | None = Field(None, description="now where nothing is said")

    @model_validator(mode="after")
    def _says_what(self) -> NewSilence:
        if self.everything and (self.matchers or self.kind is SilenceKind.SILENCE):
            raise ValueError("everything is for a maintenance window or a freeze without matchers")
        if not self.everything and all(one.matcher.matches({}) for one in self.matchers):
            raise ValueError("matchers: at least one must name a value: else all of the project is meant")
        unknown = [one.name for one in self.matchers if one.name not in PLACES]
        if self.kind is SilenceKind.FREEZE and unknown:
            raise ValueError(f"matchers: a freeze is about where things are done: {', '.join(PLACES)}")
        return self


class Which(OfProject):
    kind: SilenceKind | None = None
    expired: bool = Field(False, description="those that are over, too")


class Whose(Said):
    project: ProjectName = Field("", description="where several projects have one of this id")


# -- what is told


class ShownSilence(Told):
    id: str
    project: str
    kind: SilenceKind
    state: str = Field(description="pending, active or expired")
    matchers: tuple[LabelMatcher, ...]
    everything: bool
    starts_at: Moment
    ends_at: Moment | None
    comment: str
    by: str
    source: str = Field(description="awoooi, or the system that it was set in")
    url: str = ""
    updated_at: Moment
    ends_with_us: bool = Field(
        description="false: it goes on where it was set, and may come again from there"
    )


class SilencePage(Told):
    items: tuple[ShownSilence, ...] = Field(description="active ones first, then pending, then those over")
    unreadable: int = Field(description="records that nobody understands; they hold back automatic action")
    fresh: bool = Field(description="false: nobody can tell at the moment, and all is in doubt")


class SilenceTold(Written):
    silence: ShownSilence


def state_of(one: SilenceSetting, now: datetime) -> str:
    if one.ends_at is not None and now >= one.ends_at:
        return EXPIRED
    return PENDING if now < one.starts_at else ACTIVE


def shown(one: SilenceSetting, now: datetime) -> ShownSilence:
    told = {name: getattr(one, name) for name in ShownSilence.model_fields if hasattr(one, name)}
    project, state = one.subject.partition("/")[0], state_of(one, now)
    return ShownSilence.model_validate(
        {**told, "project": project, "state": state, "ends_with_us": ":" not in one.id}
    )

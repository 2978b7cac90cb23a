"""Silences, maintenance windows and change freezes, on the compacted topic `silences`: the latest stands.

Who wrote it, a person here or a monitoring system, makes no difference to who reads it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import Field

from schemas.alert import AlertOrigin
from schemas.envelope import Event, Moment, Plain

OURS = "awoooi"
"""the source of what a person set here"""


class SilenceKind(StrEnum):
    SILENCE = "silence"
    MAINTENANCE = "maintenance"
    FREEZE = "freeze"


class QuietKind(StrEnum):
    """Why an incident is quiet: these, and what only a sender knows."""

    SILENCE = "silence"
    MAINTENANCE = "maintenance"
    FREEZE = "freeze"
    INHIBITION = "inhibition"


class LabelMatcher(Plain):
    name: str = Field(description="a label; beside the alert's own: alertname, namespace, cluster, severity")
    value: str = Field(description="the value, or an expression over the whole of it")
    regex: bool = Field(False, description="the value is an expression")
    negated: bool = Field(False, description="it must not be so")


class SilenceSetting(Plain):
    subject: str = Field(description="project/id: the record's key")
    id: str = Field(description="its id; another system's stands behind that system's name and a colon")
    kind: SilenceKind = Field(description="silence, maintenance or freeze")
    matchers: tuple[LabelMatcher, ...] = Field((), description="all must hold; none: nothing is covered")
    everything: bool = Field(False, description="without any matcher all of the project is meant")
    starts_at: Moment = Field(description="from when on")
    ends_at: Moment | None = Field(None, description="until when; ended early: when that was; none: it lasts")
    comment: str = Field("", description="why, in the words of who set it")
    by: str = Field("", description="who set it")
    source: str = Field(OURS, description="awoooi, or the system that it was set in")
    url: str = Field("", description="where it can be looked at")
    updated_at: Moment = Field(description="when it was last set: an older word does not undo a newer one")


class SilenceSet(Event):
    """A silence, a maintenance window or a change freeze was set, changed or ended: then its end is past."""

    type: Literal["silence.set"] = "silence.set"
    payload: SilenceSetting
    id_over: ClassVar[str] = "subject, when it was last set, and its end"


class Mute(Plain):
    fingerprint: str = Field(description="identity of the alert within the project, 16 hex digits")
    kind: QuietKind = Field(description="silence or inhibition")
    id: str = Field(description="of the silence, as on `silences`; of an inhibition its rule and its cause")
    muted: bool = Field(True, description="false: its sender has told people of it again")
    sender_fingerprint: str = Field("", description="the alert's identity at its sender")
    by: str = Field("", description="who set the silence; of an inhibition the rule")
    comment: str = Field("", description="why, personal values covered")
    until: Moment | None = Field(None, description="when the silence ends")
    received_at: Moment = Field(description="when the raw record was written")
    origin: AlertOrigin = Field(description="where the raw record stands")


class AlertMuted(Event):
    """An alert's sender keeps it from people, or no longer does."""

    type: Literal["alert.muted"] = "alert.muted"
    payload: Mute
    id_over: ClassVar[str] = "its origin: log epoch, raw topic, partition, offset, index in the record"


def silence_key(project_id: str, silence_id: str) -> str:
    """Of one project each: nobody ends another's."""
    return f"{project_id}/{silence_id}"

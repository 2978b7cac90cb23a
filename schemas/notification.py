"""What people are told, and what channels bring: one message an incident and channel, updated as it moves."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import Field

from schemas.envelope import Event, Long, Plain


class MessageKind(StrEnum):
    INTERIM = "interim"
    APPROVAL_REQUEST = "approval_request"
    FINAL = "final"
    ERROR = "error"


class Message(Plain):
    """What is said, where, and because of what."""

    message_id: str = Field(description="derived from the incident and the channel: updates keep it")
    channel: str = Field(description="slack, discord, telegram, mail, webhook, …")
    recipient: str = Field("", description="where in the channel, personal values covered")
    kind: MessageKind = Field(description="interim, approval_request, final or error")
    state: str = Field("", description="the state of the incident or the run that caused it")
    title: str = Field("", description="one line")
    text: str = Field("", description="the whole of it, personal values covered")


class Notification(Message):
    attempt: Long = Field(1, description="which try at this state of the message")
    channel_ref: str = Field("", description="as the channel calls the message, where it has it")
    code: str = Field("", description="why it failed or was skipped: a constant")
    reason: str = Field("", description="the same in one sentence")
    duplicate: bool = Field(False, description="said again: nobody knew whether it had been sent")


NOTICE = "the message, the state it tells and the try"


class NotificationQueued(Event):
    """Somebody is to be told."""

    type: Literal["notification.queued"] = "notification.queued"
    payload: Notification
    id_over: ClassVar[str] = "the message and the state it tells"


class NotificationSent(Event):
    """The channel has taken it."""

    type: Literal["notification.sent"] = "notification.sent"
    payload: Notification
    id_over: ClassVar[str] = NOTICE


class NotificationFailed(Event):
    """The channel did not take it."""

    type: Literal["notification.failed"] = "notification.failed"
    payload: Notification
    id_over: ClassVar[str] = NOTICE


class NotificationSkipped(Event):
    """Nobody was told, on purpose: the channel is off, or what was to be said no longer held."""

    type: Literal["notification.skipped"] = "notification.skipped"
    payload: Notification
    id_over: ClassVar[str] = "the message and the state it tells"


class ChannelMessage(Message):
    channel_ref: str = Field("", description="as the channel calls the message")
    reply_to: str = Field("", description="as the channel calls the message that it answers")
    sender: str = Field(
        "", description="as the channel calls whom it comes from; who it is stands in `actor`"
    )
    duplicate: bool = Field(False, description="the channel had brought, or been given, the same before")


class ChannelReceived(Event):
    """A channel brought a message."""

    type: Literal["channel.received"] = "channel.received"
    payload: ChannelMessage
    id_over: ClassVar[str] = "the channel and its own id of the message"


class ChannelSent(Event):
    """A message went out on a channel, or was changed there."""

    type: Literal["channel.sent"] = "channel.sent"
    payload: ChannelMessage
    id_over: ClassVar[str] = "the message, the state it tells and the try"

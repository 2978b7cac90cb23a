"""What was said to people and by them about an incident: channel messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connectors.gateway.shown_runs import Kind, Message, Messages, TimelineItem
from sinks.clickhouse.story import Ask
from sinks.clickhouse.wording import LONGEST_SUMMARY, short


async def messages_of(ask: Ask, project: str, incidents: Sequence[str], run: str) -> Messages:  # noqa: ARG001
    return Messages()


def on_timeline(messages: Messages) -> Iterator[TimelineItem]:
    for kind, said in ((Kind.INBOUND, messages.inbound), (Kind.OUTBOUND, messages.outbound)):
        for message in said:
            yield _item(kind, message)


def _item(kind: Kind, message: Message) -> TimelineItem:
    return TimelineItem(
        at=message.at,
        kind=kind,
        title=message.title,
        status=message.status,
        summary=short(message.text, LONGEST_SUMMARY),
        metadata={"channel": message.channel, "message_id": message.message_id, "kind": message.kind},
    )

"""What was said to people and by them: channel messages, and what became of notifications."""

# ruff: noqa: S608 (our own text; every value is a parameter)

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from connectors.gateway.reading import ChannelFilter, Projects
from connectors.gateway.shown import Listed
from connectors.gateway.shown_rest import ChannelEvent
from connectors.gateway.shown_runs import Kind, Message, Messages, TimelineItem
from sinks.clickhouse.asking import asked_within, within
from sinks.clickhouse.story import Ask, Row
from sinks.clickhouse.wording import LONGEST_SUMMARY, short

INBOUND, OUTBOUND = "inbound", "outbound"
RECEIVED, SENT = "received", "sent"
_COLUMNS = "recorded_at, channel, message_id, kind, state, title, text, duplicate"
_OF_RUN = """
WHERE project_id = {project:String} AND incident_id IN {incidents:Array(String)} AND run_id = {run:String}
ORDER BY recorded_at DESC LIMIT 500
"""
_CHANNELS = f"SELECT {_COLUMNS}, direction FROM v_channel_messages {_OF_RUN}"
_NOTICES = f"SELECT {_COLUMNS}, result FROM v_notifications {_OF_RUN}"
_NEWEST = f"""
SELECT {_COLUMNS}, direction, project_id, incident_id, run_id
FROM v_channel_messages
WHERE {{whose}} AND ({{channel:String}} = '' OR channel = {{channel:String}})
  AND startsWith(message_id, {{prefix:String}})
ORDER BY recorded_at DESC, event_id LIMIT {{limit:UInt32}}
"""
TITLES = {
    "runbook_review": "Runbook review",
    "ci_cd": "CI/CD",
    "governance": "Governance alert",
    "handed_over": "Handed over",
    "resolved": "Auto-resolved",
    "mitigated": "Auto-resolved",
    "escalated": "Escalation",
}
"""by the state that caused a message; what is asked is an approval card, whatever the state"""
APPROVAL_CARD = "Approval card"


async def messages_of(ask: Ask, project: str, incidents: Sequence[str], run: str) -> Messages:
    """A notification tells what became of a message: it stands for the message itself."""
    asked = {"project": project, "incidents": list(incidents), "run": run}
    newest = await asyncio.gather(ask(_CHANNELS, asked), ask(_NOTICES, asked))
    channels, notices = map(list, map(reversed, newest))
    told_of = {row["message_id"] for row in notices}
    inbound = (_message(row, RECEIVED) for row in channels if row["direction"] == INBOUND)
    outbound = [_message(row, row["result"]) for row in notices]
    outbound += [
        _message(row, SENT)
        for row in channels
        if row["direction"] == OUTBOUND and row["message_id"] not in told_of
    ]
    return Messages(inbound=tuple(inbound), outbound=tuple(sorted(outbound, key=lambda one: one.at)))


async def channel_events(ask: Ask, wanted: ChannelFilter, projects: Projects) -> Listed[ChannelEvent]:
    """Newest first."""
    asked = {
        **asked_within(projects),
        "channel": wanted.channel,
        "prefix": wanted.id_prefix,
        "limit": wanted.limit,
    }
    rows = await ask(_NEWEST.replace("{whose}", within(projects)), asked)
    return Listed[ChannelEvent](items=tuple(_event(row) for row in rows))


def title_of(kind: str, state: str, title: str) -> str:
    """One of seven, where it is one of them; else the message's own."""
    if kind == "approval_request":
        return APPROVAL_CARD
    return TITLES.get(state.lower().partition(".")[0]) or title or "Message"


def on_timeline(messages: Messages) -> Iterator[TimelineItem]:
    for kind, said in ((Kind.INBOUND, messages.inbound), (Kind.OUTBOUND, messages.outbound)):
        for message in said:
            yield _item(kind, message)


def _message(row: Row, status: str) -> Message:
    given = {name: row[name] for name in Message.model_fields if name in row}
    return Message(**{**given, "at": row["recorded_at"], "status": status})


def _event(row: Row) -> ChannelEvent:
    given = {name: row[name] for name in ChannelEvent.model_fields if name in row}
    status = RECEIVED if row["direction"] == INBOUND else SENT
    return ChannelEvent(**{**given, "at": row["recorded_at"], "status": status})


def _item(kind: Kind, message: Message) -> TimelineItem:
    return TimelineItem(
        at=message.at,
        kind=kind,
        title=title_of(message.kind, message.state, message.title),
        status=message.status,
        summary=short(message.text, LONGEST_SUMMARY),
        metadata={
            "channel": message.channel,
            "message_id": message.message_id,
            "kind": message.kind,
            "state": message.state,
            "duplicate": message.duplicate,
        },
    )

"""GET /api/v1/rejected, POST /api/v1/rejected/{event_id}/replay: what could not be read, and another try.

What is sent again is the record as it came, under its own key and the gateway's proof of its project.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from pydantic import Field

from connectors.gateway.act_desk import Receipt, written
from connectors.gateway.deeds import Asked, Deed, OfProject, Said, Told, Written
from connectors.gateway.problems import Refused
from connectors.gateway.webhooks import Publish
from connectors.tokens import Role
from schemas.alert import AlertRejected
from schemas.envelope import Event, Moment
from schemas.errors import Never
from schemas.headers import Headers as RecordHeaders

PATH, REPLAY_PATH = "/api/v1/rejected", "/api/v1/rejected/{event_id}/replay"
PAGE_SIZE, MOST_PAGES = 50, 100_000
Projects = Collection[str] | None


class CannotReplay(Never):
    """Never as it stands; says why."""

    reason = "cannot_replay"


class RejectedRecord(Told):
    event_id: str
    project_id: str
    type: str = Field(description="alert.rejected, or stage.failed: a record that a stage gave up")
    source: str
    stage: str
    reason: str
    detail: str
    topic: str
    partition: int
    offset: int
    size: int
    at: Moment
    replayable: bool = Field(description="whether it may be sent again from here")
    replayed_at: Moment | None = Field(None, description="when it was last sent again")
    replayed_by: str = ""


class Reason(Told):
    reason: str
    count: int


class RejectedPage(Told):
    items: tuple[RejectedRecord, ...] = Field(description="the newest first")
    page: int
    page_size: int
    total: int
    reasons: tuple[Reason, ...] = Field(description="all there are, the most frequent first")


class Which(OfProject):
    reason: str = Field("", max_length=100)
    page: int = Field(1, ge=1, le=MOST_PAGES)


class Again(Said):
    again: bool = Field(False, description="also where it was sent again before", strict=True)


class Replayed(Written):
    topic: str = Field(description="where the record stands again")


@dataclass(frozen=True, slots=True)
class Original:
    """A raw record, as it is sent again."""

    rejected: AlertRejected
    topic: str
    key: bytes
    value: bytes
    headers: RecordHeaders


class RejectedDesk(Protocol):
    """Filled in by awoooi; raises NotNow."""

    async def rejected(self, which: Which, projects: Projects) -> RejectedPage: ...

    async def one(self, event_id: str, projects: Projects) -> RejectedRecord | None: ...

    async def original(self, record: RejectedRecord) -> Original:
        """CannotReplay where the log holds it no more, or whose it is cannot be proven."""
        ...

    def replayed(self, sent: Original, lies: Receipt, person: str, now_ms: int) -> Event:
        """That it was sent again, by whom."""
        ...

    async def note(self, sent: Original) -> None:
        """For the command line, as well as it can be: that it was sent again stands in the log already."""
        ...

    def encode(self, event: Event, traceparent: bytes) -> tuple[bytes, RecordHeaders]: ...


def deeds(desk: RejectedDesk, publish: Publish, now_ms: Callable[[], int]) -> tuple[Deed, ...]:
    replays = _Replays(desk, publish, now_ms)
    return (
        Deed(
            "list_rejected",
            "GET",
            PATH,
            "see what could not be read",
            replays.look,
            RejectedPage,
            Which,
            refusals={404: "a project that is not the caller's"},
        ),
        Deed(
            "replay_rejected",
            "POST",
            REPLAY_PATH,
            "send a rejected record again",
            replays.replay,
            Replayed,
            Again,
            roles=(Role.OPERATOR, Role.ADMIN),
            status=202,
            refusals={
                404: "no such record among the caller's",
                409: "it was sent again before, is just now, or is gone, or nobody can prove whose it is",
            },
        ),
    )


class _Replays:
    """One record is sent again once at a time."""

    def __init__(self, desk: RejectedDesk, publish: Publish, now_ms: Callable[[], int]) -> None:
        self._desk, self._publish, self._now_ms = desk, publish, now_ms
        self._under_way: set[str] = set()

    async def look(self, asked: Asked) -> RejectedPage:
        return await self._desk.rejected(asked.said, asked.caller.asking_for(asked.said.project))

    async def replay(self, asked: Asked) -> Replayed:
        event_id = _id(asked.path["event_id"])
        record = _replayable(await self._desk.one(event_id, asked.caller.projects), asked.said)
        if event_id in self._under_way:
            raise Refused(409, "under_way", "it is being sent again just now")
        self._under_way.add(event_id)
        try:
            return await self._send(record, asked)
        finally:
            self._under_way.discard(event_id)

    async def _send(self, record: RejectedRecord, asked: Asked) -> Replayed:
        desk, publish = self._desk, self._publish
        try:
            sent = await desk.original(record)
        except CannotReplay as never:
            raise Refused(409, never.reason, str(never)) from never
        lies = Receipt(*await publish(sent.topic, sent.key, sent.value, sent.headers))
        event = desk.replayed(sent, lies, asked.caller.person, self._now_ms())
        await written(publish, event, desk.encode(event, asked.traceparent))
        await desk.note(sent)
        return Replayed(event_id=event.event_id, type=event.type, **lies._asdict())


def _replayable(record: RejectedRecord | None, wish: Again) -> RejectedRecord:
    if record is None:
        raise Refused(404, "unknown_record", "no such rejected record among yours")
    if not record.replayable:
        raise Refused(409, "cannot_replay", f"a {record.type} of {record.size} bytes is not sent from here")
    if record.replayed_at and not wish.again:
        when = f"{record.replayed_at:%Y-%m-%d %H:%M} UTC"
        raise Refused(
            409, "replayed", f"{record.replayed_by} sent it again {when}; `again` does so once more"
        )
    return record


def _id(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise Refused(404, "unknown_record", "no such id; a rejected record's is a UUID") from None

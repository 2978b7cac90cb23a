"""`awoooi replay rejected`: what never became an event is sent through again, byte for byte.

Each record goes back to its raw topic under its own key and with the gateway's proof of its project, so that
it stays with its tenant.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from awoooi.events import codec_of, read_event
from awoooi.log_reading import read_log
from awoooi.logs import quiet
from awoooi.reference_data import STAGE, now, person, send
from awoooi.settings import Settings
from connectors.gateway.stamp import STAMP_HEADER, read_stamp, stamp
from connectors.kafka.producer import Publisher, publishing
from schemas import ids
from schemas.alert import AlertRejected, AlertReplayed, Replay
from schemas.codec import Codec
from schemas.errors import BrokerAway, Misconfigured, Never

REJECTED = "alerts.rejected"
REPLAY_TOKEN = "replay"  # noqa: S105 (stands where a token's id would)
NO_PROJECT = "bad_stamp"
DONE = "replayed"
AGO = re.compile(r"(\d+)\s*([smhd])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class Choice:
    """Which of the rejected ones."""

    source: str = ""
    since: datetime | None = None
    limit: int = 0
    again: bool = False
    """Those too that were sent again before."""

    def takes(self, event: AlertRejected) -> bool:
        if self.source and event.payload.source != self.source:
            return False
        return self.since is None or event.recorded_at >= self.since


class Done:
    """Which were sent again from here already. What is rejected once more is a new one, under its own id."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.ids = set(path.read_text().split()) if path.exists() else set()

    def add(self, event_id: str) -> None:
        with self._path.open("a") as out:
            out.write(f"{event_id}\n")


@dataclass(slots=True)
class Tally:
    found: int = 0
    before: int = 0
    sent: int = 0
    passed_over: int = 0


def read_since(
    text: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC), option: str = "--since"
) -> datetime:
    """`90m`, `2h`, `3d`, or a time in ISO 8601 (UTC where it names no zone)."""
    ago = AGO.fullmatch(text.strip())
    if ago is not None:
        return clock() - timedelta(**{UNITS[ago[2]]: int(ago[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Misconfigured(
            f"{option} {text}: allowed are 30s, 90m, 2h, 3d, or 2026-01-31T12:00:00Z"
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def replay_rejected(settings: Settings, choice: Choice, *, dry_run: bool) -> int:
    """Exit status: 1 where some could not be sent."""
    quiet()
    tally = asyncio.run(_replay(settings, choice, dry_run=dry_run))
    sent = f"{tally.found - tally.passed_over} would be sent" if dry_run else f"{tally.sent} sent"
    over = f", {tally.passed_over} passed over" if tally.passed_over else ""
    before = f" ({tally.before} sent before are left out)" if tally.before else ""
    print(f"{tally.found} rejected found{before}, {sent} again{over}.")
    return 1 if tally.passed_over else 0


async def _replay(settings: Settings, choice: Choice, *, dry_run: bool) -> Tally:
    tally = Tally()
    found = await _rejected(settings, choice)
    done = Done(settings.state_dir / DONE)
    events = [event for event in found if choice.again or event.event_id not in done.ids]
    tally.before = len(found) - len(events)
    events = events[: choice.limit] if choice.limit else events
    async with _publisher(settings) as publisher, codec_of(settings) as (codec, _):
        for event in events:
            tally.found += 1
            why = unsendable(settings, event)
            place = f"{event.payload.topic}/{event.payload.partition}/{event.payload.offset}"
            print(f"{place}  {event.payload.reason}  {event.payload.size} bytes  {why}".rstrip())
            if why:
                tally.passed_over += 1
            elif not dry_run:
                await _send(publisher, settings, codec, event)
                done.add(event.event_id)
                tally.sent += 1
    return tally


def unsendable(settings: Settings, event: AlertRejected) -> str:
    rejection = event.payload
    if rejection.original is None:
        return "passed over: it had no value"
    if rejection.reason == NO_PROJECT and _proof(settings, event) != rejection.original_stamp:
        return "passed over: whose it is could not be proven; its sender must send it again"
    return ""


async def _send(publisher: Publisher, settings: Settings, codec: Codec, event: AlertRejected) -> None:
    """One at a time, each acknowledged: they stay in order, and a failure leaves no doubt about the rest."""
    rejection = event.payload
    assert rejection.original is not None
    sent = rejection.original_key, rejection.original, proof_headers(settings, event)
    place = await publisher.send(rejection.topic, *sent)
    act = replayed(event, place, person(), now(), STAGE)
    await send(publisher, codec, act)


def replayed(
    event: AlertRejected, place: tuple[str, int, int], actor: str, at: datetime, stage: str
) -> AlertReplayed:
    """That a person sent it again, and where it stands now."""
    topic, partition, offset = place
    return AlertReplayed(
        event_id=ids.derive_id("alert.replayed", event.event_id, topic, str(partition), str(offset)),
        project_id=event.project_id,
        occurred_at=at,
        recorded_at=at,
        stage=stage,
        actor=actor,
        causes=(event.event_id,),
        payload=Replay(
            rejected=event.event_id,
            source=event.payload.source,
            topic=topic,
            partition=partition,
            offset=offset,
            project_id=event.payload.project_id,
        ),
    )


def proof_headers(settings: Settings, event: AlertRejected) -> list[tuple[str, bytes]]:
    proof = _proof(settings, event)
    return [] if proof is None else [(STAMP_HEADER, proof)]


def _proof(settings: Settings, event: AlertRejected) -> bytes | None:
    """The gateway's, which still holds: value and topic are the same. None where there was none.

    Was it proven when the record was rejected, and the secret was changed since, it is proven anew.
    """
    rejection = event.payload
    if rejection.original_stamp is None or rejection.original is None:
        return None
    key = settings.gateway.stamp_key()
    if read_stamp(key, rejection.original_stamp, rejection.topic, rejection.original) is not None:
        return rejection.original_stamp
    at = time.time_ns() // 1_000_000
    return stamp(key, event.project_id, REPLAY_TOKEN, rejection.topic, rejection.original, at)


@asynccontextmanager
async def _publisher(settings: Settings) -> AsyncIterator[Publisher]:
    async with publishing(settings.kafka) as publisher:
        if publisher.trouble:
            raise BrokerAway(publisher.trouble)
        yield publisher


async def _rejected(settings: Settings, choice: Choice) -> Sequence[AlertRejected]:
    """All that are in the log now and chosen, in the order of their rejection."""
    found = []
    async with codec_of(settings) as (codec, learn):
        async for record in read_log(settings, REJECTED):
            try:
                await read_event(codec, learn, record.value)  # learns its schema
                event = codec.decode(record.value)
            except Never as error:
                print(f"{REJECTED}/{record.partition}/{record.offset}  cannot be read: {error}")
                continue
            if isinstance(event, AlertRejected) and choice.takes(event):
                found.append(event)
    return sorted(found, key=lambda event: event.recorded_at)

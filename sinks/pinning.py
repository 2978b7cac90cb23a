"""Pins the heads of chains outside of ClickHouse: signed, in a file and on the topic `audit.heads`.

What is stored between two pins is the unpinned tail: linked, and not yet safe from being cut off.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import structlog
from prometheus_client import CollectorRegistry
from pydantic import BaseModel, ConfigDict, Field

from connectors.metrics import Described
from schemas import ids
from schemas.audit import AuditCheckpoint, AuditHead, Checkpoint, CheckpointKind, Head
from schemas.envelope import Event, to_milliseconds
from schemas.errors import Misconfigured, Never, NotNow
from schemas.sabotage import crash_point
from sinks.aside import in_daemon
from sinks.clickhouse import heads_archive, heads_file
from sinks.clickhouse.chain import ChainPlace, Tip
from sinks.clickhouse.signing import Keys, Pin, Signer, is_genuine

log = structlog.get_logger(__name__)

HEADS_TOPIC = "audit.heads"
OWN_PIN_SECS = 600.0
"""the chain of the heads themselves: each pin makes it longer, so it alone is no reason for another soon"""
DAY = timedelta(days=1)
AHEAD = 2 * DAY
"""of the moment at which rows go: a checkpoint that is a day old, or not there yet, still covers them"""
KEPT_DAYS = 400
PATIENCE_SECS = 5.0
"""with a file that does not answer, before it is said"""

UNPINNED = Described("awoooi_audit_unpinned", "links of this sink that no pinned head covers yet")
PINNED_AT = Described("awoooi_audit_pinned_at_seconds", "when heads were last pinned, in Unix time")

Announce = Callable[[Event], Awaitable[None]]
"""Sends an event to the log. Raises NotNow or Never."""


class PinConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    heads_file: Path
    every_secs: float = Field(60, gt=0, le=3600)
    every_links: int = Field(100_000, ge=1, description="sooner, when so many are unpinned")
    most_mb: float = Field(16, ge=0, description="of the heads file, before it begins anew; 0: it grows on")
    kept_days: int = Field(KEPT_DAYS, ge=0, description="how long events live in the record; 0: for good")


class Pins:
    """What this sink knows of pinned heads: its own, and those it found at its start."""

    def __init__(
        self,
        config: PinConfig,
        signer: Signer,
        keys: Keys,
        registry: CollectorRegistry,
        announce: Announce | None = None,
    ) -> None:
        self._config, self._signer, self._keys, self._announce = config, signer, keys, announce
        self._heads: dict[ChainPlace, Head] = {}
        self._void_before = datetime.min.replace(tzinfo=UTC)
        self._checkpointed = datetime.min.replace(tzinfo=UTC)
        self._pinned_at = self._own_pinned_at = time.monotonic()
        self._pinning: asyncio.Task[None] | None = None
        self._writing_since: float | None = None
        self._told = self._only_grows = False
        self._unpinned = UNPINNED.gauge(registry)
        self._last = PINNED_AT.gauge(registry)

    def head(self, place: ChainPlace) -> Head | None:
        """The latest that binds."""
        head = self._heads.get(place)
        return head if head is not None and head.at >= self._void_before else None

    def learn(self, found: Iterable[Pin]) -> None:
        """From the file and the topic, in any order; what is not signed by a key of ours is passed over."""
        for pin in sorted(found, key=lambda pin: isinstance(pin, Head)):  # what makes heads void comes first
            if not is_genuine(pin, self._keys):
                log.warning("audit_pin_not_genuine", subject=pin.subject, key_id=pin.key_id)
            elif isinstance(pin, Head):
                place = ChainPlace(pin.log_epoch, pin.topic, pin.partition)
                binding = [one for one in (self.head(place), pin) if one and one.at >= self._void_before]
                self._heads[place] = max(binding, key=lambda one: (one.number, one.at), default=pin)
            elif pin.kind is CheckpointKind.REBUILT:
                self._void_before = max(self._void_before, pin.before)
            else:
                self._checkpointed = max(self._checkpointed, pin.before)

    @property
    def trouble(self) -> str:
        """Why heads are not pinned: a disk or a network share that hangs says nothing by itself."""
        since, patience = self._writing_since, max(self._config.every_secs, PATIENCE_SECS)
        if since is None or (waits := time.monotonic() - since) < patience:
            return ""
        return f"the heads file {self._config.heads_file} has not answered for {waits:.0f} s"

    async def open(self) -> None:
        """As `open_file`, where the file may hang."""
        await self._aside(self.open_file)

    def open_file(self) -> None:
        """Its pins are learnt. Misconfigured where it cannot be read or written."""
        heads_file.append(self._config.heads_file, ())
        found = heads_file.read(self._config.heads_file, self._keys, latest_only=True)
        if found.torn:
            log.warning("audit_heads_file_torn", file=str(self._config.heads_file), lines=found.torn)
        self.learn(found.pins)

    def due(self, tips: Mapping[ChainPlace, Tip]) -> bool:
        """Also measures what is unpinned."""
        now, changed = time.monotonic(), self._changed(tips)
        self._unpinned.set(sum(self._beyond(place, tip) for place, tip in changed.items()))
        others = sum(self._beyond(place, tip) for place, tip in changed.items() if not _is_own(place))
        late = now - self._pinned_at >= self._config.every_secs and others > 0
        own_late = now - self._own_pinned_at >= OWN_PIN_SECS and bool(changed)
        overdue = self._must_checkpoint() and now - self._pinned_at >= self._config.every_secs
        return late or own_late or overdue or others >= self._config.every_links

    def begin(self, tips: Mapping[ChainPlace, Tip]) -> None:
        """Beside the record, which waits for no file; one at a time. What broke the one before is raised."""
        if self._pinning is not None and not self._pinning.done():
            if self.trouble and not self._told:
                log.warning("audit_heads_file_hangs", detail=self.trouble)
                self._told = True
            return
        if self._pinning is not None:
            self._pinning.result()
        self._told = False
        self._pinning = asyncio.create_task(self.pin(dict(tips)), name="sink-pin")

    async def settle(self) -> None:
        """The one that was begun is over."""
        if self._pinning is not None:
            await asyncio.wait({self._pinning})

    async def give_up(self) -> None:
        """Its file hangs: the links stay unpinned, and the next to start pins them."""
        if self._pinning is not None:
            self._pinning.cancel()
            await asyncio.wait({self._pinning})
            self._pinning = None

    async def pin(self, tips: Mapping[ChainPlace, Tip]) -> None:
        """Every chain of `tips` that went on since it was pinned last."""
        now = to_milliseconds(datetime.now(UTC))
        changed = self._changed(tips)
        pins: list[Pin] = [self._signer.head(place, tip, now) for place, tip in changed.items()]
        if self._must_checkpoint():
            reason = f"events are kept for {self._config.kept_days} days"
            pins.append(self._signer.checkpoint(CheckpointKind.RETENTION, self._covered(now), now, reason))
        crash_point("audit:before_pin")
        self._pinned_at = time.monotonic()
        if any(_is_own(place) for place in changed):
            self._own_pinned_at = self._pinned_at
        if pins and await self._kept(pins):
            self.learn(pins)
            self._unpinned.set(0)
            self._last.set(time.time())
            await self._tell(pins)

    def _covered(self, now: datetime) -> datetime:
        """What a checkpoint of now says may be gone."""
        return now - timedelta(days=self._config.kept_days) + AHEAD

    def _must_checkpoint(self) -> bool:
        """Daily, also while nothing is stored: rows go by the clock."""
        return self._config.kept_days > 0 and self._covered(datetime.now(UTC)) - self._checkpointed >= DAY

    async def _kept(self, pins: Iterable[Pin]) -> bool:
        """A disk that is full must not stop the record; what is unpinned is measured, and tried again."""
        try:
            await self._aside(partial(self._write, pins))
        except Misconfigured as error:
            log.warning("audit_not_pinned", detail=str(error))
            return False
        return True

    def _write(self, pins: Iterable[Pin]) -> None:
        """Where the file cannot begin anew it grows on: a disk may let lines be appended and nothing else."""
        file, most = self._config.heads_file, self._config.most_mb * 2**20
        heads_file.append(file, pins)
        if not most or self._only_grows or file.stat().st_size < most:
            return
        try:
            made = heads_archive.archive(file, self._keys, datetime.now(UTC))
        except Misconfigured as error:
            self._only_grows = True
            log.warning("audit_heads_file_only_grows", detail=str(error))
        else:
            log.info("audit_heads_archived", archive=str(made))

    async def _aside(self, work: Callable[[], None]) -> None:
        self._writing_since = time.monotonic()
        try:
            await in_daemon(work)
        finally:
            self._writing_since = None

    def _changed(self, tips: Mapping[ChainPlace, Tip]) -> dict[ChainPlace, Tip]:
        return {place: tip for place, tip in tips.items() if self._beyond(place, tip)}

    def _beyond(self, place: ChainPlace, tip: Tip) -> int:
        head = self.head(place)
        return tip.number if head is None else max(0, tip.number - head.number)

    async def _tell(self, pins: Iterable[Pin]) -> None:
        """The file has them: where Kafka is away, the topic gets the next ones."""
        if self._announce is None:
            return
        try:
            for pin in pins:
                await self._announce(event_of(pin))
        except (NotNow, Never) as error:
            log.warning("audit_heads_not_announced", detail=str(error))


def event_of(pin: Pin, actor: str = "", stage: str = "sink") -> Event:
    about = {
        "project_id": "",
        "occurred_at": pin.at,
        "recorded_at": pin.at,
        "stage": stage,
        "actor": actor,
    }
    if isinstance(pin, Checkpoint):
        unique = (pin.kind, pin.before.isoformat())
        return AuditCheckpoint(event_id=ids.derive_id("audit.checkpoint", *unique), payload=pin, **about)
    over = (pin.subject, str(pin.number), pin.link)
    return AuditHead(event_id=ids.derive_id("audit.head", *over), payload=pin, **about)


def _is_own(place: ChainPlace) -> bool:
    return place.topic.endswith(HEADS_TOPIC)  # tests put a prefix before it

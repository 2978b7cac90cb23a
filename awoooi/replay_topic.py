"""`awoooi replay topic`: recorded records through the stages in memory, beside what is recorded of them.

It joins no group and writes nothing: correcting history is not done by rewriting it.
"""

from __future__ import annotations

import asyncio
import sys
import time

from awoooi.events import codec_of
from awoooi.log_reading import Span
from awoooi.logs import quiet
from awoooi.printing import print_json, print_table
from awoooi.replay import read_since
from awoooi.replay_alerts import alerts_again
from awoooi.replay_found import Choice, Found
from awoooi.replay_incidents import NORMALIZED, incidents_again
from awoooi.running import chosen_sources
from awoooi.settings import Settings
from connectors.alerts.detection import AUTO
from schemas.catalog import RAW_PREFIX
from schemas.envelope import to_millis
from schemas.errors import Misconfigured


def read_span(begin: str, end: str, partition: int | None) -> Span:
    """Two times, or two offsets of one partition."""
    are_offsets = begin.isdecimal()
    if end and end.isdecimal() != are_offsets:
        raise Misconfigured("--from and --to: give two times or two offsets, not one of each")
    if are_offsets != (partition is not None):
        raise Misconfigured("offsets are those of one partition: give --partition with them, and only then")
    if are_offsets:
        span = Span(int(begin), int(end) if end else None, partition)
    else:
        since = to_millis(read_since(begin, option="--from"))
        until = to_millis(read_since(end, option="--to")) if end else time.time_ns() // 1_000_000
        span = Span(since, until)
    if span.until is not None and span.until < span.since:
        raise Misconfigured("--to lies before --from")
    return span


def replay_topic(settings: Settings, choice: Choice, *, dry_run: bool, as_json: bool) -> int:
    """Exit status: 1 where something differs, or not all was looked at."""
    topics = (NORMALIZED, *(RAW_PREFIX + name for name in sorted((AUTO, *chosen_sources(settings)))))
    if choice.topic not in topics:
        raise Misconfigured(f"{choice.topic}: cannot be replayed; allowed are {', '.join(topics)}")
    if not dry_run:
        raise Misconfigured(
            "what is recorded stays as it is: `replay topic` only tells what would differ, with --dry-run. "
            "What was rejected never became an event: `awoooi replay rejected` sends it again"
        )
    quiet()
    found = asyncio.run(_found(settings, choice))
    (_print_json if as_json else _print)(found)
    if found.cut:
        print(found.cut, file=sys.stderr)
    return 1 if found.differences or found.cut else 0


async def _found(settings: Settings, choice: Choice) -> Found:
    async with codec_of(settings) as (codec, learn):
        again = incidents_again if choice.topic == NORMALIZED else alerts_again
        return await again(settings, choice, codec, learn)


def _print_json(found: Found) -> None:
    tally = {"records": found.tally.records, "told": found.tally.told, "same": found.tally.same}
    differences = [one.as_json() for one in found.differences]
    print_json({**tally, "complete": not found.cut, "differences": differences})


def _print(found: Found) -> None:
    rows: list[tuple[str, str, str, str]] = []
    for one in found.differences:
        fields = [f"{name}: {was} → {now}" for name, (was, now) in one.fields.items()] or [one.why]
        rows.append((one.what, one.place, one.about, fields[0]))
        rows += [("", "", "", field) for field in fields[1:]]
    if rows:
        print_table(("what", "where", "about", "recorded → now"), rows)
        print()
    tally, differing = found.tally, len(found.differences)
    print(f"{tally.records} records, {tally.told} events: {tally.same} as recorded, {differing} differ.")

"""`awoooi try`: what a payload becomes, by the very stage that a worker runs, with no broker."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from agents.visible import visible
from awoooi.printing import as_text, print_table
from awoooi.running import chosen_sources
from awoooi.settings import Settings
from awoooi.try_remarks import remarked
from connectors.alerts.detection import AUTO, readings
from connectors.alerts.mapped import read_mappings
from connectors.alerts.source import Source
from schemas.alert import Alert, AlertNormalized, AlertRejected
from schemas.catalog import RAW_PREFIX
from schemas.codec import Codec
from schemas.envelope import Event
from schemas.errors import BadPayload, Misconfigured
from streams.runner import Runner
from streams.stage import Record
from streams.stages.normalize import Normalize, NormalizeConfig

STDIN = "-"
LINES = (".jsonl", ".ndjson")


@dataclass(frozen=True, slots=True)
class Payloads:
    """One document, or one a line: then each has the number of its line."""

    numbered: Sequence[tuple[int, bytes]]
    by_line: bool


def try_out(
    settings: Settings, file: str, source: str | None, *, as_json: bool, mapping: Path | None = None
) -> int:
    """Exit status: 1 where something was rejected."""
    sources, own = _sources(settings, mapping)
    source = source or (own[0] if len(own) == 1 else AUTO)
    if source != AUTO and source not in sources:
        raise Misconfigured(
            f"--source {source}: no such source; there are: {', '.join((AUTO, *sorted(sources)))}"
        )
    payloads = read_payloads(file)
    config = NormalizeConfig(settings.project_by_topic, settings.identity)
    events = asyncio.run(_normalized(payloads, source, Normalize(config, sources)))
    alerts = [event.payload for event in events if isinstance(event, AlertNormalized)]
    if as_json:
        for alert in alerts:
            print(alert.model_dump_json())
    else:
        _print(alerts, by_line=payloads.by_line)
        unclaimed = _unclaimed(payloads, source, sources) if source in own else ()
        print("".join(f"{line}\n" for line in (*remarked(events), *unclaimed)), end="")
    return _tell_rejected(events, by_line=payloads.by_line)


def _sources(settings: Settings, mapping: Path | None) -> tuple[Mapping[str, Source], Sequence[str]]:
    """Those in use; with a mapping to try, all that are installed and those of its file, which are named."""
    if mapping is None:
        return chosen_sources(settings), ()
    installed = chosen_sources(settings.model_copy(update={"mappings_file": None, "sources": ()}))
    own = read_mappings(mapping, installed)
    return {**installed, **own}, list(own)


def read_payloads(file: str) -> Payloads:
    try:
        content = sys.stdin.buffer.read() if file == STDIN else Path(file).read_bytes()
    except OSError as error:
        raise BadPayload(f"{file} cannot be read: {error.strerror}") from error
    lines = [(number, line) for number, line in enumerate(content.split(b"\n"), start=1) if line.strip()]
    if not lines:
        raise BadPayload(f"{'standard input' if file == STDIN else file} is empty")
    by_line = file.endswith(LINES) or (len(lines) > 1 and _is_json(lines[0][1]))
    return Payloads(lines if by_line else [(1, content)], by_line)


def _is_json(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


async def _normalized(payloads: Payloads, source: str, normalize: Normalize) -> list[Event]:
    """The line's number stands in for the offset."""
    codec, now = Codec(), time.time_ns() // 1_000_000
    runner = Runner(normalize, codec)
    topic = RAW_PREFIX + source
    records = [Record(topic, 0, number, None, value, (), now, codec) for number, value in payloads.numbered]
    turn = await runner.turn(records)
    return [codec.decode(out.value) for out in turn.outputs]


def _unclaimed(payloads: Payloads, name: str, sources: Mapping[str, Source]) -> Iterator[str]:
    """A mapping is tried by its name; whether `auto` finds it too is its `detect`'s to say."""
    for number, value in payloads.numbered:
        try:
            found = {reading.source.name for reading in readings(AUTO, orjson.loads(value), sources)}
        except orjson.JSONDecodeError:
            continue
        except BadPayload:
            found = set()
        if found != {name}:
            where = f"line {number}: " if payloads.by_line else ""
            why = "`detect` is missing or not true, or another source fits too"
            yield f"{where}`auto` would not take this for {name}'s: {why}"
            return


def _print(alerts: Sequence[Alert], *, by_line: bool) -> None:
    for number, alert in enumerate(alerts, start=1):
        if number > 1:
            print()
        line = f", line {alert.origin.offset}" if by_line else ""
        rows = list(_rows(alert.model_dump(exclude={"origin"})))
        print_table((f"alert {number} of {len(alerts)}{line}", ""), rows)


def _rows(plain: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """What is there, a line each; labels and metrics by their own names."""
    for name, value in plain.items():
        if isinstance(value, dict):
            yield from _rows(value, f"{above}{name}.")
        elif isinstance(value, list | tuple):
            yield from ((above + name, _shown(item)) for item in value)
        elif value not in (None, ""):
            yield above + name, _shown(value)


def _shown(value: object) -> str:
    """As JSON would have it, and no finer than it is: 85, not 85.0; milliseconds."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(value).removesuffix(".0")
    return str(as_text(value))


def _tell_rejected(events: Sequence[Event], *, by_line: bool) -> int:
    rejected = [event.payload for event in events if isinstance(event, AlertRejected)]
    for rejection in rejected:
        where = f"line {rejection.offset}: " if by_line else ""
        detail = visible(rejection.detail)
        print(f"{where}rejected, {rejection.reason}: {detail}", file=sys.stderr)
    return 1 if rejected else 0

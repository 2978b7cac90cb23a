"""`awoooi try`: what a payload becomes, by the very stage that a worker runs, with no broker."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from awoooi.printing import print_table
from awoooi.running import chosen_sources
from awoooi.settings import Settings
from connectors.alerts.source import Source
from schemas.alert import Alert, AlertNormalized, AlertRejected
from schemas.catalog import RAW_PREFIX
from schemas.codec import Codec
from schemas.envelope import Event
from schemas.errors import BadPayload, Misconfigured
from streams.runner import Runner
from streams.stage import Record
from streams.stages.normalize import AUTO, Normalize, NormalizeConfig

STDIN = "-"


def try_out(settings: Settings, file: str, source: str, *, as_json: bool) -> int:
    """Exit status: 1 where something was rejected."""
    sources = chosen_sources(settings)
    if source != AUTO and source not in sources:
        raise Misconfigured(
            f"--source {source}: no such source; there are: {', '.join((AUTO, *sorted(sources)))}"
        )
    events = asyncio.run(_normalized(_payloads(file), source, sources))
    alerts = [event.payload for event in events if isinstance(event, AlertNormalized)]
    if as_json:
        for alert in alerts:
            print(alert.model_dump_json())
    elif alerts:
        _print(alerts)
    return _tell_rejected(events)


def _payloads(file: str) -> list[bytes]:
    """One; of a .jsonl file, one a line."""
    try:
        content = sys.stdin.buffer.read() if file == STDIN else Path(file).read_bytes()
    except OSError as error:
        raise BadPayload(f"{file} cannot be read: {error.strerror}") from error
    return [line for line in content.splitlines() if line] if file.endswith(".jsonl") else [content]


async def _normalized(payloads: Sequence[bytes], source: str, sources: Mapping[str, Source]) -> list[Event]:
    codec, now = Codec(), time.time_ns() // 1_000_000
    runner = Runner(Normalize(NormalizeConfig(), sources), codec)
    topic = RAW_PREFIX + source
    records = [Record(topic, 0, offset, None, value, (), now, codec) for offset, value in enumerate(payloads)]
    turn = await runner.turn(records)
    return [codec.decode(out.value) for out in turn.outputs]


def _print(alerts: Sequence[Alert]) -> None:
    for number, alert in enumerate(alerts, start=1):
        if number > 1:
            print()
        plain = alert.model_dump(mode="json", exclude={"origin"})
        print_table((f"alert {number} of {len(alerts)}", ""), list(_rows(plain)))


def _rows(plain: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """What is there, a line each; labels and metrics by their own names."""
    for name, value in plain.items():
        if isinstance(value, dict):
            yield from _rows(value, f"{name}.")
        elif isinstance(value, list):
            yield from ((above + name, str(item)) for item in value)
        elif value not in (None, ""):
            yield above + name, str(value)


def _tell_rejected(events: Sequence[Event]) -> int:
    rejected = [event.payload for event in events if isinstance(event, AlertRejected)]
    for rejection in rejected:
        where = f"payload {rejection.offset + 1}: " if len(events) > 1 else ""
        print(f"{where}rejected, {rejection.reason}: {rejection.detail}", file=sys.stderr)
    return 1 if rejected else 0

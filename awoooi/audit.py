"""`awoooi audit verify`: is the record complete and unaltered? And what to do after it was lost."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from awoooi.logs import quiet
from awoooi.printing import print_json, warn
from awoooi.settings import Settings
from connectors.kafka.config import KafkaConfig
from schemas.errors import AwoooiError, BrokerAway

if TYPE_CHECKING:
    from sinks.clickhouse.breaks import Break, Report, Scope
    from sinks.clickhouse.signing import Keys, Pin

PROVEN, BROKEN, UNKNOWN = 0, 1, 2
TOPIC_SECS = 10.0
MOST_SHOWN = 10


def verify(settings: Settings, scope: Scope, heads: Sequence[Path], *, as_json: bool) -> int:
    """Exit status: 0 proven, 1 a break was found, 2 it could not be checked."""
    quiet()
    try:
        report = asyncio.run(_verify(settings, scope, heads))
    except AwoooiError as error:
        if as_json:
            print_json({"verdict": "could_not_be_checked", "unproven": [str(error)]})
        else:
            print(f"Could not be checked: {error}")
        return UNKNOWN
    verdict = BROKEN if report.breaks else UNKNOWN if report.unproven else PROVEN
    if as_json:
        print_json(_plain(report, verdict))
    else:
        print(*_lines(report, verdict), sep="\n")
    return verdict


async def _verify(settings: Settings, scope: Scope, heads: Sequence[Path]) -> Report:
    from awoooi.audit_pins import kept_days
    from sinks.clickhouse.audit import verify as examine
    from sinks.clickhouse.client import connected
    from sinks.clickhouse.signing import load_keys

    keys = load_keys(settings.audit.public_key_file)
    pins, notes = await _pins(settings, heads or [settings.audit.heads_file], keys)
    async with connected(settings.clickhouse.reader()) as client:
        report = await examine(client, pins, keys, scope, kept_days(settings.retention))
    report.notes += notes
    return report


async def _pins(settings: Settings, files: Sequence[Path], keys: Keys) -> tuple[list[Pin], list[str]]:
    """From the files and from the topic. An embedded log has forgotten its own."""
    from awoooi.audit_pins import pinned_on_topic
    from awoooi.events import codec_of
    from sinks.clickhouse import heads_archive, heads_file

    pins: list[Pin] = []
    notes: list[str] = []
    for file in (one for given in files for one in heads_archive.files(given)):
        found = heads_file.read(file, keys)
        pins += found.pins
        if found.torn:
            notes.append(f"{file} has {found.torn} torn lines, which a crash leaves")
        if not found.pins:
            notes.append(f"{file} holds no pinned head")
    if not settings.embedded:
        try:
            async with asyncio.timeout(TOPIC_SECS), codec_of(settings) as (codec, _):
                pins += await pinned_on_topic(_impatient(settings.kafka), codec)
        except (BrokerAway, TimeoutError) as error:
            notes.append(f"the topic audit.heads could not be read ({error or 'no answer in time'})")
    return pins, notes


def _impatient(kafka: KafkaConfig) -> KafkaConfig:
    return kafka.model_copy(update={"request_timeout_secs": min(kafka.request_timeout_secs, TOPIC_SECS)})


def _lines(report: Report, verdict: int) -> list[str]:
    counted = f"{report.events:,} events and {report.links:,} links in {report.partitions} partitions"
    if report.first_at and report.last_at:
        counted += f", from {report.first_at:%Y-%m-%d %H:%M:%S} to {report.last_at:%Y-%m-%d %H:%M:%S} UTC"
    lines = [counted, f"{report.pins:,} pinned heads; {report.unpinned:,} links since are not pinned yet"]
    if report.adopted:
        lines.append(f"{report.adopted:,} events were linked later, from the record itself, not from the log")
    if report.aside:
        lines.append(f"{report.aside:,} records were set aside, and are linked as that")
    lines += [f"Note: {note}" for note in report.notes]
    lines += [f"Could not be checked: {why}" for why in report.unproven]
    if report.breaks:
        first, *others = report.breaks
        lines += ["", f"BROKEN. The first break is a {_told(first)}"]
        lines += [f"  also {_told(one)}" for one in others[:MOST_SHOWN]]
        if len(others) > MOST_SHOWN:
            lines.append(f"  and {len(others) - MOST_SHOWN:,} more")
    else:
        lines.append("PROVEN: complete and unaltered." if verdict == PROVEN else "NOT PROVEN.")
    return lines


def _told(one: Break) -> str:
    from agents.visible import visible

    return visible(str(one))


def _plain(report: Report, verdict: int) -> dict[str, object]:
    facts = asdict(report)
    facts["verdict"] = {PROVEN: "proven", BROKEN: "broken", UNKNOWN: "could_not_be_checked"}[verdict]
    facts["breaks"] = [
        {
            "kind": one.kind,
            "log_epoch": one.place.log_epoch,
            "topic": one.place.topic,
            "partition": one.place.partition,
            "offset": one.offset,
            "event_id": one.event_id,
            "detail": one.detail,
        }
        for one in report.breaks
    ]
    return facts


def rebuilt(settings: Settings, reason: str) -> None:
    """From now on the heads that were pinned before bind no more; that it was so stays in the file."""
    from awoooi.reference_data import publish
    from schemas.audit import CheckpointKind
    from schemas.envelope import in_utc, to_milliseconds
    from sinks.clickhouse import heads_file
    from sinks.clickhouse.signing import load_signer
    from sinks.pinning import event_of

    now = to_milliseconds(datetime.now(UTC))
    signer = load_signer(settings.audit.key_file)
    checkpoint = signer.checkpoint(CheckpointKind.REBUILT, now, now, reason)
    heads_file.append(settings.audit.heads_file, [checkpoint])
    try:
        asyncio.run(publish(settings, event_of(checkpoint, actor=getpass.getuser(), stage="cli")))
    except BrokerAway as error:
        warn(f"Only the heads file has it, the topic audit.heads not: {error}")
    print(f"Heads pinned before {in_utc(now)} bind no more.")

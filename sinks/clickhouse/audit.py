"""Proves that a range of the record is complete and unaltered, or names what is not.

Three things are held against each other: the rows, the links that were made of them, and the heads that were
pinned where no one who can write to ClickHouse can reach.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError

from schemas.audit import Checkpoint, CheckpointKind, Erasure, Head
from schemas.envelope import from_millis, in_utc, to_millis
from sinks.clickhouse import audit_sql as sql
from sinks.clickhouse import heads_file
from sinks.clickhouse.audit_links import Found, Stretch, check_links
from sinks.clickhouse.audit_rows import RowCheck, whole_row
from sinks.clickhouse.breaks import Break, Kind, Report, Scope
from sinks.clickhouse.chain import ChainPlace
from sinks.clickhouse.client import Client
from sinks.clickhouse.rows import LATEST, EventRow, hash_of
from sinks.clickhouse.signing import Keys, Pin, is_genuine

GRACE = timedelta(minutes=5)
"""an event that is older than a pinned head or a later link by so much, and has no link, was added"""
PIN_GRACE = timedelta(hours=2)
"""a link that is older than a pinned head by so much, and lies behind the last of its own chain, was added:
twice the longest time between two pins"""
WAIT_SECS, LOOK_SECS = 5.0, 0.25
FOREVER = to_millis(LATEST)


async def verify(client: Client, pins: Iterable[Pin], keys: Keys, scope: Scope, kept_days: int = 0) -> Report:
    """`pins` from wherever they are kept; what ClickHouse itself has of them is taken, too.

    `kept_days` is how long rows are said to live, 0 for good.

    Raises Away or Refused where the question itself cannot be answered.
    """
    report = Report()
    heads, checkpoints = _binding([*pins, *await _stored_pins(client)], keys, report)
    params = _params(scope, checkpoints, heads, kept_days)
    params |= await _erased(client, report, heads)
    stretches = [_stretch(row) for row in await client.ask(sql.STRETCHES, params)]
    rows = RowCheck(client, params, everything=scope == Scope())
    totals = await rows.totals()
    links, row_breaks, added, unpinned = await asyncio.gather(
        check_links(client, stretches, heads),
        rows.breaks(totals["rows"], totals["odd"]),
        _unlinked(rows, report, heads),
        rows.unpinned(),
    )
    _count(report, totals, links, stretches, heads)
    gone = _whole_chains_gone(stretches, heads, scope)
    report.unproven += rows.unproven
    report.breaks = sorted([*links.breaks, *row_breaks, *added, *_never_pinned(unpinned, heads), *gone])
    return report


def _params(
    scope: Scope,
    checkpoints: Sequence[Checkpoint],
    heads: Mapping[ChainPlace, Sequence[Head]],
    kept_days: int,
) -> dict[str, Any]:
    expired = to_millis(datetime.now(UTC) - timedelta(days=kept_days)) if kept_days else 0
    kept = [one.before for one in checkpoints if one.kind is CheckpointKind.RETENTION]
    return {
        "project": scope.project,
        "topic": scope.topic,
        "since": to_millis(scope.since) if scope.since else 0,
        "until": to_millis(scope.until) if scope.until else FOREVER,
        "kept_since": to_millis(max(kept)) if kept else 0,
        "expired_since": max(expired, *map(to_millis, kept), 0),
        "places": [*(" ".join(map(str, place)) for place in heads), ""],
        "pinned": [*(found[-1].offset for found in heads.values()), -1],
    }


def _binding(
    pins: Iterable[Pin], keys: Keys, report: Report
) -> tuple[dict[ChainPlace, list[Head]], list[Checkpoint]]:
    """What is signed by a key of ours, and was not made void since: heads by place, in order."""
    genuine = {pin.signature: pin for pin in pins if is_genuine(pin, keys)}.values()
    checkpoints = [pin for pin in genuine if isinstance(pin, Checkpoint)]
    rebuilt = [one for one in checkpoints if one.kind is CheckpointKind.REBUILT]
    void_before = max((one.before for one in rebuilt), default=datetime.min.replace(tzinfo=UTC))
    for one in rebuilt:
        report.notes.append(f"the record was made anew at {in_utc(one.before)}: {one.reason}")
    heads: dict[ChainPlace, list[Head]] = {}
    for pin in genuine:
        if isinstance(pin, Head) and pin.at >= void_before:
            heads.setdefault(ChainPlace(pin.log_epoch, pin.topic, pin.partition), []).append(pin)
    for found in heads.values():
        found.sort(key=lambda head: (head.offset, head.at))
        report.pins += len(found)
    return heads, checkpoints


async def _stored_pins(client: Client) -> list[Pin]:
    """Signed, so they bind wherever they are found; that one is missing here, or is none, proves nothing."""
    found = (heads_file.parse(row["pinned"].encode()) for row in await client.ask(sql.PINNED))
    return [pin for pin in found if pin is not None]


async def _erased(
    client: Client, report: Report, heads: Mapping[ChainPlace, Sequence[Head]]
) -> dict[str, Any]:
    """Up to when, by project: a tombstone that is linked as it stands, and pinned, excuses what is gone.

    Of one that is not pinned yet nobody knows who put it there.
    """
    pinned, said, excusing = dict[str, datetime](), dict[str, datetime](), list[str]()
    for row in map(whole_row, await client.ask(sql.ERASED)):
        erasure = _erasure_in(row)
        if erasure is not None:
            place = ChainPlace(row.log_epoch, row.topic, row.kafka_partition)
            ends = heads.get(place, ())[-1:]
            is_pinned = any(row.kafka_offset <= head.offset for head in ends)
            excusing += [" ".join(map(str, place))] * is_pinned
            for found in (said, pinned) if is_pinned else (said,):
                found[erasure.project] = max(erasure.before, found.get(erasure.project, erasure.before))
    for project, before in pinned.items():
        report.notes.append(f"project {project} was erased: its events up to {in_utc(before)} may be gone")
    return {
        "excusing": [*excusing, "-"],
        "erased": [*pinned, ""],
        "erased_before": [*map(to_millis, pinned.values()), 0],
        "said": [*said, ""],
        "said_before": [*map(to_millis, said.values()), 0],
    }


def _erasure_in(row: EventRow) -> Erasure | None:
    try:
        return Erasure.model_validate_json(row.payload) if hash_of(row) == row.hash else None
    except ValidationError:
        return None


def _never_pinned(
    unpinned: Iterable[Mapping[str, Any]], heads: Mapping[ChainPlace, Sequence[Head]]
) -> list[Break]:
    """A sink pins all of its chains that went on: what it left out over and over, it never had."""
    breaks = []
    for row in unpinned:
        place = ChainPlace(row["log_epoch"], row["topic"], row["kafka_partition"])
        last = _last_pinned(place.log_epoch, heads)
        if last is not None and last - from_millis(row["since"]) > PIN_GRACE:
            detail = "linked, but never pinned, although other heads were (are all heads files given?)"
            breaks.append(Break(place, row["first"], Kind.ADDED, row["id"], detail))
    return breaks


def _last_pinned(epoch: str, heads: Mapping[ChainPlace, Sequence[Head]]) -> datetime | None:
    return max(
        (head.at for place in heads if place.log_epoch == epoch for head in heads[place]), default=None
    )


def _stretch(row: Mapping[str, Any]) -> Stretch:
    place = ChainPlace(row["log_epoch"], row["topic"], row["kafka_partition"])
    return Stretch(place, row["begin"], row["end"], row["links"])


async def _unlinked(
    rows: RowCheck, report: Report, heads: Mapping[ChainPlace, Sequence[Head]]
) -> list[Break]:
    """Rows beyond the ends of the chains: a sink that runs links them at once."""
    deadline = asyncio.get_running_loop().time() + WAIT_SECS
    left = await rows.unlinked()
    while left and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(LOOK_SECS)
        left = await rows.unlinked()
    breaks = []
    for row in left:
        place = ChainPlace(row["log_epoch"], row["topic"], row["kafka_partition"])
        pinned = _last_pinned(place.log_epoch, heads)
        if pinned is not None and pinned - from_millis(row["since"]) > GRACE:
            detail = "it has no link, although heads were pinned since"
            breaks.append(Break(place, row["first"], Kind.ADDED, row["id"], detail))
        else:
            report.unproven.append(_not_linked(place, row))
    return breaks


def _not_linked(place: ChainPlace, row: Mapping[str, Any]) -> str:
    have = f"1 row of {row['what']} has" if row["rows"] == 1 else f"{row['rows']} rows of {row['what']} have"
    return (
        f"{place}: {have} no link yet, the first at offset {row['first']}, event {row['id'] or 'unknown'}: "
        "a sink was stopped before it made them, or somebody added them; start a sink and look again"
    )


def _whole_chains_gone(
    stretches: Sequence[Stretch], heads: Mapping[ChainPlace, Sequence[Head]], scope: Scope
) -> list[Break]:
    there = {stretch.place for stretch in stretches}
    return [
        Break(
            place,
            found[-1].offset,
            Kind.CUT,
            "",
            f"its chain is gone; it was pinned at {in_utc(found[-1].at)}",
        )
        for place, found in heads.items()
        if place not in there and scope.topic in ("", place.topic)
    ]


def _count(
    report: Report,
    totals: Mapping[str, Any],
    links: Found,
    stretches: Sequence[Stretch],
    heads: Mapping[ChainPlace, Sequence[Head]],
) -> None:
    report.events, report.links, report.partitions = totals["rows"], links.links, len(stretches)
    report.adopted, report.aside = links.adopted, links.aside
    if totals["rows"]:
        report.first_at, report.last_at = totals["first_at"], totals["last_at"]
    for place, end in links.ends.items():
        pinned = max((head.number for head in heads.get(place, ())), default=0)
        report.unpinned += max(0, end.number - pinned)
    if report.links and not report.pins:
        report.unproven.append(
            "no pinned head is at hand: a tail that was cut off or a log that was rewritten would not show"
        )

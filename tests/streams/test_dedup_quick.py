"""The short way of a repeat and the states kept at hand change nothing of what dedup tells and keeps."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.catalog import key_of
from schemas.codec import CONFLUENT, Codec
from schemas.errors import UnknownSchema
from schemas.headers import event_headers
from streams.glance import glance_of_event
from streams.rows import PartitionRows
from streams.runner import Runner
from streams.stage import Record
from streams.stages import dedup
from streams.stages.dedup import Dedup, DedupConfig
from streams.stages.fingerprint import Fingerprint
from tests.streams.timeline import RAW, SECOND, START, normalized

CODEC = Codec()


class Careful(Dedup):
    """Goes the long way always, and believes only rows."""

    def take(self, record: Record, state: Fingerprint) -> bool:
        return False

    def load(self, key: bytes, row: bytes | None) -> Fingerprint:
        return Fingerprint.of_row(key, row)


class Sent(NamedTuple):
    """One alert of a batch. An origin that came before is a copy of the record."""

    seconds: int
    started: int | None
    status: str
    severity: str
    topic: str
    partition: int
    origin: int
    fingerprint: str
    glance: bool


sent = st.builds(
    Sent,
    st.sampled_from([0, 1, 1, 1, 59, 61, 300, 1000]),
    st.none() | st.integers(0, 12),
    st.sampled_from(["firing"] * 9 + ["resolved"]),
    st.sampled_from(["info", "warning", "warning", "critical"]),
    st.sampled_from([RAW, RAW, RAW, "alerts.raw.eventrecorder"]),
    st.integers(0, 1),
    st.integers(0, 30),
    st.sampled_from(["ab" * 8, "cd" * 8]),
    st.sampled_from([True, True, True, False]),
)
batches = st.lists(
    st.tuples(st.lists(sent, min_size=1, max_size=15), st.sampled_from(["", "midway", "whole"])),
    min_size=1,
    max_size=6,
)


def record(alert: Sent, offset: int, at: int) -> Record:
    began = None if alert.started is None else START + alert.started
    event = normalized(
        at=at,
        offset=alert.origin,
        started=began,
        status=alert.status,
        severity=alert.severity,
        topic=alert.topic,
        partition=alert.partition,
        fingerprint=alert.fingerprint,
    )
    headers = event_headers(event, "application/avro", b"0" * 32, b"1")
    told = (glance_of_event(event), *headers) if alert.glance else tuple(headers)
    return Record("alerts.normalized", 0, offset, key_of(event), CODEC.encode(event), told, at, CODEC)


def unknown(offset: int) -> Record:
    """Its schema must be asked for first: the whole batch waits."""
    return Record("alerts.normalized", 0, offset, b"k", CONFLUENT + bytes(5), (), START, CODEC)


@settings(max_examples=200, deadline=None)
@given(batches)
async def test_whatever_comes_the_short_way_says_and_keeps_the_same(
    story: list[tuple[list[Sent], str]],
) -> None:
    quick, careful = (
        (Runner(stage, CODEC, clock=lambda: START), PartitionRows(stage.due))
        for stage in (Dedup(DedupConfig()), Careful(DedupConfig()))
    )
    at, offset = START, 0
    for alerts, fails in story:
        batch = []
        for alert in alerts:
            at, offset = at + alert.seconds * SECOND, offset + 1
            batch.append(record(alert, offset, at))
        if fails == "midway":
            with pytest.raises(UnknownSchema):
                await quick[0].turn([*batch, unknown(offset)], quick[1])
        elif fails == "whole":
            await quick[0].turn(batch, quick[1])  # comes to nothing: neither sent nor written
        told, expected = [await runner.turn(batch, rows) for runner, rows in (quick, careful)]
        assert [(out.value, out.headers) for out in told.outputs] == [
            (out.value, out.headers) for out in expected.outputs
        ]
        assert told.rows == expected.rows
        for (_, rows), turn in ((quick, told), (careful, expected)):
            rows.apply(turn.rows)


async def test_states_kept_at_hand_are_used_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the test above would compare rows with rows."""
    monkeypatch.setattr(dedup, "MOST_KEPT", 3)
    stage, loaded = Dedup(DedupConfig()), list[bytes]()
    of_row = Fingerprint.of_row
    monkeypatch.setattr(Fingerprint, "of_row", lambda key, row: (loaded.append(key), of_row(key, row))[1])
    rows = PartitionRows(stage.due)
    for number, fingerprint in enumerate("aabbcdef"):
        alert = Sent(1, number, "firing", "warning", RAW, 0, number, fingerprint * 16, glance=True)
        turn = await Runner(stage, CODEC).turn([record(alert, number, START + number)], rows)
        rows.apply(turn.rows)
        assert len(stage._kept) <= 3
    assert len(loaded) == len(set("aabbcdef"))

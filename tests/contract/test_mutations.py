"""Every payload, damaged: it becomes alerts or a rejection that says why; no crash, and no wrong source."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from connectors.alerts.detection import AUTO, readings
from connectors.alerts.registry import sources
from schemas.catalog import RAW_PREFIX
from schemas.codec import Codec
from schemas.draft import Draft
from schemas.errors import BadPayload, Never, Unreadable
from streams.stage import Now, Record
from streams.stages.normalize import Normalize, NormalizeConfig
from tests.connectors.alerts.payloads import RECEIVED_AT, names, payload
from tests.contract.mutations import BYTES, PLACES, VALUES, Subject, damaged, subject
from tests.measured import BESIDE

CASES = 20_000
TABLE = Path(__file__).parents[1] / "connectors" / "alerts" / "expected_payloads.yaml"
ALL = sources([])
GENERAL = {name for name, source in ALL.items() if source.yields}
CODEC = Codec()


def subjects() -> list[Subject]:
    """Our own fixtures, and the reference payloads where they are at hand."""
    ours = [subject(source, name, payload(source, name)) for source, name in names() if source in ALL]
    folder = Path(os.environ.get("AWOOOI_DATA", BESIDE)) / "payloads"
    table: dict[str, Any] = yaml.safe_load(TABLE.read_text()) if folder.exists() else {}
    theirs = [
        subject(expected["source"], name, json.loads((folder / name).read_text()))
        for name, expected in table.items()
        if name.endswith(".json") and (folder / name).exists() and expected["source"] in ALL
    ]
    return ours + theirs


SUBJECTS = subjects()
STAGE = Normalize(NormalizeConfig(), ALL)


# One number a case: drawing a path and a value as such would take ten times as long as what is tested.
@settings(
    max_examples=CASES,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow],  # twenty thousand of them are meant
)
@given(number=st.integers(0, 2**48 - 1))
def test_a_damaged_payload_is_read_or_refused(number: int) -> None:
    number = number * 0x9E3779B97F4A7C15 % 2**64  # small numbers are drawn often: spread them
    hit = SUBJECTS[(number >> 48) % len(SUBJECTS)]
    what, content = damaged(hit, number >> 24 & 0xFFFF, number >> 8 & 0xFFFF)
    by_name = number >> 40 & 1
    where = f"{hit.source}/{hit.name}: {what}"
    note(where)
    error = outcome(hit.source if by_name else AUTO, content, where)
    if error is None and not by_name:
        found = {reading.source.name for reading in readings(AUTO, json.loads(content), ALL)}
        assert found <= {hit.source} | GENERAL, f"{where}: taken for {found}"


def outcome(source: str, content: bytes, where: str) -> Never | None:
    """The rejection, if it was one. Alerts are whole: each can be written, and read as what it is."""
    record = Record(RAW_PREFIX + source, 0, 0, None, content, (), RECEIVED_AT, CODEC)
    refused = None
    try:
        written = run(STAGE.handle(record, Now(RECEIVED_AT)))
    except Never as error:
        written, refused = (), error
    assert refused is None or isinstance(refused, Unreadable) or says_where(refused), f"{where}: {refused}"
    for draft in written:
        if isinstance(draft, Draft):
            CODEC.encode_draft(draft)
            draft.event()
    return refused


def says_where(error: Never) -> bool:
    """By the field, or what the whole payload should be."""
    whole = ("must be ", "fits no source", "fits more than one source", "holds ")
    return isinstance(error, BadPayload) and (bool(error.field) or error.what.startswith(whole))


def run(coroutine: Any) -> Any:
    """The stage waits for nothing: no loop is needed."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("the stage waits")


@pytest.mark.parametrize("way", range(len(VALUES) + len(PLACES) + len(BYTES) + 1))
def test_each_way_of_damage_changes_something(way: int) -> None:
    hit = subject("x", "x", {"alerts": [{"labels": {"alertname": "A"}, "n": 1.5}]})
    changed = sum(damaged(hit, path, way)[1] != hit.text for path in range(len(hit.paths)))
    assert changed >= len(hit.paths) - 1


def test_what_is_not_damaged_is_read() -> None:
    refused = [
        hit.name
        for hit in SUBJECTS
        if not hit.name.endswith(".json") and outcome(hit.source, hit.text, hit.name)
    ]
    assert not refused

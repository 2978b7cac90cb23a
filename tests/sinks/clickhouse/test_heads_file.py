"""Of a file that others can append to, the pins that count are found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from schemas.audit import CheckpointKind, Head
from sinks.clickhouse import heads_file
from sinks.clickhouse.chain import ChainPlace, Tip
from tests.sinks.clickhouse.audited import KEYS, SIGNER, pins_in

PLACE = ChainPlace("", "incidents", 0)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def head(number: int, minutes: int) -> Head:
    return SIGNER.head(PLACE, Tip(number - 1, number, "f" * 64), NOON + timedelta(minutes=minutes))


OLD, NEW = head(5, 0), head(9, 1)
FORGED = head(99, 2).model_copy(update={"signature": OLD.signature})
NEXT_DAY = head(20, 24 * 60)
CLOCK_BEHIND = head(9, -1)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "heads.jsonl"


@pytest.mark.parametrize("latest_only", [True, False])
@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([OLD, NEW], id="in order"),
        pytest.param([OLD, NEW, OLD], id="an old line again"),
        pytest.param([OLD, NEW, FORGED, OLD], id="a forged line, and an old one again"),
    ],
)
def test_the_longest_that_is_signed_counts(file: Path, lines: list[Head], latest_only: bool) -> None:
    heads_file.append(file, lines)
    assert heads_file.read(file, KEYS, latest_only=latest_only).pins == [NEW]


def test_a_clock_that_is_behind_hides_nothing(file: Path) -> None:
    heads_file.append(file, [OLD, CLOCK_BEHIND])
    assert CLOCK_BEHIND in heads_file.read(file, KEYS).pins
    pins = pins_in(file, CollectorRegistry())
    pins.open_file()
    assert pins.head(PLACE) == CLOCK_BEHIND


def test_each_day_counts_unless_the_latest_is_enough(file: Path) -> None:
    heads_file.append(file, [OLD, NEW, NEXT_DAY])
    assert heads_file.read(file, KEYS).pins == [NEW, NEXT_DAY]
    assert heads_file.read(file, KEYS, latest_only=True).pins == [NEXT_DAY]


def test_lines_that_are_none_are_counted(file: Path) -> None:
    file.write_bytes(b'{"subject": 1}\n[]\n"x"\nnull\n{"subject":"","at":"","number":"x"}\n{"sub\n\n')
    heads_file.append(file, [NEW])
    found = heads_file.read(file, KEYS)
    assert (found.pins, found.torn) == ([NEW], 6)


@pytest.mark.parametrize("found", [[OLD, NEW], [NEW, OLD], [NEW, CLOCK_BEHIND]])
def test_a_sink_goes_by_the_longest(file: Path, found: list[Head]) -> None:
    pins = pins_in(file, CollectorRegistry())
    pins.learn(found)
    assert pins.head(PLACE) == NEW


def test_a_record_made_anew_is_shorter(file: Path) -> None:
    rebuilt = SIGNER.checkpoint(CheckpointKind.REBUILT, NEW.at, NEW.at, "")
    shorter = head(2, 1)
    heads_file.append(file, [head(100, 0), rebuilt, shorter, head(50, 0)])
    pins = pins_in(file, CollectorRegistry())
    pins.open_file()
    assert pins.head(PLACE) == shorter

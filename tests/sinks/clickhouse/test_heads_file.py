"""Of a file that others can append to, the pins that count are found."""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from prometheus_client import CollectorRegistry

from schemas.audit import CheckpointKind, Head
from schemas.errors import Misconfigured
from sinks.clickhouse import heads_archive, heads_file
from sinks.clickhouse.chain import ChainPlace, Tip
from sinks.clickhouse.signing import Keys, Pin, Signer, is_genuine
from tests.sinks.clickhouse.audited import KEYS, SIGNER, pins_in

PLACE = ChainPlace("", "incidents", 0)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def head(number: int, minutes: int) -> Head:
    return SIGNER.head(PLACE, Tip(number - 1, number, "f" * 64), NOON + timedelta(minutes=minutes))


OLD, NEW = head(5, 0), head(9, 1)
FORGED = head(99, 2).model_copy(update={"signature": OLD.signature})
NEXT_DAY = head(20, 24 * 60)
CLOCK_BEHIND = head(9, -1)
RETENTION, RETENTION_LATER = (
    SIGNER.checkpoint(CheckpointKind.RETENTION, at, at, "") for at in (NOON, NOON + timedelta(hours=1))
)


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


def test_a_large_file_is_read_line_by_line(file: Path) -> None:
    """Whoever may append to it may make it as long as they like."""
    file.write_bytes(heads_file.line_of(OLD) * 5_000)
    heads_file.append(file, [NEW])
    tracemalloc.start()
    try:
        assert heads_file.read(file, KEYS).pins == [NEW]
        assert tracemalloc.get_traced_memory()[1] < file.stat().st_size / 10
    finally:
        tracemalloc.stop()


class TestArchive:
    """The file begins anew, and an audit reads as much as before."""

    @pytest.fixture
    def grown(self, file: Path) -> Path:
        heads_file.append(
            file, [OLD, *(head(10 + n // 5, n) for n in range(40)), NEXT_DAY, RETENTION, RETENTION_LATER]
        )
        return file

    def test_the_sink_needs_the_last_and_an_audit_one_a_day(self, grown: Path) -> None:
        before, size = heads_file.read(grown, KEYS).pins, grown.stat().st_size
        made = heads_archive.archive(grown, KEYS, NOON)
        assert made.name == "heads.jsonl.20260301T120000"
        assert heads_archive.files(grown) == [made, grown]
        assert in_files(grown) == signed(before)
        assert signed(heads_file.read(grown, KEYS).pins) == signed([NEXT_DAY, RETENTION_LATER])
        assert made.stat().st_size + grown.stat().st_size < size / 4

    def test_each_signature_is_checked_once(self, grown: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        kept, checked = len(heads_file.read(grown, KEYS).pins), list[str]()

        def counted(pin: Pin, keys: Keys) -> bool:
            checked.append(pin.signature)
            return is_genuine(pin, keys)

        monkeypatch.setattr(heads_file, "is_genuine", counted)
        heads_archive.archive(grown, KEYS, NOON)
        assert len(checked) == len(set(checked)) == kept

    def test_again_and_again_nothing_is_lost(self, grown: Path) -> None:
        before = in_files(grown)
        for days in range(3):
            heads_archive.archive(grown, KEYS, NOON + timedelta(days=days))
            heads_file.append(grown, [head(100 + days, (2 + days) * 24 * 60)])
        assert in_files(grown) == before | signed(head(100 + n, (2 + n) * 24 * 60) for n in range(3))

    def test_what_a_key_signed_that_is_not_known_here_is_kept(self, grown: Path) -> None:
        other = Ed25519PrivateKey.from_private_bytes(b"another key, of an earlier sink.")
        said = Signer(other).head(PLACE, Tip(98, 99, "e" * 64), NOON)
        heads_file.append(grown, [said])
        heads_archive.archive(grown, KEYS, NOON)
        keys = {**KEYS, said.key_id: other.public_key()}
        assert said.signature in in_files(grown, keys)

    def test_killed_in_between_nothing_is_lost(self, grown: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        before = in_files(grown)

        def killed(_: str) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(heads_archive, "crash_point", killed)
        with pytest.raises(KeyboardInterrupt):
            heads_archive.archive(grown, KEYS, NOON)
        assert in_files(grown) == before
        assert heads_file.read(grown, KEYS, latest_only=True).pins

    def test_who_appends_meanwhile_does_not_write_into_the_old_one(
        self, grown: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        late, waits, lock = head(500, 3 * 24 * 60), threading.Event(), heads_file._lock
        writer = threading.Thread(target=heads_file.append, args=(grown, [late]))

        def locks(*of: Any) -> None:
            waits.set()
            lock(*of)

        with heads_file.held(grown):
            monkeypatch.setattr(heads_file, "_lock", locks)
            writer.start()
            assert waits.wait(10), "it has the old one open"
            beside = grown.with_name("new")
            beside.write_bytes(heads_file.line_of(NEW))
            beside.replace(grown)
        writer.join(10)
        assert heads_file.read(grown, KEYS, latest_only=True).pins == [late]

    async def test_a_sink_begins_anew_and_goes_on(self, file: Path) -> None:
        for number in range(1, 30):
            pins = pins_in(file, CollectorRegistry(), most_mb=0.001)
            pins.open_file()
            assert number == 1 or pins.head(PLACE) is not None
            await pins.pin({PLACE: Tip(number, number + 1, "f" * 64)})
        assert len(heads_archive.files(file)) > 1
        assert len(heads_file.read(file, KEYS).pins) < 5

    async def test_where_it_cannot_it_grows_on(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refused(*_: object) -> None:
            raise Misconfigured("files can only be appended to")

        monkeypatch.setattr(heads_archive, "write_whole", refused)
        pins = pins_in(file, CollectorRegistry(), most_mb=0.0001)
        with structlog.testing.capture_logs() as logs:
            for number in range(1, 4):
                await pins.pin({PLACE: Tip(number, number + 1, "f" * 64)})
        assert [one["event"] for one in logs] == ["audit_heads_file_only_grows"]
        assert heads_archive.files(file) == [file]
        assert pins.head(PLACE) == heads_file.read(file, KEYS, latest_only=True).pins[0]


def signed(pins: Iterable[Pin]) -> set[str]:
    return {pin.signature for pin in pins}


def in_files(file: Path, keys: Keys = KEYS) -> set[str]:
    return signed(pin for one in heads_archive.files(file) for pin in heads_file.read(one, keys).pins)

"""What `awoooi audit verify` says, and with which exit status."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from awoooi import audit
from awoooi.init import init
from awoooi.loading import load
from awoooi.settings import Settings
from sinks.clickhouse.breaks import Break, Kind, Report, Scope
from sinks.clickhouse.chain import ChainPlace
from tests.peers.waiting import free_port

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BREAKS = [
    Break(ChainPlace("", "incidents", 3), offset, Kind.DELETED, f"id-{offset}", "it was linked\x1b[2J")
    for offset in range(7, 27)
]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    made = load(
        {
            "AWOOOI_STATE_DIR": str(tmp_path / "state"),
            "AWOOOI_CLICKHOUSE_URL": f"http://127.0.0.1:{free_port()}",
        }
    ).settings
    init(made)
    return made


def told(
    report: Report, settings: Settings, monkeypatch: pytest.MonkeyPatch, *, as_json: bool = False
) -> int:
    async def found(*_: object) -> Report:
        return report

    monkeypatch.setattr(audit, "_verify", found)
    return audit.verify(settings, Scope(), (), as_json=as_json)


@pytest.mark.parametrize(
    ("report", "status", "last"),
    [
        pytest.param(Report(events=5, links=5), 0, "PROVEN: complete and unaltered.", id="proven"),
        pytest.param(Report(breaks=BREAKS), 1, "and 9 more", id="broken"),
        pytest.param(Report(breaks=BREAKS[:1], unproven=["x"]), 1, "it was linked", id="broken, and more"),
        pytest.param(Report(unproven=["no pinned head"]), 2, "NOT PROVEN.", id="could not be checked"),
    ],
)
def test_the_exit_status_says_which_of_three(
    report: Report,
    status: int,
    last: str,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert told(report, settings, monkeypatch) == status
    said = capsys.readouterr().out
    assert last in said.splitlines()[-1]
    assert "\x1b" not in said, "what an attacker wrote does not reach the terminal"


def test_the_first_break_is_named_with_place_event_and_kind(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told(Report(breaks=BREAKS), settings, monkeypatch)
    said = capsys.readouterr().out
    assert "first break is a row deleted: incidents partition 3 offset 7, event id-7: it was linked" in said


def test_for_programs(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(Report(breaks=BREAKS[:1], first_at=NOON), settings, monkeypatch, as_json=True) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["verdict"] == "broken"
    (first,) = said["breaks"]
    assert (first["kind"], first["topic"], first["partition"]) == ("row deleted", "incidents", 3)
    assert (first["offset"], first["event_id"]) == (7, "id-7")


def test_without_clickhouse_it_is_neither_proven_nor_broken(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit.verify(settings, Scope(), (), as_json=False) == 2
    assert "Could not be checked: ClickHouse at" in capsys.readouterr().out


def test_without_the_public_key_neither(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    settings.audit.public_key_file.unlink()
    assert audit.verify(settings, Scope(), (), as_json=False) == 2
    assert "`awoooi init` makes one" in capsys.readouterr().out


def test_a_rebuilt_record_is_told_in_the_heads_file(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("awoooi.reference_data.publish", _nothing)
    audit.rebuilt(settings, "the disk is gone")
    (line,) = settings.audit.heads_file.read_text().splitlines()
    assert json.loads(line)["reason"] == "the disk is gone"


async def _nothing(*_: object) -> None:
    return None

"""`awoooi try`: payloads in a file or on standard input, one or several."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from awoooi.loading import load
from awoooi.settings import Settings
from awoooi.try_out import try_out
from schemas.errors import BadPayload


def payload(pod: str) -> dict[str, object]:
    labels = {"alertname": "HighCPU", "severity": "critical", "namespace": "shop", "pod": pod}
    alert = {
        "status": "firing",
        "labels": labels,
        "annotations": {"summary": "cpu throttling at 85%, memory at 91.5%"},
        "startsAt": "2026-03-01T10:15:30.123456789Z",
    }
    return {"version": "4", "status": "firing", "groupKey": "g", "alerts": [alert]}


ONE, OTHER = json.dumps(payload("cart-1")), json.dumps(payload("cart-2"))
FOREIGN = '{"a": 1}'
PRETTY = json.dumps(payload("cart-1"), indent=2)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    return load({"AWOOOI_STATE_DIR": str(tmp_path)}).settings


@pytest.mark.parametrize("name", ["-", "alerts.json", "alerts.jsonl"])
@pytest.mark.parametrize(
    ("text", "pods", "rejected_lines"),
    [
        (f"{ONE}\n{OTHER}\n", ["cart-1", "cart-2"], []),
        (f"{ONE}\r\n\r\n{OTHER}\r\n", ["cart-1", "cart-2"], []),
        (f"{ONE}\n{FOREIGN}\n\n{{broken\n{OTHER}", ["cart-1", "cart-2"], [2, 4]),
        (f"{FOREIGN}\n{FOREIGN}", [], [1, 2]),
    ],
    ids=["two", "blank lines between", "bad ones among them", "only bad ones"],
)
def test_several_documents_stand_one_a_line(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    text: str,
    pods: list[str],
    rejected_lines: list[int],
) -> None:
    give(monkeypatch, name, text)

    status = try_out(settings, name, "auto", as_json=True)

    told = capsys.readouterr()
    assert [json.loads(line)["target_resource"] for line in told.out.splitlines()] == pods
    assert [line.partition(": rejected, ")[0] for line in told.err.splitlines()] == [
        f"line {number}" for number in rejected_lines
    ]
    assert status == (1 if rejected_lines else 0)


def give(monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    if name == "-":
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    else:
        Path(name).write_text(text, newline="")


@pytest.mark.parametrize(
    ("text", "alerts", "says"),
    [
        (PRETTY, 1, ""),
        (PRETTY[:-2], 0, "rejected, unreadable: not JSON"),
        (FOREIGN, 0, "rejected, bad_payload: fits no source"),
    ],
    ids=["in many lines", "in many lines, broken", "of no source"],
)
def test_one_document_is_taken_whole(
    settings: Settings, capsys: pytest.CaptureFixture[str], text: str, alerts: int, says: str
) -> None:
    Path("alert.json").write_text(text)

    try_out(settings, "alert.json", "auto", as_json=True)

    told = capsys.readouterr()
    assert len(told.out.splitlines()) == alerts
    assert told.err.startswith(says)
    assert len(told.err.splitlines()) == (1 if says else 0)


@pytest.mark.parametrize("text", ["", " \n\n"])
def test_an_empty_file_is_called_so(settings: Settings, text: str) -> None:
    Path("alert.json").write_text(text)

    with pytest.raises(BadPayload, match=r"^alert\.json is empty$"):
        try_out(settings, "alert.json", "auto", as_json=True)


def test_the_table_shows_values_as_they_are_written_elsewhere(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("alerts.jsonl").write_text(f"{ONE}\n{OTHER}\n")

    try_out(settings, "alerts.jsonl", "auto", as_json=False)

    table = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines() if line]
    shown = {name: value for name, value in table if not name.startswith("alert ")}
    assert {
        name: shown[name]
        for name in (
            "metrics.throttle_percent",
            "metrics.memory_percent",
            "fired_at",
            "sanitized",
            "labels.pod",
        )
    } == {
        "metrics.throttle_percent": "85",
        "metrics.memory_percent": "91.5",
        "fired_at": "2026-03-01T10:15:30.123Z",
        "sanitized": "false",
        "labels.pod": "cart-2",
    }
    assert ["alert", "2 of 2, line 2"] in table

"""What `awoooi try` says of a payload that holds no alert."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from awoooi.loading import load
from awoooi.try_out import try_out
from awoooi.try_remarks import NOTHING
from tests.connectors.alerts.sources.test_eventrecorder import MUTED, SILENCE, event

ID = "alertmanager:5af9f99c-11c2-41e2-9327-60393345a394"
MATCHERS = [
    {"type": "TYPE_REGEXP", "name": "pod", "pattern": "web-.+"},
    {"type": "TYPE_NOT_EQUAL", "name": "team", "pattern": "red\x1b"},
]


def told(kind: str, **said: Any) -> bytes:
    return orjson.dumps(event(kind, said))


@pytest.mark.parametrize(
    ("payload", "lines"),
    [
        pytest.param(told("alertGrouped"), [NOTHING], id="passed over"),
        pytest.param(
            told("silenceMutedAlert", silence=SILENCE, mutedAlert=MUTED),
            [
                f"silence {ID}, of namespace=shop, by ops, until 2026-03-01 11:00 UTC: maintenance of rack 4",
                "muted by silence: the alert of fingerprint",
            ],
            id="muted",
        ),
        pytest.param(
            told("silenceCreated", silence={**SILENCE, "matchers": MATCHERS, "endsAt": None}),
            [f"silence {ID}, of pod=~web-.+, team!=red", "by ops, without an end: maintenance of rack 4"],
            id="expressions",
        ),
    ],
)
def test_remarks_are_told_in_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], payload: bytes, lines: list[str]
) -> None:
    file = tmp_path / "payload.json"
    file.write_bytes(payload)
    settings = load({"AWOOOI_STATE_DIR": str(tmp_path)}).settings
    assert try_out(settings, str(file), "eventrecorder", as_json=False) == 0
    out = capsys.readouterr().out
    assert all(line in out for line in lines), out
    assert "\x1b" not in out

"""`awoooi try` over the reference payloads, against a table that was made by hand from the payloads.

Kept outside the project, as all reference data: `AWOOOI_DATA`, else `../shared/data` beside it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from awoooi.loading import load
from awoooi.settings import Settings
from awoooi.try_out import try_out
from connectors.alerts.detection import AUTO, readings
from connectors.alerts.registry import sources
from schemas.errors import BadPayload
from tests.measured import BESIDE

TABLE = Path(__file__).parents[1] / "connectors" / "alerts" / "expected_payloads.yaml"
FIELDS = ("alert_type", "severity", "status", "target_resource", "resource_type")
MUST = 0.95

Row = Sequence[Any]
Wrong = tuple[str, str, str, object, object]
"""file, source it was tried as, field, what it must be, what it is"""


@pytest.fixture(scope="module")
def folder() -> Path:
    path = Path(os.environ.get("AWOOOI_DATA", BESIDE)) / "payloads"
    if not path.exists():
        pytest.skip("no reference data: payloads (set AWOOOI_DATA)")
    return path


@pytest.fixture(scope="module")
def table() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(TABLE.read_text())
    return found


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load({"AWOOOI_STATE_DIR": str(tmp_path)}).settings


def test_every_payload_stands_in_the_table(folder: Path, table: dict[str, Any]) -> None:
    assert {path.name for path in folder.glob("*.json*")} == table.keys()


def test_no_payload_is_taken_for_another_sources(folder: Path, table: dict[str, Any]) -> None:
    """Its own, or refused."""
    known = sources([])
    taken = {(name, found) for name in table for found in detected(folder / name, known)}
    assert {(name, found) for name, found in taken if found != table[name]["source"]} == set()


@pytest.mark.parametrize("by_name", [True, False], ids=["by name", "auto"])
def test_payloads_become_what_they_say(
    folder: Path,
    table: dict[str, Any],
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
    *,
    by_name: bool,
) -> None:
    fields, wrong = 0, list[Wrong]()
    for name, expected in table.items():
        source = expected["source"] if by_name else AUTO
        try_out(settings, str(folder / name), source, as_json=True)
        told = capsys.readouterr()
        alerts = [json.loads(line) for line in told.out.splitlines()]
        found, misses = compared(expected, alerts, told.err)
        fields += found
        wrong += [(name, source, *miss) for miss in misses]
    right = 1 - len(wrong) / fields
    report = "\n".join(
        f"{name} as {source}: {field} must be {must!r}, is {found!r}"
        for name, source, field, must, found in wrong
    )
    sys.stdout.write(f"{right:.1%} of {fields} fields are right\n{report}\n")
    assert right >= MUST, report


def detected(path: Path, known: Any) -> Iterator[str]:
    for text in path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]:
        try:
            yield from (found.source.name for found in readings(AUTO, json.loads(text), known))
        except BadPayload:
            continue


def compared(
    expected: dict[str, Any], alerts: Sequence[dict[str, Any]], told: str
) -> tuple[int, list[tuple[str, object, object]]]:
    """How many fields there are, and those that are wrong. An alert too many or too few is wrong in all."""
    rows, rejected = expected.get("alerts", []), told.count("rejected, ")
    counted = (len(rows), expected.get("rejected", 0))
    wrong: list[tuple[str, object, object]] = []
    if counted != (len(alerts), rejected):
        wrong.append(("alerts, rejected", counted, (len(alerts), rejected, told.strip()[:200])))
    for row, alert in zip(rows, alerts, strict=False):
        got = [alert.get(name) for name in FIELDS]
        wrong += [
            (name, must, is_) for name, must, is_ in zip(FIELDS, row, got, strict=True) if not fits(must, is_)
        ]
    wrong += [("an alert's", must, None) for row in rows[len(alerts) :] for must in row]
    return 1 + len(FIELDS) * len(rows), wrong


def fits(must: object, found: object) -> bool:
    return found in must if isinstance(must, dict) else found == must


@pytest.mark.parametrize(
    ("alerts", "told", "misses"),
    [
        ([{"alert_type": "A", "severity": "info", "status": "firing"}], "", 0),
        ([{"alert_type": "B", "severity": "info", "status": "firing"}], "", 1),
        ([], "rejected, bad_payload: x", 6),
        ([{"alert_type": "A", "severity": "info", "status": "firing"}] * 2, "", 1),
    ],
    ids=["right", "another type", "rejected", "one too many"],
)
def test_the_comparison_sees_what_is_wrong(alerts: Any, told: str, misses: int) -> None:
    expected = {"alerts": [[{"A": None, "C": None}, "info", "firing", None, None]]}
    fields, wrong = compared(expected, alerts, told)
    assert (fields, len(wrong)) == (6, misses)

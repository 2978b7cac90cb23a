"""What commands print of a given answer."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from awoooi import record
from awoooi.doctor import show
from awoooi.findings import Finding, Verdict
from awoooi.printing import print_table
from awoooi.settings import Settings


def incident(project: str) -> dict[str, object]:
    named = dict.fromkeys(record.SHOWN, "x")
    return {**named, "opened_at": datetime(2026, 1, 1, tzinfo=UTC), "project_id": project}


@pytest.mark.parametrize(
    ("projects", "is_shown"), [(["a", "a"], False), (["a", "b"], True)], ids=["one", "two"]
)
def test_incidents_name_the_project_where_there_are_several(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], projects: list[str], is_shown: bool
) -> None:
    monkeypatch.setattr(record, "_asked", lambda *_: [incident(project) for project in projects])

    record.incidents(Settings.model_construct(), "", "", 10, as_json=False)

    assert ("project_id" in capsys.readouterr().out) is is_shown


def test_the_doctor_tells_what_needs_somebody_last(capsys: pytest.CaptureFixture[str]) -> None:
    show(
        [
            Finding("topics", Verdict.WRONG, "missing", "make them"),
            Finding("disk", Verdict.OK, "free"),
            Finding("keys", Verdict.WARNING, "odd"),
        ]
    )

    lines = [line.split()[0] if line else "" for line in capsys.readouterr().out.splitlines()]
    assert lines == ["ok", "", "warning", "", "wrong", "→", "", "1"]


def test_a_table_of_foreign_names_steers_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("name", "n"), [("\x1b[2Jx\u202e", "1"), ("a", "2")])

    assert capsys.readouterr().out == "name            n\n\\x1b[2Jx\\u202e  1\na               2\n"

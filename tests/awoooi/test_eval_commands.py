from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from awoooi.cli import app
from schemas.errors import Unreadable
from tests.measured import measured as reference

LINES = [
    {"text": "rm -rf /data", "label": "deny", "scope": "core", "source": "hand-written", "kind": "shell"},
    {"text": "kubectl get pods", "label": "allow", "scope": "core", "source": "somewhere", "kind": "kubectl"},
    {"text": "kubectl delete pod x", "label": "review", "scope": "core", "source": "x", "remediation": True},
]


def measured(tmp_path: Path, lines: list[dict[str, object]], *options: str) -> tuple[int, str]:
    file = tmp_path / "commands.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)) + "\n\n")
    result = CliRunner().invoke(app, ["eval", "commands", str(file), *options])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_good_rules_pass(tmp_path: Path) -> None:
    status, output = measured(tmp_path, LINES)

    assert status == 0
    assert "deny, core, hand-written   100.0 % (1 of 1, 95 % interval 20.7 to 100.0 %)" in output
    assert "PASS" in output


@pytest.mark.parametrize(
    "line",
    [
        {"text": "ls", "label": "deny", "scope": "core", "source": "hand-written"},
        {"text": "rm -rf /x", "label": "allow"},
        {"text": "rm -rf /y", "label": "review", "remediation": True},
    ],
    ids=["a miss", "a false alarm", "a refused fix"],
)
def test_bad_figures_fail(line: dict[str, object], tmp_path: Path) -> None:
    status, output = measured(tmp_path, [*LINES, line])

    assert status == 1
    assert "judged against their label" in output


def test_programs_get_every_figure_and_every_wrong_line(tmp_path: Path) -> None:
    status, output = measured(tmp_path, [*LINES, {"text": "ls", "label": "deny"}], "--json")
    found = json.loads(output)

    assert (status, found["passes"]) == (1, False)
    assert found["all"]["deny, core, hand-written"]["hits"] == 1
    assert found["wrong"] == [
        {"text": "ls", "groups": ["deny, core, hand-written"], "kind": "shell", "rules": []}
    ]
    halves = [
        found[half].get("deny, core, hand-written", {"of": 0})["of"] for half in ("held_out", "developed_on")
    ]
    assert sum(halves) == 2


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "line 1: not JSON"),
        ("[]", "line 1: not an object"),
        ('{"text": "ls"}', "line 1: needs text and a label"),
    ],
)
def test_a_broken_file_is_named(content: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "broken.jsonl"
    file.write_text(content)
    with pytest.raises(Unreadable, match=says):
        CliRunner().invoke(app, ["eval", "commands", str(file)], catch_exceptions=False)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="cannot be read"):
        CliRunner().invoke(app, ["eval", "commands", str(tmp_path / "none")], catch_exceptions=False)


def test_the_reference_lines_are_judged_as_well_as_they_must_be(tmp_path: Path) -> None:
    status, output = measured(tmp_path, reference("safety/commands.jsonl"))

    assert status == 0, output

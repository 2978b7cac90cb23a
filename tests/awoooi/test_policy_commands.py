"""`awoooi policy`: checked, explained and tested without a broker, as the documents tell it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from awoooi.cli import app
from schemas.errors import Misconfigured
from streams.policy.policy import SHIPPED

DOCUMENT = (Path(__file__).parents[2] / "docs" / "policy.md").read_text()
[CASES] = re.findall(r"```yaml\n(cases:.*?)```", DOCUMENT, re.DOTALL)


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["policy", *words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_the_shipped_one_is_in_order() -> None:
    status, told = run("check", str(SHIPPED))

    assert status == 0
    assert "version 1, 1 rules, 0 freezes: in order" in told


def test_a_wrong_one_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(SHIPPED.read_text().replace("SET_RESOURCES: {risk: HIGH}", "SET_RESOURCES: {}"))

    with pytest.raises(
        Misconfigured, match=r"policy.yaml:\d+: operations.SET_RESOURCES.risk: it is missing; allow"
    ):
        run("check", str(file))


def test_what_follows_of_it_is_told_with_every_reason() -> None:
    status, told = run("explain", "RESTART_DEPLOYMENT", "namespace=kube-system", "trust=10", "model=.nan")

    assert status == 0
    assert "APPROVAL_REQUIRED, by rules.system-namespaces" in told
    assert "risk HIGH, after trust of 10: MEDIUM" in told
    assert "model: no number from 0 to 1" in told


def test_a_name_that_there_is_not_is_told() -> None:
    with pytest.raises(Misconfigured, match=r"no such field \(did you mean namespace\?\)"):
        run("explain", "DELETE_POD", "namespce=shop")


def test_the_documents_cases_are_as_expected(tmp_path: Path) -> None:
    file = tmp_path / "cases.yaml"
    file.write_text(CASES)
    assert run("test", str(file))[0] == 0

    file.write_text(CASES.replace("signatures: 1", "signatures: 2"))
    status, told = run("test", str(file))
    assert status == 1
    assert "signatures is 1, expected 2" in told

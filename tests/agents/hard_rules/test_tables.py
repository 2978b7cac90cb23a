"""Hundreds of lines written by hand: what must be refused in any disguise, and what only looks like it."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.hard_rules import judge

HERE = Path(__file__).parent


def lines(name: str) -> list[str]:
    listed = (HERE / name).read_text().split("\n")
    return [line.replace("␤", "\n") for line in listed if line and not line.startswith("%%")]


@pytest.mark.parametrize("text", lines("refused.txt"))
def test_is_refused(text: str) -> None:
    assert judge(text).denied


@pytest.mark.parametrize("text", lines("allowed.txt"))
def test_is_let_pass(text: str) -> None:
    assert [hit.why for hit in judge(text)] == []


@pytest.mark.parametrize(
    "wrapper", ["sudo {}", "env A=1 {}", "nohup {} &", "(cd / && {})", "if true; then {}; fi"]
)
@pytest.mark.parametrize("text", ["kubectl delete ns prod", "rm -rf /data", "psql -c 'DROP TABLE t'"])
def test_is_refused_in_every_wrapper(wrapper: str, text: str) -> None:
    if wrapper.startswith(("sudo", "env", "nohup")) or "{}" in wrapper:
        assert judge(wrapper.replace("{}", text)).denied


@pytest.mark.parametrize("text", ["kubectl get pods", "rm /tmp/x", "psql -c 'SELECT 1'", "ls -la"])
@pytest.mark.parametrize(
    "wrapper", ["sudo {}", "env A=1 {}", "nohup {} &", "(cd / && {})", "if true; then {}; fi"]
)
def test_is_let_pass_in_every_wrapper(wrapper: str, text: str) -> None:
    assert not judge(wrapper.replace("{}", text)).denied

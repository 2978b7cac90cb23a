"""Playbooks as files: what is shipped, and what a wrong one is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from agents.hard_rules import judge
from agents.playbooks.book import SHIPPED, load_book
from agents.playbooks.words import holds, weight, words_of
from schemas.errors import Misconfigured
from schemas.operations import SHAPES, Operation

GOOD = """\
name: a-thing-hangs
title: A thing hangs
family: hang
match:
  alert_types: [thing hangs]
hypotheses:
  - cause: "the thing {service} hangs"
    confidence: 0.5
actions:
  - operation: RESTART_DEPLOYMENT
    target: workload
    description: "Restart {target}"
    expected_effect: "{target} moves again"
    risk: MEDIUM
"""


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def test_at_least_twenty_five_are_shipped_and_each_is_whole():
    book = load_book()

    assert len(book.playbooks) >= 25
    families = {playbook.family for playbook in book.playbooks}
    assert families >= {
        *("crash_loop", "memory", "image", "scheduling", "not_ready", "rollout", "job", "disk", "quota"),
        *("node", "cpu", "network", "database_down", "connections", "replication", "slow_queries"),
        *("deadlocks", "queue", "consumer", "certificate", "latency", "errors", "saturation"),
    }
    for playbook in book.playbooks:
        assert playbook.hypotheses
        for action in playbook.actions:
            assert action.risk.rank >= SHAPES[action.operation].floor.rank
            assert not any(judge(text).denied for text in action.runs)


def test_no_shipped_playbook_destroys_or_drains():
    offered = {action.operation for playbook in load_book().playbooks for action in playbook.actions}

    assert offered.isdisjoint({Operation.DELETE_PVC, Operation.DRAIN_NODE, Operation.RUN_COMMAND})


def test_a_folder_of_ones_own_comes_beside_the_shipped(tmp_path):
    (tmp_path / "own.yml").write_text(f"{GOOD}---\n{changed('a-thing-hangs', 'another-thing')}")
    (tmp_path / "notes.txt").write_text("not a playbook")
    book = load_book([tmp_path])

    assert len(book.playbooks) == len(load_book().playbooks) + 2
    assert book.files["another-thing"] == tmp_path / "own.yml"


WRONG: dict[str, tuple[str, int, str]] = {
    "an unknown word": (changed("family:", "famly: x\nfamily:"), 3, "famly"),
    "an unknown operation": (changed("RESTART_DEPLOYMENT", "RESTART_EVERYTHING"), 10, "operation"),
    "an undo that is proposed": (
        changed("RESTART_DEPLOYMENT\n    target: workload", "RESTORE_PVC\n    target: pvc"),
        10,
        "it is not proposed",
    ),
    "a query that compares nothing": (
        changed("    risk:", "    verification: up\n    risk:"),
        14,
        "no comparison",
    ),
    "a risk below the floor": (changed("risk: MEDIUM", "risk: LOW"), 10, "never below MEDIUM"),
    "an operation without its target": (changed("    target: workload\n", ""), 10, "needs a target"),
    "a parameter that is not its own": (
        changed("    risk:", "    parameters: {replicas: 3}\n    risk:"),
        10,
        "takes no replicas",
    ),
    "a confidence beyond what words can bear": (changed("0.5", "0.9"), 8, "0.7"),
    "no hypothesis": (
        changed('hypotheses:\n  - cause: "the thing {service} hangs"\n    confidence: 0.5', "hypotheses: []"),
        6,
        "at least 1",
    ),
    "a placeholder that nothing fills": (changed("{service}", "{servise}"), 1, "{servise}"),
    "a match of nothing": (
        changed("match:\n  alert_types: [thing hangs]", "match: {}"),
        4,
        "matches nothing",
    ),
    "a fact that asks nothing": (
        changed("    confidence: 0.5", "    confidence: 0.5\n    supported_by: [{kinds: pod}]"),
        9,
        "a fact needs",
    ),
    "a cure of what is not there": (changed("    risk:", "    cures: 4\n    risk:"), 1, "hypothesis 4 of 1"),
    "no YAML": (changed("match:", "match: ]"), 4, "no YAML"),
    "a list": ("- a\n- b\n", 1, "dictionary"),
}


@pytest.mark.parametrize(("text", "line", "told"), WRONG.values(), ids=list(WRONG))
def test_a_wrong_playbook_stops_the_start_with_file_and_line(text, line, told, tmp_path):
    file = tmp_path / "wrong.yaml"
    file.write_text(text)
    with pytest.raises(Misconfigured) as error:
        load_book([tmp_path])

    assert f"{file}:{line}" in str(error.value)
    assert told in str(error.value)


def _twice(folder: Path) -> Path:
    (folder / "own.yaml").write_text(GOOD + "---\n" + GOOD)
    return folder


def _large(folder: Path) -> Path:
    (folder / "own.yaml").write_text(GOOD + "#" * 300_000)
    return folder


def _binary(folder: Path) -> Path:
    (folder / "own.yaml").write_bytes(b"\xff\xfe\x00")
    return folder


PLACES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "one name twice": (_twice, "stands in"),
    "a file too large": (_large, "over 262144 bytes"),
    "no text": (_binary, "cannot be read"),
    "no such place": (lambda folder: folder / "nowhere", "neither a file nor a folder"),
}


@pytest.mark.parametrize(("make", "told"), PLACES.values(), ids=list(PLACES))
def test_a_place_that_cannot_be_read_is_told(make, told, tmp_path):
    with pytest.raises(Misconfigured, match=told):
        load_book([make(tmp_path)])


def test_shipped_files_are_plain_yaml():
    for file in SHIPPED.glob("*.yaml"):
        assert all(isinstance(document, dict) for document in yaml.safe_load_all(file.read_text()))


WORDS = {
    "KubePodCrashLooping": ("kube", "pod", "crash", "looping"),
    "kube_pod-crash looping": ("kube", "pod", "crash", "looping"),
    "ContainerOOMKilled": ("container", "oom", "killed"),
    "HTTP5xxRateHigh": ("http", "5", "xx", "rate", "high"),
    "": (),
}


@pytest.mark.parametrize(("name", "words"), WORDS.items())
def test_names_fall_into_words_however_they_are_written(name, words):
    assert words_of(name) == words


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("crash loop", "KubePodCrashLooping", True),
        ("crashloop", "CrashLoopBackOff", True),
        ("pod memory", "MemoryHighOfPod", True),
        ("oom", "RoomTemperature", False),
        ("5xx", "http_5xx_ratio", True),
        ("replication lag", "PostgresqlReplicationLag", True),
        ("node down", "NodeDownload", True),
        ("queue", "", False),
    ],
)
def test_a_pattern_is_found_by_the_beginnings_of_words(pattern, name, fits):
    assert bool(weight(pattern, name)) == fits


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("OOMKilled", "last ended OOMKilled, exit code 137", True),
        ("Back-off", "BackOff", True),
        ("not ready", "the pod is ready, not", False),
        ("not ready", "network is not ready yet", True),
        ("Insufficient cpu", "0/3 nodes: 3 Insufficient cpu.", True),
        ("denied", "nothing", False),
        ("", "anything", False),
    ],
)
def test_a_phrase_is_found_in_its_order(phrase, text, found):
    assert holds(phrase, text) == found

"""Values out of objects that hold anything at all."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.evidence import Finding
from connectors.kubernetes import kinds, places, pods, reading, workloads
from connectors.kubernetes.pods import Tally

NOW = 1_800_000_000_000
KEYS = [
    *("metadata", "status", "spec", "name", "namespace", "labels", "ownerReferences", "conditions", "type"),
    *("containerStatuses", "initContainerStatuses", "state", "lastState", "waiting", "terminated", "reason"),
    *(
        "restartCount",
        "exitCode",
        "finishedAt",
        "template",
        "containers",
        "image",
        "replicas",
        "taints",
        "key",
    ),
    *(
        "creationTimestamp",
        "annotations",
        "endpoints",
        "involvedObject",
        "message",
        "count",
        "series",
        "capacity",
    ),
]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
WORDS = st.sampled_from(["True", "False", "2026-11-21T00:00:00Z", "5Gi", "Ready", "9" * 400, "٣"])
OBJECTS = st.recursive(
    SCALARS | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=30,
)


def tallied(obj: Any, now: int) -> Finding:
    tally = Tally()
    tally.take([obj, obj])
    return tally.finding(kinds.DEPLOYMENT, "api", now)


@given(st.dictionaries(st.sampled_from(KEYS), OBJECTS))
def test_no_object_is_too_odd(obj: dict[str, Any]) -> None:
    found = [
        pods.pod(obj, NOW),
        tallied(obj, NOW),
        places.node(obj, NOW),
        places.pvc(obj, NOW),
        places.service(obj, [obj], NOW),
        *places.latest([obj], NOW),
        *(workloads.workload(kind, obj, NOW) for kind in kinds.WORKLOADS),
        workloads.image_change(kinds.DEPLOYMENT, obj, [(1, obj), (2, obj)], NOW),
    ]
    for finding in found:
        assert finding is not None
        assert all(isinstance(value, str) for value in finding.words.values())
        assert all(isinstance(value, int | float) for value in finding.numbers.values())
        assert len(finding.text) <= 500


@pytest.mark.parametrize(
    ("told", "number"),
    [
        ("5Gi", 5 * 1024**3),
        ("10G", 10**10),
        ("128974848", 128974848),
        ("250m", 0.25),
        ("1.5Ki", 1536),
        ("1e3", 1000),
        ("", None),
        ("Gi", None),
        ("5Zi", None),
        ("NaN", None),
        ("9" * 400, None),
        ("1e999999999", None),
        ("many", None),
    ],
)
def test_a_quantity(told: str, number: float | None) -> None:
    assert reading.quantity(told) == number


@pytest.mark.parametrize(
    ("told", "millis"),
    [
        ("1970-01-01T00:00:01Z", 1000),
        ("1970-01-01T00:00:01.500000Z", 1500),
        ("1970-01-01T01:00:01+01:00", 1000),
        ("yesterday", None),
        ("", None),
        (5, None),
        (None, None),
    ],
)
def test_a_time(told: Any, millis: int | None) -> None:
    assert reading.millis({"at": told}, "at") == millis


@pytest.mark.parametrize(
    ("secs", "told"),
    [(None, "unknown"), (5, "5 s"), (119, "119 s"), (180, "3 min"), (7200, "2 h"), (200_000, "2 d")],
)
def test_an_age(secs: float | None, told: str) -> None:
    assert reading.age(secs) == told


@pytest.mark.parametrize(
    ("told", "is_one"),
    [
        ("api-1", True),
        ("a.b-c", True),
        ("A1", True),
        ("..", False),
        ("a/b", False),
        ("a,b", False),
        ("", False),
    ],
)
def test_a_name(told: str, is_one: bool) -> None:
    assert kinds.is_name(told) is is_one


def test_a_pod_that_has_done_its_work_is_not_ill() -> None:
    done = {"status": {"phase": "Succeeded", "containerStatuses": [{"name": "c", "ready": False}]}}

    assert pods.why_not_ready(done) == ""


def test_a_pod_that_cannot_be_placed_says_why() -> None:
    told = "0/3 nodes are available: 3 Insufficient memory."
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": told}
    pending = {"metadata": {"name": "p"}, "status": {"phase": "Pending", "conditions": [condition]}}

    assert pods.why_not_ready(pending) == "Unschedulable"
    assert told in pods.pod(pending, NOW).text


def test_a_deployment_that_does_not_get_on_says_why() -> None:
    condition = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    stuck = {
        "metadata": {"name": "d"},
        "spec": {"replicas": 3, "paused": True},
        "status": {"conditions": [condition]},
    }

    seen = workloads.workload(kinds.DEPLOYMENT, stuck, NOW)

    assert seen.words["reason"] == "ProgressDeadlineExceeded"
    assert seen.words["paused"] == "true"
    assert seen.numbers["unavailable_replicas"] == 3

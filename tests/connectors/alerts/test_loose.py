from __future__ import annotations

import math
from typing import Any

import pytest

from connectors.alerts.loose import (
    _fold,
    flat,
    fold,
    folded,
    graded,
    host_of,
    numbers,
    said,
    tags,
    whereabouts,
)
from connectors.alerts.vocabulary import _remembered, without_state
from schemas.errors import BadPayload


@pytest.mark.parametrize(
    "name", ["monitorFriendlyName", "monitor_friendly_name", "MONITOR.FRIENDLY-NAME", "Monitor Friendly Name"]
)
def test_names_are_folded(name: str) -> None:
    assert fold(name) == "monitorfriendlyname"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (" a ", "a"),
        (" ", None),
        (7, "7"),
        (1.5, "1.5"),
        (True, "true"),
        (None, None),
        (math.nan, None),
        (10**400, None),
        ([], None),
        ({}, None),
    ],
    ids=repr,
)
def test_what_is_said(value: Any, text: str | None) -> None:
    assert said(value) == text


def test_leaves_by_their_path_no_deeper_than_asked() -> None:
    item = {"a": {"b": {"c": 1}, "d": "x"}, "e": [1, "y", None, {}], "f": None}
    assert flat(item) == {"a.b.c": "1", "a.d": "x", "e": "1, y"}
    assert flat(item, 2) == {"a.d": "x", "e": "1, y"}
    assert folded(item, 1) == {"e": "1, y"}


def test_no_more_labels_than_an_alert_may_have() -> None:
    assert len(flat({str(i): i for i in range(5_000)})) == 100


def test_only_numbers_are_metrics() -> None:
    assert numbers({"a": 1, "b": "2", "c": True, "d": math.inf, "e": 1.5}) == {"a": 1, "e": 1.5}


@pytest.mark.parametrize(
    ("value", "labels"),
    [
        (None, {}),
        ("team:shop, pager", {"team": "shop", "tags": "pager"}),
        (
            ["team:shop", "team:web", "a", "b", ":", "url:http://x"],
            {"team": "shop", "tags": "a, b, :", "url": "http://x"},
        ),
        (["zone=eu", 7, None], {"zone": "eu", "tags": "7"}),
        ([{"key": "team", "value": "shop"}, {"name": "pager"}], {"team": "shop", "tags": "pager"}),
        ({"team": "shop", "n": 1, "deep": {}}, {"team": "shop", "n": "1"}),
    ],
    ids=repr,
)
def test_tags(value: Any, labels: dict[str, str]) -> None:
    assert tags({"tags": value}, "tags", "") == labels


def test_tags_of_another_type_are_refused() -> None:
    with pytest.raises(BadPayload, match=r"x\.tags"):
        tags({"tags": 7}, "tags", "x")


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({}, (None, None, None, None)),
        ({"k8s.pod.name": "a", "k8s.ns.name": "n"}, ("a", "pod", "n", None)),
        ({"kubernetes.node.name": "a", "kube_cluster_name": "c"}, ("a", "node", None, "c")),
        ({"kube_deployment": "a", "kube_namespace": "n"}, ("a", "deployment", "n", None)),
        ({"pod_name": "a", "host": "h"}, ("a", "pod", None, None)),
        ({"host.name": "h"}, ("h", "host", None, None)),
        ({"job": "node-exporter"}, (None, None, None, None)),
        ({"job_name": "nightly"}, ("nightly", "job", None, None)),
        ({"serviceName": "cart"}, ("cart", "service", None, None)),
    ],
    ids=repr,
)
def test_whereabouts(labels: dict[str, str], expected: tuple[str | None, ...]) -> None:
    assert whereabouts(labels) == expected


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://shop.example/checkout?x=1", "shop.example"),
        ("https://user:secret@shop.example:8443/", "shop.example"),
        ("shop.example:25", "shop.example"),
        ("shop.example", "shop.example"),
        ("http://[2001:db8::1]:80/", "2001:db8::1"),
        ("192.0.2.1", "192.0.2.1"),
        ("not an address", "not an address"),
        ("", None),
        (None, None),
    ],
)
def test_the_host_of_an_address(address: str | None, host: str | None) -> None:
    assert host_of(address) == host


@pytest.mark.parametrize(
    ("word", "severity"),
    [("Major", "critical"), ("medium", "warning"), ("low", "info"), (None, "warning"), ("SEV-1", "critical")],
)
def test_grades(word: str | None, severity: str) -> None:
    assert graded(word) == severity


def test_what_a_sender_writes_long_is_not_remembered() -> None:
    kept = _fold.cache_info().currsize, _remembered.cache_info().currsize
    assert fold("a" * 201) == ""
    assert without_state("RESOLVED: " + "a" * 300) == "a" * 300
    assert kept == (_fold.cache_info().currsize, _remembered.cache_info().currsize)

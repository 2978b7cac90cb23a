"""Names out of alerts: pods that are gone, addresses, labels of exporters."""

from __future__ import annotations

import pytest

from connectors.kubernetes.subject import hosts, is_address, loose, namespace, outright, owners_by_name
from connectors.kubernetes.subject import without_port as bare
from tests.connectors.kubernetes.worlds import wanted


@pytest.mark.parametrize(
    ("pod", "owners"),
    [
        ("api-7c9f8d6b54-x2x4l", ["api", "api-7c9f8d6b54"]),
        ("db-0", ["db"]),
        ("db-12", ["db"]),
        ("node-exporter-x2x4l", ["node-exporter"]),
        ("nightly-28391040-abcde", ["nightly", "nightly-28391040"]),
        ("api", []),
        ("my-shop", []),
        ("-0", []),
    ],
)
def test_a_pods_name_tells_its_owner(pod: str, owners: list[str]) -> None:
    assert owners_by_name(pod) == owners


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("10.0.0.1:9100", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.1"),
        ("node-1.example:9100", "node-1.example"),
        ("[2001:db8::1]:9100", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("http://x", "http://x"),
        (":9100", ":9100"),
        ("", ""),
    ],
)
def test_an_address_without_its_port(address: str, host: str) -> None:
    assert bare(address) == host


@pytest.mark.parametrize(
    ("told", "is_one"), [("10.0.0.1", True), ("::1", True), ("node-1", False), ("", False)]
)
def test_an_address(told: str, is_one: bool) -> None:
    assert is_address(told) is is_one


def test_the_target_stands_before_the_labels() -> None:
    alert = wanted("deployment", "api", labels={"pod": "api-1", "node": "n", "job": "scrape"})

    assert [(name.kind.word, name.name) for name in outright(alert)] == [
        ("deployment", "api"),
        ("pod", "api-1"),
        ("node", "n"),
    ]


def test_what_prometheus_renamed_is_the_thing_itself() -> None:
    labels = {
        "pod": "exporter",
        "exported_pod": "api-1",
        "namespace": "monitoring",
        "exported_namespace": "shop",
    }
    alert = wanted("pod", "exporter", namespace="monitoring", labels=labels)

    assert [name.name for name in outright(alert)] == ["api-1"]
    assert namespace(alert) == "shop"
    assert "exporter" not in loose(alert)


def test_loose_names_and_hosts() -> None:
    alert = wanted("service", "shop", labels={"app": "basket", "instance": "10.0.0.1:80", "container": "c"})

    assert list(loose(alert)) == ["shop", "basket", "c"]
    assert list(hosts(alert)) == ["10.0.0.1"]

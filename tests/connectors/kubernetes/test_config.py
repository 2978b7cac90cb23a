"""Which cluster serves which name: never one in another's place."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from connectors.evidence import Unavailable
from connectors.kubernetes.client import Clusters
from connectors.kubernetes.config import KubernetesConfig, Place

ONE = {"default": "/k/one"}
TWO = {"prod": "/k/prod", "stage": "/k/all#stage"}
ANY = {"prod": "/k/prod", "*": "/k/rest"}


@pytest.mark.parametrize(
    ("clusters", "cluster", "served_by"),
    [
        (ONE, "default", "default"),
        (ONE, "", "default"),
        ({"prod": "/k"}, "default", "prod"),
        (TWO, "stage", "stage"),
        ({**TWO, "default": "/k"}, "default", "default"),
        (ANY, "prod", "prod"),
        (ANY, "never heard of", "*"),
        (ANY, "default", "*"),
    ],
)
def test_a_name_is_served(clusters: dict[str, str], cluster: str, served_by: str) -> None:
    assert KubernetesConfig(clusters=clusters).pick(cluster) == served_by


@pytest.mark.parametrize(
    ("clusters", "cluster", "reason"),
    [
        ({}, "default", "no cluster is configured"),
        (ONE, "prod", "cluster 'prod' is not configured; there are: default"),
        (TWO, "prod-2", "there are: prod, stage"),
        (TWO, "default", "the alert names no cluster, and there are several: prod, stage"),
        (TWO, "", "names no cluster"),
    ],
)
def test_a_name_that_nothing_serves(clusters: dict[str, str], cluster: str, reason: str) -> None:
    with pytest.raises(Unavailable, match=reason):
        KubernetesConfig(clusters=clusters).pick(cluster)


@pytest.mark.parametrize(
    ("told", "place"),
    [
        ("in-cluster", Place(None)),
        ("/etc/k", Place(Path("/etc/k"))),
        ("/etc/k#prod", Place(Path("/etc/k"), "prod")),
    ],
)
def test_a_place(told: str, place: Place) -> None:
    assert Place.read(told) == place
    assert str(place) == told


@pytest.mark.parametrize("clusters", [{"a b": "/k"}, {"": "/k"}, {"a": ""}, {"a": "#context"}, {"**": "/k"}])
def test_what_is_no_cluster_stops_the_start(clusters: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        KubernetesConfig(clusters=clusters)


def test_one_client_a_cluster() -> None:
    clusters = Clusters(KubernetesConfig(clusters=TWO))

    assert clusters.of("prod") is clusters.of("prod")
    assert clusters.of("prod") is not clusters.of("stage")
    assert list(clusters.all()) == ["prod", "stage"]

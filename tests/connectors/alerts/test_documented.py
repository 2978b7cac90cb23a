"""The lengths and names in docs/sources.md are the ones in the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.alerts import limits
from connectors.alerts.registry import BUILT_IN
from connectors.alerts.vocabulary import RESOURCES

PAGE = (Path(__file__).parents[3] / "docs" / "sources.md").read_text()


@pytest.mark.parametrize(
    ("part", "limit", "unit"),
    [
        ("message", limits.MESSAGE, " characters"),
        ("description, an annotation", limits.DESCRIPTION, " characters"),
        ("description, an annotation", limits.ANNOTATION, " characters"),
        ("a label's value", limits.LABEL, " characters"),
        ("generator_url", limits.GENERATOR_URL, " characters"),
        ("target_resource", limits.TARGET_RESOURCE, " characters"),
        ("alert_type, namespace, cluster", limits.ALERT_TYPE, " characters"),
        ("alert_type, namespace, cluster", limits.NAMESPACE, " characters"),
        ("alert_type, namespace, cluster", limits.CLUSTER, " characters"),
        ("name of a label, annotation or metric; a metric that is text", limits.NAME, " characters"),
        ("name of a label, annotation or metric; a metric that is text", limits.METRIC, " characters"),
        ("source", limits.SOURCE, " characters"),
        ("labels, annotations, metrics", limits.MAX_LABELS, " each"),
        ("labels, annotations, metrics", limits.MAX_ANNOTATIONS, " each"),
        ("labels, annotations, metrics", limits.MAX_METRICS, " each"),
    ],
)
def test_a_length_is_documented(part: str, limit: int, unit: str) -> None:
    assert f"| {part} | {limit:,}{unit} |" in PAGE


def test_the_largest_record_is_documented() -> None:
    assert f"at most {limits.MAX_ALERTS:,} alerts" in PAGE


def test_every_source_and_resource_is_documented() -> None:
    assert all(f"| `{name}` |" in PAGE for name in BUILT_IN)
    assert ", ".join(f"`{name}`" for name, _ in RESOURCES) in PAGE

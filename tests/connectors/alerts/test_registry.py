from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any

import pytest

from connectors.alerts.detection import detect
from connectors.alerts.registry import BUILT_IN, GROUP, sources
from connectors.alerts.source import RawAlert, Source
from schemas.errors import Misconfigured


def nothing(payload: Any, received_at: int) -> list[RawAlert]:
    return []


def has_mine(payload: Any) -> bool:
    return isinstance(payload, dict) and "mine" in payload


MINE = Source("mine", nothing, has_mine)
MISNAMED = Source("other", nothing, has_mine)
HERE = "tests.connectors.alerts.test_registry"


def entry(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, value, GROUP)


def test_the_built_in_sources_need_no_installed_package() -> None:
    assert sources([]).keys() >= {"alertmanager", "grafana", "signoz", "awoooi"}
    assert all(name == source.name for name, source in BUILT_IN.items())


def test_a_third_party_adds_a_source() -> None:
    found = sources([entry("mine", f"{HERE}:MINE")])
    assert found["mine"] is MINE
    assert detect({"mine": 1}, found) is MINE


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("mine", "no.such.module:SOURCE", "cannot be loaded: ModuleNotFoundError"),
        ("mine", f"{HERE}:NO_SUCH_NAME", "cannot be loaded: AttributeError"),
        ("mine", f"{HERE}:HERE", "must be a connectors.alerts.source.Source, not str"),
        ("mine", f"{HERE}:MISNAMED", "calls itself 'other'"),
        ("grafana", f"{HERE}:MINE", "the name is taken by a built-in"),
        ("auto", f"{HERE}:MINE", "the name is taken by a built-in"),
        ("My Source", f"{HERE}:MINE", "a source's name is small letters, digits"),
    ],
    ids=["no module", "no name", "no source", "another name", "a built-in's name", "auto", "an odd name"],
)
def test_a_broken_entry_point_stops_with_its_name(name: str, value: str, says: str) -> None:
    with pytest.raises(Misconfigured) as stopped:
        sources([entry(name, value)])
    assert f"{name!r} ({value})" in str(stopped.value)
    assert says in str(stopped.value)


def test_two_packages_may_not_bring_one_name() -> None:
    twice = [entry("mine", f"{HERE}:MINE"), entry("mine", f"{HERE}:MINE")]
    with pytest.raises(Misconfigured, match="the name is taken by another source"):
        sources(twice)

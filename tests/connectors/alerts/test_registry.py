from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any

import pytest

from connectors.alerts.registry import BUILT_IN, GROUP, detect, sources
from connectors.alerts.source import RawAlert, Source
from schemas.errors import BadPayload, Misconfigured
from tests.connectors.alerts.payloads import payload


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
    assert sources([]).keys() == {"alertmanager", "grafana", "signoz", "awoooi"}
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
    ],
    ids=["no module", "no name", "no source", "another name", "a built-in's name"],
)
def test_a_broken_entry_point_stops_with_its_name(name: str, value: str, says: str) -> None:
    with pytest.raises(Misconfigured) as stopped:
        sources([entry(name, value)])
    assert f"{name!r} ({value})" in str(stopped.value)
    assert says in str(stopped.value)


def test_a_more_special_source_goes_before_alertmanager() -> None:
    shape = payload("alertmanager", "firing") | {"mine": 1}
    assert detect(shape, sources([entry("mine", f"{HERE}:MINE")])) is MINE


def test_two_special_sources_contradict() -> None:
    shape = payload("grafana", "firing") | {"mine": 1}
    with pytest.raises(BadPayload, match="fits more than one source: grafana, mine"):
        detect(shape, sources([entry("mine", f"{HERE}:MINE")]))

"""What every alert source keeps, built-in or not: detection, purity, and no payload that crashes it."""

from __future__ import annotations

import copy
import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.alerts.detection import detect
from connectors.alerts.limits import MAX_ALERTS
from connectors.alerts.registry import BUILT_IN, sources
from connectors.alerts.source import RawAlert, Source
from schemas.alert import AlertStatus, ResourceType, Severity
from schemas.errors import BadPayload
from tests.connectors.alerts.payloads import RECEIVED_AT, names, payload

ALL = sources([])
FIXTURES = [(source, name) for source, name in names() if source in ALL]
PAIRS = [
    (source, firing, firing.replace("firing", "resolved"))
    for source, firing in FIXTURES
    if firing.endswith("firing")
]

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.sampled_from(
        [10**400, -1, math.nan, math.inf, "\ud800", "", "firing", "2026-02-30T00:00:00Z", "x" * 5000]
    )
)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture(params=sorted(BUILT_IN))
def source(request: pytest.FixtureRequest) -> Source:
    return ALL[request.param]


@pytest.mark.parametrize(("name", "fixture"), FIXTURES)
def test_a_payload_is_detected_as_its_source(name: str, fixture: str) -> None:
    assert detect(payload(name, fixture), ALL).name == name


@pytest.mark.parametrize(("name", "fixture"), FIXTURES)
def test_no_other_source_takes_a_payload_for_its_own(name: str, fixture: str) -> None:
    """But the one whose shape is everyone's, which yields."""
    given = payload(name, fixture)
    assert [each.name for each in ALL.values() if each.detects(given) and not each.yields] in ([name], [])


@pytest.mark.parametrize(("name", "fixture"), FIXTURES)
def test_a_payload_is_read_into_whole_alerts(name: str, fixture: str) -> None:
    alerts = ALL[name].read(payload(name, fixture), RECEIVED_AT)
    assert alerts
    for alert in alerts:
        assert_whole(alert)


@pytest.mark.parametrize(("name", "fixture"), FIXTURES)
def test_reading_is_a_pure_function(name: str, fixture: str) -> None:
    given_payload = payload(name, fixture)
    before = copy.deepcopy(given_payload)
    first = ALL[name].read(given_payload, RECEIVED_AT)
    assert given_payload == before
    assert ALL[name].read(given_payload, RECEIVED_AT) == first


@pytest.mark.parametrize(("name", "firing", "resolved"), PAIRS)
def test_firing_and_resolved_are_the_same_alert(name: str, firing: str, resolved: str) -> None:
    (fired,) = ALL[name].read(payload(name, firing), RECEIVED_AT)
    (ended,) = ALL[name].read(payload(name, resolved), RECEIVED_AT)
    assert (fired.status, ended.status) == (AlertStatus.FIRING, AlertStatus.RESOLVED)
    assert identity(fired) == identity(ended)
    assert ended.fired_at in {None, fired.fired_at}  # some senders do not tell when what ended began
    assert fired.ends_at is None


@pytest.mark.parametrize(("name", "fixture"), FIXTURES)
def test_unknown_keys_are_tolerated(name: str, fixture: str) -> None:
    value = payload(name, fixture)
    known = ALL[name].read(value, RECEIVED_AT)
    assert ALL[name].read(with_unknown_keys(value), RECEIVED_AT) == known


@settings(max_examples=300, deadline=None)
@given(value=json_values)
def test_any_json_is_read_or_refused(value: Any) -> None:
    for source in ALL.values():
        assert_read_or_refused(source, value)


@settings(max_examples=600, deadline=None)
@given(data=st.data())
def test_a_payload_damaged_in_one_place_is_read_or_refused_by_field(data: st.DataObject) -> None:
    name, fixture = data.draw(st.sampled_from(FIXTURES))
    value = payload(name, fixture)
    path = data.draw(st.sampled_from(list(paths(value))))
    damaged = replaced(value, path, data.draw(json_values))
    assert_read_or_refused(ALL[name], damaged)


@pytest.mark.parametrize("shape", [[], {}, {"alerts": [{}]}, {"alerts": [None]}, "text", 7, None, True])
def test_what_fits_nothing_is_refused(shape: Any) -> None:
    with pytest.raises(BadPayload, match="fits no source"):
        detect(shape, ALL)


def test_a_deeply_nested_payload_is_refused(source: Source) -> None:
    deep: Any = "x"
    for _ in range(50_000):
        deep = [deep]
    for value in (deep, {"alerts": deep}, {"alerts": [{"labels": {"alertname": deep}, "alert_type": deep}]}):
        assert_read_or_refused(source, value)


@pytest.mark.parametrize("name", ["alertmanager", "awoooi", "grafana", "signoz"])
def test_a_record_of_too_many_alerts_is_refused(name: str) -> None:
    with pytest.raises(BadPayload, match=f"at most {MAX_ALERTS}"):
        ALL[name].read({"alerts": [{}] * (MAX_ALERTS + 1)}, RECEIVED_AT)


def identity(alert: RawAlert) -> tuple[str, str | None, str | None]:
    return alert.alert_type, alert.namespace, alert.target_resource


def assert_whole(alert: RawAlert) -> None:
    assert alert.alert_type
    assert alert.message
    assert alert.source
    assert isinstance(alert.severity, Severity)
    assert isinstance(alert.status, AlertStatus)
    assert alert.resource_type is None or isinstance(alert.resource_type, ResourceType)
    for texts in (alert.labels, alert.annotations):
        assert all(isinstance(part, str) for pair in texts.items() for part in pair)
    for number in alert.metrics.values():
        assert isinstance(number, str | bool) or math.isfinite(number)
    for moment in (alert.fired_at, alert.ends_at):
        assert moment is None or 0 <= moment < 7_258_118_400_000  # the year 2200


def assert_read_or_refused(source: Source, value: Any) -> None:
    source.detects(value)
    try:
        alerts = source.read(value, RECEIVED_AT)
    except BadPayload as error:
        assert str(error)  # noqa: PT017 - both ways out are right
    else:
        for alert in alerts:
            assert_whole(alert)


def paths(value: Any, at: tuple[Any, ...] = ()) -> Any:
    yield at
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from paths(inner, (*at, key))


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    parent = value
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = new
    return value


def with_unknown_keys(value: Any) -> Any:
    """Unknown keys beside the known ones; in maps of free names (labels) they would be no unknown keys."""
    value = json.loads(json.dumps(value))
    for item in value if isinstance(value, list) else [value, *value.get("alerts", [])]:
        item["x-unknown"] = {"deep": [1, None]}
    return value

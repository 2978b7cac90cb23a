"""Rate, errors, latency, cpu and memory of services, now and before, whatever the metrics are called."""

from __future__ import annotations

import pytest

from connectors.evidence import Unavailable
from connectors.prometheus.fake import FakePrometheus, Samples
from connectors.prometheus.service_series import (
    BEFORE_MS,
    CHUNK,
    CONVENTIONS,
    LEAD_MS,
    LONGEST_NOW_MS,
    LOOK_SECS,
    MOST_SERVICES,
    Convention,
    ServiceMetrics,
    Windows,
    service_series,
)
from schemas.errors import NotNow
from tests.connectors.prometheus.support import MINUTE, NOW, client

OPENED = NOW - 5 * MINUTE
WINDOWS = Windows.around(OPENED, NOW)


def told(before: float, now: float) -> Samples:
    """An hour of one value, then ten minutes of another."""
    quiet = [(WINDOWS.before + number * MINUTE, before) for number in range(60)]
    return [*quiet, *((WINDOWS.since + number * MINUTE, now) for number in range(10))]


def requests(fake: FakePrometheus, convention: Convention, service: str, *, space: str = "shop") -> None:
    labels = {convention.label: service, "reporter": "destination"}
    if convention.namespace:
        labels[convention.namespace] = space
    fake.add(convention.requests, told(10, 20), **labels)
    fake.add(f"{convention.seconds}_sum", told(1, 9), **labels)


@pytest.mark.parametrize("convention", CONVENTIONS, ids=lambda convention: convention.requests)
async def test_each_convention_is_understood(convention: Convention) -> None:
    fake = FakePrometheus()
    requests(fake, convention, "cart")
    found = await service_series(client(fake), {"cart": "shop", "other": "shop"}, WINDOWS)
    assert found.keys() == {"cart"}
    assert list(found["cart"].rate.now) == [20.0] * 10
    assert list(found["cart"].rate.before) == [10.0] * 60
    assert list(found["cart"].latency.now) == [9.0] * 10


async def test_services_of_different_conventions_are_all_found() -> None:
    fake = FakePrometheus()
    names = [f"svc{number}" for number in range(len(CONVENTIONS))]
    for name, convention in zip(names, CONVENTIONS, strict=True):
        requests(fake, convention, name)
    found = await service_series(client(fake), dict.fromkeys(names, "shop"), WINDOWS)
    assert found.keys() == set(names)


async def test_the_same_name_in_another_namespace_is_another_service() -> None:
    fake = FakePrometheus()
    mesh = CONVENTIONS[0]
    requests(fake, mesh, "cart", space="staging")
    assert await service_series(client(fake), {"cart": "shop"}, WINDOWS) == {}
    assert (await service_series(client(fake), {"cart.staging": "staging"}, WINDOWS)).keys() == {
        "cart.staging"
    }


async def test_only_conventions_that_are_in_use_are_asked_for_and_that_is_looked_up_now_and_then() -> None:
    fake, seconds = FakePrometheus(), [0.0]
    metrics = ServiceMetrics(client(fake), clock=lambda: seconds[0])
    requests(fake, CONVENTIONS[1], "cart")
    assert (await metrics.read({"cart": "shop", "other": "shop"}, WINDOWS)).keys() == {"cart"}
    assert not [query for query in fake.asked if "istio" in query and "__name__" not in query]

    requests(fake, CONVENTIONS[0], "other")
    assert (await metrics.read({"cart": "shop", "other": "shop"}, WINDOWS)).keys() == {"cart"}
    seconds[0] = LOOK_SECS
    assert (await metrics.read({"cart": "shop", "other": "shop"}, WINDOWS)).keys() == {"cart", "other"}
    assert sum("__name__" in query for query in fake.asked) == 2


async def test_the_pods_of_a_service_are_added_up_and_the_longer_name_wins() -> None:
    fake = FakePrometheus()
    for pod in ("cart-5d9-aaaaa", "cart-5d9-bbbbb", "cart-db-0", "cartoon-5d9-aaaaa"):
        fake.add("container_memory_working_set_bytes", told(1, 2), namespace="shop", pod=pod, container="c")
    found = await service_series(client(fake), {"cart": "shop", "cart-db": "shop"}, WINDOWS)
    assert list(found["cart"].memory.now) == [4.0] * 10
    assert list(found["cart-db"].memory.now) == [2.0] * 10


async def test_many_services_are_asked_for_in_parts_and_no_more_than_the_bound() -> None:
    fake = FakePrometheus()
    await service_series(client(fake), {f"s{number}": "shop" for number in range(1000)}, WINDOWS)
    rates = [
        query for query in fake.asked if query.startswith("sum by (server) (rate(traces_service_graph_r")
    ]
    assert len(rates) == MOST_SERVICES // CHUNK
    assert sum(query.count("|") + 1 for query in rates) == MOST_SERVICES


@pytest.mark.parametrize("name", ['a"} or vector(1) or up{b="', "a|.*", ".*", "a\\"], ids=repr)
async def test_a_hostile_name_of_a_service_asks_for_nothing_but_itself(name: str) -> None:
    fake = FakePrometheus()
    for convention in CONVENTIONS:
        requests(fake, convention, "cart")
    fake.add("container_memory_working_set_bytes", told(1, 2), namespace="shop", pod="cart-0", container="c")
    assert await service_series(client(fake), {name: "shop"}, WINDOWS) == {}


async def test_a_server_that_is_away_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="nobody answers"):
        await service_series(client(FakePrometheus(broken=NotNow("nobody answers"))), {"a": ""}, WINDOWS)


@pytest.mark.parametrize("minutes_open", [0, 1, 30, 60, 600, 10_000])
def test_the_windows_of_an_incident_however_old(minutes_open: int) -> None:
    opened = NOW - minutes_open * MINUTE
    windows = Windows.around(opened, NOW)
    assert windows.until == NOW
    assert windows.until - windows.since <= LONGEST_NOW_MS
    assert windows.since >= windows.before + BEFORE_MS
    if minutes_open <= 60:
        assert windows.before + BEFORE_MS <= opened - LEAD_MS, "quiet time ends before the alert's cause"

"""What a run is told of the services around its target: with metrics, without, and with rubbish for them."""

from __future__ import annotations

import math
import random
import time

import pytest

from agents.surroundings import MOST_NEIGHBOURS, surroundings
from agents.topology import Service, Topology
from connectors.series import Series, Signal
from schemas.evidence import Health, NodeKind, Suspect

NAN = math.nan
MINUTES, WINDOW = 60, 6


def shop() -> Topology:
    graph = Topology()
    for edge in ("web>checkout", "checkout>cart", "checkout>db", "cart>cache", "cart>db"):
        graph.connect(*edge.split(">"))
    graph.add(Service("db", NodeKind.DATABASE))
    graph.add(Service("cache", NodeKind.CACHE))
    return graph


def steady(seed: int, level: float, now: float | None = None) -> Signal:
    draw = random.Random(seed)
    noisy = [level * (1 + 0.05 * draw.uniform(-1, 1)) for _ in range(MINUTES + WINDOW)]
    return Signal(noisy[MINUTES:] if now is None else [now] * WINDOW, noisy[:MINUTES])


def measured(**slow: float) -> dict[str, Series]:
    """Every service, with a latency of 10 but for those that are said to be slow."""
    return {
        name: Series(rate=steady(1, 50), latency=steady(number, 10, slow.get(name)), errors=steady(9, 0.001))
        for number, name in enumerate(("web", "checkout", "cart", "db", "cache"), 2)
    }


def named(found: tuple[Suspect, ...]) -> list[str]:
    return [suspect.service for suspect in found]


def test_without_metrics_all_unhealthy_dependencies_are_suspects() -> None:
    graph = shop()
    graph.judge({"cart": Health.DEGRADED, "db": Health.UNHEALTHY, "web": Health.UNHEALTHY})
    around = surroundings(graph, "checkout")
    assert named(around.suspects) == ["db", "cart"]
    assert [one.service for one in around.upstream] == ["web"]
    assert {one.service: one.distance for one in around.downstream} == {"cart": 1, "db": 1, "cache": 2}
    assert not around.truncated
    assert around.needs == {"cart": ("cache", "db"), "checkout": ("cart", "db"), "web": ("checkout",)}


def test_an_unknown_service_has_no_surroundings() -> None:
    assert surroundings(shop(), "nobody").service == ""


@pytest.mark.parametrize(
    ("slow", "cause"),
    [
        pytest.param({"checkout": 40.0}, "checkout", id="itself"),
        pytest.param({"checkout": 40.0, "cart": 40.0}, "cart", id="in the middle"),
        pytest.param({"checkout": 40.0, "cart": 40.0, "cache": 40.0}, "cache", id="a leaf"),
        pytest.param({"checkout": 40.0, "db": 40.0}, "db", id="beside another way"),
    ],
)
def test_metrics_name_the_cause_and_not_who_waits_for_it(slow: dict[str, float], cause: str) -> None:
    around = surroundings(shop(), "checkout", measured(**slow))
    assert named(around.suspects)[0] == cause
    first = around.suspects[0]
    assert 0.5 < first.share <= 1
    assert "latency rose" in first.why


def test_full_use_of_a_resource_is_named() -> None:
    series = measured(checkout=14.0)
    series["cache"] = Series(rate=steady(1, 50), latency=steady(3, 10), cpu=steady(4, 5, now=95.0))
    series["db"] = Series(rate=steady(1, 50), latency=steady(3, 10), cpu=steady(5, 20))
    first = surroundings(shop(), "checkout", series).suspects[0]
    assert first.service == "cache"
    assert "CPU" in first.why


def test_quiet_metrics_accuse_nobody() -> None:
    assert surroundings(shop(), "checkout", measured()).suspects == ()


def test_what_health_says_follows_what_metrics_say() -> None:
    graph = shop()
    graph.judge({"cache": Health.UNHEALTHY})
    around = surroundings(graph, "checkout", measured(checkout=40.0, db=40.0))
    assert named(around.suspects)[0] == "db"
    assert "cache" in named(around.suspects)


@pytest.mark.parametrize(
    "series",
    [
        pytest.param({}, id="none"),
        pytest.param({"nobody": Series()}, id="of nobody"),
        pytest.param({"checkout": Series()}, id="empty"),
        pytest.param({"checkout": Series(latency=Signal((1.0,), ()))}, id="no quiet time"),
        pytest.param({"checkout": Series(latency=Signal((), (1.0,) * 60))}, id="no window"),
        pytest.param({"checkout": Series(latency=Signal((NAN,), (NAN,) * 60))}, id="not a number"),
        pytest.param({"db": Series(errors=Signal((math.inf,), (0.0,) * 60))}, id="infinite"),
        pytest.param({"cart": Series(cpu=Signal((1.0,) * 500, (1.0,) * 3))}, id="longer than its quiet time"),
    ],
)
def test_rubbish_accuses_nobody(series: dict[str, Series]) -> None:
    assert surroundings(shop(), "checkout", series).suspects == ()


def test_a_way_over_services_without_metrics_is_found() -> None:
    series = measured(checkout=40.0, cache=40.0)
    del series["cart"]
    assert named(surroundings(shop(), "checkout", series).suspects)[0] == "cache"


def test_more_than_anybody_reads_is_cut_and_said_so() -> None:
    graph = Topology()
    for number in range(MOST_NEIGHBOURS + 1):
        graph.connect("a", f"b{number}")
    around = surroundings(graph, "a")
    assert len(around.downstream) == MOST_NEIGHBOURS
    assert around.truncated


def test_a_hundred_thousand_services_with_metrics_of_a_thousand_are_answered_in_time() -> None:
    draw, graph, size = random.Random(3), Topology(), 100_000
    for number in range(size - 1):
        for _ in range(3):
            graph.connect(f"s{number}", f"s{draw.randrange(number + 1, size)}")
    graph.connect(f"s{size - 1}", "s0")
    series = {f"s{number}": Series(latency=steady(number, 10)) for number in range(1000)}
    began = time.perf_counter()
    surroundings(graph, "s0", series)
    assert time.perf_counter() - began < 15

"""A rise is pushed down to the callees that explain it; what they do not explain stays."""

from __future__ import annotations

import random

import pytest

from agents.blame import Calls, blame

Edges = dict[int, list[int]]
DIAMOND: Edges = {0: [1, 2], 1: [3], 2: [3], 3: [4]}


def shares(edges: Edges, amounts: dict[int, float], unmeasured: set[int] | None = None) -> dict[int, float]:
    everyone = {*edges, *(callee for callees in edges.values() for callee in callees)}
    above = {caller for caller, callees in edges.items() if 0 in callees}
    calls = Calls(lambda service: edges.get(service, ()), everyone - (unmeasured or set()), above)
    found = blame(calls, 0, amounts)
    assert sum(found.values()) == pytest.approx(1), "all of the rise is laid on somebody"
    return found


def first(found: dict[int, float]) -> int:
    return max(found, key=lambda service: found[service])


@pytest.mark.parametrize(
    ("amounts", "cause"),
    [
        pytest.param({0: 10.0}, 0, id="the symptom itself"),
        pytest.param({0: 10.0, 1: 10.0}, 1, id="a callee"),
        pytest.param({0: 10.0, 1: 10.0, 3: 10.0}, 3, id="in the middle"),
        pytest.param({0: 10.0, 1: 9.0, 3: 9.0, 4: 9.0}, 4, id="a leaf"),
        pytest.param({0: 10.0, 1: 1.0}, 0, id="a callee that explains little"),
        pytest.param({1: 5.0, 0: 0.0}, 1, id="a callee whose symptom did not rise"),
        pytest.param({0: 10.0, 1: 5.0, 2: 5.0, 3: 10.0}, 3, id="by two ways"),
    ],
)
def test_the_cause_gets_most_of_it(amounts: dict[int, float], cause: int) -> None:
    assert first(shares(DIAMOND, amounts)) == cause


def test_two_causes_share_it_as_they_rose() -> None:
    found = shares(DIAMOND, {0: 10.0, 1: 6.0, 2: 3.0})
    assert found[1] > found[2] > found[0]


def test_what_is_not_measured_is_looked_through() -> None:
    assert shares(DIAMOND, {0: 10.0, 3: 10.0}, unmeasured={1, 2})[3] > 0.9, "as if it was called directly"


def test_a_missing_edge_still_leads_to_what_rose_as_much() -> None:
    assert first(shares({0: [1], 5: [6]}, {0: 10.0, 6: 9.0})) == 6


def test_what_depends_on_the_symptom_is_not_its_cause() -> None:
    assert first(shares({7: [0], 0: [1]}, {0: 10.0, 7: 100.0})) == 0


@pytest.mark.parametrize(
    ("edges", "members"),
    [
        pytest.param({0: [1], 1: [0]}, (0, 1), id="two"),
        pytest.param({0: [1], 1: [2], 2: [1]}, (1, 2), id="two below"),
        pytest.param({0: [1], 1: [2], 2: [3], 3: [1]}, (1, 2, 3), id="three below"),
    ],
)
def test_a_cycle_shares_what_runs_in_it(edges: Edges, members: tuple[int, ...]) -> None:
    found = shares(edges, dict.fromkeys((0, *members), 5.0))
    fair = 1 / len(members)
    assert all(0.6 * fair < found[member] < 1.6 * fair for member in members), found


def test_who_passes_all_on_keeps_a_little() -> None:
    assert 0 < shares({0: [1]}, {0: 10.0, 1: 10.0})[0] < 0.1


def test_numbers_are_only_names() -> None:
    """Who is who makes no difference, down to the last digit that counts."""
    draw = random.Random(5)
    edges = {number: draw.sample(range(number + 1, 40), 3) for number in range(30)}
    amounts = {number: draw.random() for number in range(40)}
    new = [0, *draw.sample(range(1, 40), 39)]
    renumbered = {new[caller]: [new[callee] for callee in callees] for caller, callees in edges.items()}
    one, other = shares(edges, amounts), shares(renumbered, {new[n]: amount for n, amount in amounts.items()})
    assert {new[number]: round(share, 12) for number, share in one.items()} == {
        number: round(share, 12) for number, share in other.items()
    }

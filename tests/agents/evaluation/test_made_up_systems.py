"""Blame on made-up systems: causes that no recorded data has, at every depth, with parts missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from agents.evaluation.rca_arms import Arm, Trial, renamed, trials
from agents.evaluation.rca_data import DataSet, Grid
from agents.evaluation.rca_score import Answer, answer, score
from agents.evaluation.rca_views import AS_IS, Views
from tests.agents.evaluation.systems import FAULTS, System, case, data_set

SMALL = (1, 3, 5, 6)


def answers(data: DataSet, arm: Arm = Arm.AS_IS, most: int = 1_000) -> list[Answer]:
    views = Views(data)
    return [answer(views, trial) for trial, _ in zip(trials(arm, views, 1), range(most), strict=False)]


def by_fault(told: Sequence[Answer]) -> dict[str, float]:
    credit = defaultdict(list)
    for one in told:
        credit[one.fault].append(one.credit(1))
    return {fault: sum(found) / len(found) for fault, found in credit.items()}


@pytest.mark.parametrize("cyclic", [pytest.param(False, id="layers"), pytest.param(True, id="with a cycle")])
def test_every_kind_of_fault_is_found_wherever_it_is(*, cyclic: bool) -> None:
    found = by_fault(answers(data_set(System(11, SMALL, cyclic=cyclic))))
    assert {fault: share for fault, share in found.items() if share < 0.9} == {
        "network": pytest.approx(0.8)
    }, "nobody calls the entry: a delay before it is seen by nobody"


@pytest.mark.parametrize(
    ("without", "lost"),
    [
        pytest.param(("gaps", "calls"), {"network"}, id="no edge metrics"),
        pytest.param(("logs",), {"logs", "network"}, id="no logs"),
        pytest.param(("requests",), {"network"}, id="no rates"),
        pytest.param(("cpu_usage", "memory_usage"), {"network", "cpu", "memory"}, id="no resources"),
    ],
)
def test_what_a_missing_table_does_not_tell_of_is_found_all_the_same(
    without: tuple[str, ...], lost: set[str]
) -> None:
    found = by_fault(answers(data_set(System(12, SMALL), without=without)))
    assert {fault: found[fault] for fault in FAULTS if fault not in lost and found[fault] < 0.9} == {}


def test_quiet_windows_accuse_nobody() -> None:
    told = answers(data_set(System(13, SMALL), ("cpu",)), Arm.NO_FAULT)
    assert score(Arm.NO_FAULT, told).false_blame == pytest.approx(0, abs=0.1)


def test_names_and_orders_change_nothing() -> None:
    data = data_set(System(14, SMALL), ("latency", "network", "logs"))
    one, other = answers(data), answers(renamed(data, 3))
    assert [[score for _, score in told.named] for told in one] == [
        pytest.approx([score for _, score in told.named], abs=1e-9) for told in other
    ]
    assert [told.credit(1) for told in one] == [told.credit(1) for told in other]


def test_missing_edges_cost_little() -> None:
    told = answers(data_set(System(15, SMALL), ("latency", "errors")), Arm.EDGES_MISSING)
    assert score(Arm.EDGES_MISSING, told).top1 > 0.75


# -- tables with holes


def holed(data: DataSet, share: float) -> DataSet:
    draw = np.random.default_rng(1)

    def hole(grid: Grid) -> Grid:
        values = grid.values.copy()
        values[draw.random(values.shape) < share] = np.nan
        return Grid(grid.times, grid.columns, values)

    metrics = {
        frame: {name: hole(grid) for name, grid in told.items()} for frame, told in data.metrics.items()
    }
    return DataSet(data.name, data.cases, data.edges, metrics, data.gaps, data.calls, data.logs)


def test_missing_samples_cost_little() -> None:
    found = by_fault(answers(holed(data_set(System(16, SMALL), ("latency", "cpu")), 0.2)))
    assert min(found.values()) >= 0.8


@pytest.mark.parametrize("share", [pytest.param(1.0, id="all missing"), pytest.param(0.95, id="hardly any")])
def test_where_nothing_was_measured_nobody_is_accused_by_metrics(share: float) -> None:
    data = data_set(System(17, SMALL), ("cpu",), without=("gaps", "calls", "logs"))
    assert all(told.abstained or share < 1 for told in answers(holed(data, share)))


def test_an_unknown_symptom_is_answered() -> None:
    data = data_set(System(18, SMALL), ("cpu",))
    known = data.cases[1]
    stranger = case(known.name, "who-knows", "latency_ms_mean", sorted(known.causes), "cpu")
    told = answer(Views(data), Trial(stranger, AS_IS))
    assert told.credit(1) == 1, "the CPU tells all the same"


@pytest.mark.parametrize(
    "with_frame", [pytest.param(False, id="no frame"), pytest.param(True, id="an empty one")]
)
def test_a_case_without_rows_is_abstained_from(*, with_frame: bool) -> None:
    data = data_set(System(19, SMALL), ("cpu",))
    quiet = data.metrics["quiet"]
    empty = {name: Grid(grid.times[:0], grid.columns, grid.values[:0]) for name, grid in quiet.items()}
    lone = replace(case("lone", "svc-00", "latency_ms_mean", ["svc-01"], "cpu"), window=(0.0, 1.0))
    metrics = {**data.metrics, "lone": empty} if with_frame else data.metrics
    told = answer(Views(DataSet("x", [lone], data.edges, metrics, {}, {}, {})), Trial(lone, AS_IS))
    assert told.abstained


def test_a_case_without_a_cause_is_right_when_nobody_is_named() -> None:
    data = data_set(System(20, SMALL), ("cpu",))
    quiet = {
        name: Grid(grid.times[:6], grid.columns, grid.values[60:66])
        for name, grid in data.metrics["quiet"].items()
    }
    nobody = case("nobody", "svc-00", "latency_ms_mean", [], "")
    held = DataSet("x", [nobody], data.edges, {**data.metrics, "nobody": quiet}, {}, {}, {})
    told = score(Arm.AS_IS, answers(held))
    assert (told.false_blame, told.faulty) == (0, 0)

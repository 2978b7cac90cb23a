"""The documented layout, as files: what is required, what may be missing, and what is said of a wrong one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.detectors import Role
from agents.evaluation.metric_roles import as_rising, chosen, role_of
from agents.evaluation.rca_data import find, load
from agents.evaluation.rca_score import Answer, measure
from agents.evaluation.rca_views import Views
from schemas.errors import Misconfigured

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

DAY = 1_700_000_000
CASE = {
    "case": "c1", "system": "s", "symptom": {"service": "web", "metric": "latency_ms"}, "t_alert": DAY + 6000,
    "window": [DAY + 6000, DAY + 6240], "reference": "day:1 rows outside every window",
    "root_cause": {"services": ["db"], "metric": None, "fault": "cpu"},
}  # fmt: skip


def write(folder: Path, name: str, **columns: Any) -> None:
    parquet.write_table(pyarrow.table(columns), folder / f"{name}.parquet")


def written(folder: Path, *cases: dict[str, Any], frame: str = "day:1") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cases.jsonl").write_text("\n".join(map(json.dumps, cases or (CASE,))) + "\n\n")
    write(folder, "edges", system=["s"], caller=["web"], callee=["db"])
    draw, rows = np.random.default_rng(1), []
    for minute in range(200):
        hot = 100 <= minute < 104
        for service, offset in (("web", 3), ("db", 17)):
            at = DAY + minute * 60 + offset
            cpu = 95.0 if hot and service == "db" else 20 + draw.normal()
            latency = (80.0 if hot else 10.0) + draw.normal()
            rows += [(frame, at, service, "cpu", cpu), (frame, at, service, "latency_ms", latency)]
    frames, times, services, metrics, values = zip(*rows, strict=True)
    write(folder, "metrics", frame=frames, t=times, service=services, metric=metrics, value=values)
    return folder


def test_a_data_set_is_read_and_answered(tmp_path: Path) -> None:
    result = measure(load(written(tmp_path / "shop")))
    assert result.name == "shop"
    assert result.answers[0].named[0][0] == "db"


def test_samples_seconds_apart_share_a_row(tmp_path: Path) -> None:
    grid = load(written(tmp_path / "shop")).metrics["day:1"]["cpu"]
    assert grid.values.shape == (200, 2)
    assert not np.isnan(grid.values).any()


def test_the_window_is_the_cases_and_the_aftermath_is_not_quiet(tmp_path: Path) -> None:
    data = load(written(tmp_path / "shop"))
    cpu, _ = Views(data).view(data.cases[0]).observed.measures
    assert len(cpu.now) == 4
    assert len(cpu.quiet.samples) == 200 - 5


def test_optional_tables_are_read_where_they_are(tmp_path: Path) -> None:
    folder = written(tmp_path / "shop")
    write(
        folder,
        "edge_metrics",
        frame=["day:1"],
        t=[DAY],
        caller=["web"],
        callee=["db"],
        gap_ms=[3.0],
        calls=[9],
    )
    write(folder, "logs", frame=["day:1"], t=[DAY], service=["db"], template=["ERROR <x>"], lines=[2])
    data = load(folder)
    assert data.gaps["day:1"].columns == [("web", "db")]
    assert data.calls["day:1"].values.tolist() == [[9.0]]
    assert data.logs["day:1"].columns == [("db", "ERROR <x>")]


def test_one_folder_or_several_side_by_side(tmp_path: Path) -> None:
    one, two = written(tmp_path / "all" / "one"), written(tmp_path / "all" / "two")
    assert find(one) == [one]
    assert find(tmp_path / "all") == [one, two]


def test_a_folder_without_data_says_what_is_looked_for(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"cases\.jsonl"):
        find(tmp_path)
    with pytest.raises(Misconfigured, match="no such folder"):
        find(tmp_path / "none")


@pytest.mark.parametrize("name", ["edges.parquet", "metrics.parquet"])
def test_a_missing_table_is_named(tmp_path: Path, name: str) -> None:
    (written(tmp_path) / name).unlink()
    with pytest.raises(Misconfigured, match=name):
        load(tmp_path)


def test_a_table_that_is_none_or_lacks_a_column_is_named(tmp_path: Path) -> None:
    folder = written(tmp_path)
    write(folder, "edges", system=["s"], caller=["web"])
    with pytest.raises(Misconfigured, match=r"edges\.parquet: no column callee"):
        load(folder)
    (folder / "edges.parquet").write_text("no parquet")
    with pytest.raises(Misconfigured, match=r"edges\.parquet: not a parquet file"):
        load(folder)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("{", id="no json"),
        pytest.param("[]", id="no object"),
        pytest.param(json.dumps({"case": "x"}), id="no symptom"),
        pytest.param(json.dumps({**CASE, "t_alert": "soon"}), id="no time"),
    ],
)
def test_a_wrong_case_says_its_line(tmp_path: Path, line: str) -> None:
    folder = written(tmp_path)
    (folder / "cases.jsonl").write_text(json.dumps(CASE) + "\n" + line + "\n")
    with pytest.raises(Misconfigured, match="line 2"):
        load(folder)


# -- metrics


@pytest.mark.parametrize(
    ("metric", "role"),
    [
        ("latency_Avg", Role.LATENCY), ("call_duration_ms", Role.LATENCY), ("LatencyP90(s)", Role.LATENCY),
        ("availability", Role.ERRORS), ("error_rate", Role.ERRORS), ("http_5xx", Role.ERRORS),
        ("CpuUsageRate(%)", Role.CPU), ("container_memory_working_set_bytes", Role.MEMORY),
        ("requests_Sum", Role.RATE), ("Workload(Ops)", Role.RATE), ("SyscallRead", Role.OTHER),
    ],
)  # fmt: skip
def test_a_metrics_name_tells_its_role(metric: str, role: Role) -> None:
    assert role_of(metric) == role


def test_one_metric_a_role_the_symptoms_own_first() -> None:
    metrics = ["latency_p99", "latency_avg", "client_latency_avg", "cpu", "disk", "net"]
    assert chosen(metrics, "") == ["latency_avg", "cpu", "disk", "net"]
    assert chosen(metrics, "latency_p99") == ["latency_p99", "cpu", "disk", "net"]


@pytest.mark.parametrize(
    ("metric", "value", "highest", "failed"),
    [
        pytest.param("availability", 97.0, 100.0, 0.03, id="percent available"),
        pytest.param("success_ratio", 0.9, 1.0, 0.1, id="share that succeeded"),
        pytest.param("error_rate", 0.2, 0.9, 0.2, id="share that failed"),
        pytest.param("errors_percent", 20.0, 90.0, 0.2, id="percent that failed"),
        pytest.param("http_5xx", 7.0, 90.0, 7.0, id="a count"),
    ],
)
def test_errors_rise_whatever_is_counted(metric: str, value: float, highest: float, failed: float) -> None:
    assert as_rising(metric, np.array([[value]]), highest)[0, 0] == pytest.approx(failed)


# -- scores


def told(*named: tuple[str, float], causes: tuple[str, ...] = ("a",)) -> Answer:
    return Answer("case", "", causes, named)


@pytest.mark.parametrize(
    ("answer", "top1", "top3", "reciprocal"),
    [
        pytest.param(told(("a", 2), ("b", 1)), 1, 1, 1, id="first"),
        pytest.param(told(("b", 2), ("a", 1)), 0, 1, 0.5, id="second"),
        pytest.param(told(("b", 4), ("c", 3), ("d", 2), ("a", 1)), 0, 0, 0.25, id="fourth"),
        pytest.param(told(("b", 1)), 0, 0, 0, id="not named"),
        pytest.param(told(), 0, 0, 0, id="abstained"),
        pytest.param(told(("a", 1), ("b", 1)), 0.5, 1, 0.75, id="equal to another"),
        pytest.param(told(("a", 1), ("b", 1), causes=("a", "b")), 1, 1, 1, id="two causes, equal"),
        pytest.param(
            told(*((name, 1.0) for name in "abcd")),
            0.25,
            0.75,
            (1 + 1 / 2 + 1 / 3 + 1 / 4) / 4,
            id="all equal",
        ),
    ],
)
def test_equal_scores_share_their_credit(answer: Answer, top1: float, top3: float, reciprocal: float) -> None:
    assert answer.credit(1) == pytest.approx(top1)
    assert answer.credit(3) == pytest.approx(top3)
    assert answer.reciprocal() == pytest.approx(reciprocal)

"""`awoooi eval rca` and `awoooi topology show`, as people and programs call them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from awoooi.eval_rca import run
from tests.agents.evaluation.test_rca_data import CASE, written
from tests.awoooi.test_cli import FAILED, awoooi
from tests.measured import BESIDE

ARMS = {"as_is", "edges_missing", "edges_false", "unmonitored", "renamed", "no_fault"}
SHOP = """
cluster: eu-1
services:
  web: {kind: ingress, depends_on: [checkout]}
  checkout: {namespace: shop, depends_on: [cart, orders-db]}
  cart: {depends_on: [orders-db, checkout]}
  orders-db: {kind: database, health: unhealthy}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.yaml"
    path.write_text(SHOP)
    return path


def test_figures_of_every_arm_are_told_to_programs(tmp_path: Path) -> None:
    written(tmp_path / "data" / "one")
    written(tmp_path / "data" / "two", CASE, {**CASE, "case": "c2"})
    done = awoooi(tmp_path, "eval", "rca", "data", "--json")
    assert done.returncode == 0, done.stderr
    sets = json.loads(done.stdout)["data_sets"]
    assert [told["name"] for told in sets] == ["one", "two"]
    assert sets[0]["arms"].keys() == ARMS
    as_is = sets[0]["arms"]["as_is"]
    assert (as_is["top1"], as_is["top3"], as_is["mrr"], as_is["abstained"]) == (1, 1, 1, 0)
    low, high = as_is["top1_interval"]
    assert low < 1 <= high
    assert sets[0]["arms"]["no_fault"]["false_blame"] <= 0.2
    assert sets[0]["answers"][0]["named"][0]["service"] == "db"


def test_figures_are_told_to_people(tmp_path: Path) -> None:
    done = awoooi(tmp_path, "eval", "rca", str(written(tmp_path / "one")))
    assert done.returncode == 0, done.stderr
    assert "services renamed at random" in done.stdout
    assert "Every cause was named first." in done.stdout


def test_a_folder_without_data_is_one_clear_line(tmp_path: Path) -> None:
    done = awoooi(tmp_path, "eval", "rca", "nowhere")
    assert done.returncode == FAILED
    assert done.stderr.strip() == "nowhere: no such folder"


def test_a_service_is_drawn_with_health_and_blame(tmp_path: Path, shop: Path) -> None:
    done = awoooi(tmp_path, "topology", "show", "checkout", "--file", str(shop))
    assert done.stdout.splitlines() == [
        "checkout  (unknown, namespace shop)",
        "├── needed by",
        "│   ├── cart  (unknown)",
        "│   └── web  (ingress, unknown)",
        "└── depends on",
        "    ├── cart  (unknown)",
        "    └── orders-db  (database, unhealthy)  ◀ suspect 1",
        "",
        "suspect 1: orders-db: database unhealthy, needed by the target",
    ]


def test_surroundings_are_told_to_programs(tmp_path: Path, shop: Path) -> None:
    done = awoooi(tmp_path, "topology", "show", "checkout", "--file", str(shop), "--json")
    assert [suspect["service"] for suspect in json.loads(done.stdout)["suspects"]] == ["orders-db"]


@pytest.mark.parametrize(
    ("service", "said"),
    [
        pytest.param("orders", "orders: no such service; there are orders-db", id="part of a name"),
        pytest.param("zzz", "zzz: no such service", id="nobody"),
    ],
)
def test_an_unknown_service_is_one_clear_line(tmp_path: Path, shop: Path, service: str, said: str) -> None:
    done = awoooi(tmp_path, "topology", "show", service, "--file", str(shop))
    assert (done.returncode, done.stderr.strip()) == (FAILED, said)


def test_a_wrong_file_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text("services: {a: {kind: thing}}")
    done = awoooi(tmp_path, "topology", "show", "a", "--file", "t.yaml")
    assert done.returncode == FAILED
    assert done.stderr.startswith("t.yaml: services.a.kind: should be 'database'")


def test_the_labelled_data_is_answered_as_promised(capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(os.environ.get("AWOOOI_DATA", BESIDE)) / "rca"
    if not folder.is_dir():
        pytest.skip("no reference data: rca (set AWOOOI_DATA)")
    run(str(folder), as_json=True)
    arms = {told["name"]: told["arms"] for told in json.loads(capsys.readouterr().out)["data_sets"]}
    for name, top1, top3, missing in (("petshop", 0.9, 0.9, 0.75), ("nezha", 0.75, 0.9, 0.7)):
        assert arms[name]["as_is"]["top1"] >= top1
        assert arms[name]["as_is"]["top3"] >= top3
        assert arms[name]["edges_missing"]["top1"] >= missing
        assert arms[name]["renamed"]["top1"] == arms[name]["as_is"]["top1"]
        assert arms[name]["no_fault"]["false_blame"] <= 0.1

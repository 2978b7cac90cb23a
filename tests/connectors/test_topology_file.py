"""A topology written by hand, and what is said of a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.topology_file import read_topology
from schemas.errors import Misconfigured
from schemas.evidence import Health, NodeKind

RIGHT = """
cluster: eu-1
services:
  checkout: {namespace: shop, depends_on: [db]}
  db: {kind: database, health: unhealthy}
  web:
"""


def written(folder: Path, text: str, name: str = "topology.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param(RIGHT, "topology.yaml", id="yaml"),
        pytest.param(
            '{"cluster": "eu-1", "services": {"checkout": {"namespace": "shop", "depends_on": ["db"]},'
            ' "db": {"kind": "database", "health": "unhealthy"}, "web": null}}',
            "topology.json",
            id="json",
        ),
    ],
)
def test_services_are_read(tmp_path: Path, text: str, name: str) -> None:
    checkout, db, web = read_topology(written(tmp_path, text, name))
    assert (checkout.cluster, checkout.namespace, checkout.depends_on) == ("eu-1", "shop", ("db",))
    assert (db.kind, db.health, db.observer) == (NodeKind.DATABASE, Health.UNHEALTHY, "file")
    assert web.kind == NodeKind.SERVICE


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("services: {db: {kind: dbase}}", "services.db.kind: should be 'database'", id="kind"),
        pytest.param("services: {db: {needs: [x]}}", "services.db.needs", id="unknown field"),
        pytest.param("services: [db]", "services: should be a valid dictionary", id="a list"),
        pytest.param("- db", 'it must hold "services"', id="no mapping"),
        pytest.param("", 'it must hold "services"', id="empty"),
        pytest.param("services: {a: b: c}", "line 1", id="no yaml"),
        pytest.param("a: 1\nservices: {x: 'y", "line 2", id="no end"),
    ],
)
def test_a_wrong_file_says_where_and_what(tmp_path: Path, text: str, said: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(Misconfigured) as caught:
        read_topology(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="cannot be read: No such file"):
        read_topology(tmp_path / "none.yaml")


def test_broken_json_says_the_line(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"topology\.json, line 2"):
        read_topology(written(tmp_path, '{\n"services": }', "topology.json"))


def test_what_is_no_text_says_so(tmp_path: Path) -> None:
    path = tmp_path / "topology.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Misconfigured, match="cannot be read"):
        read_topology(path)

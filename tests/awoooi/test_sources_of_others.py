"""Sources that are none of ours: a mapping, as the docs show it, and an installed package."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from awoooi.cli import app
from awoooi.loading import load
from awoooi.setup import all_topics
from schemas.errors import Misconfigured

PAGE = (Path(__file__).parents[2] / "docs" / "sources.md").read_text()
PACKAGE = "[project.entry-points"
PLANT = {
    "alert_type": "Bearing too hot",
    "severity": "critical",
    "source": "plantguard",
    "message": "Bearing 3 of press-7 has 96.5 degrees",
    "status": "firing",
    "target_resource": "press-7",
    "resource_type": "host",
    "cluster": "north",
    "metrics": {"celsius": 96.5},
    "fired_at": "2026-03-01T12:00:00Z",
    "labels": {"shift": "night", "tags": "hydraulic", "line": "stamping", "country": "de"},
    "generator_url": "https://plantguard.example/alarms/8812",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWOOOI_STATE_DIR", str(tmp_path / "state"))
    return tmp_path


def block(kind: str, holds: str) -> str:
    """The code block of the page that holds a text."""
    return next(text for text in re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL) if holds in text)


@pytest.fixture
def example(folder: Path) -> dict[str, Any]:
    """The page's example; what it sends."""
    (folder / "plantguard.yaml").write_text(block("yaml", "plantguard:"))
    text = block("json", "PlantGuard")
    (folder / "payload.json").write_text(text)
    sent: dict[str, Any] = json.loads(text)
    return sent


def try_(*arguments: str) -> tuple[list[dict[str, Any]], str, int]:
    told = CliRunner().invoke(app, ["try", *arguments, "--json"])
    return [json.loads(line) for line in told.stdout.splitlines()], told.stderr, told.exit_code


@pytest.mark.parametrize("source", [(), ("--source", "plantguard"), ("--source", "auto")], ids=str)
@pytest.mark.usefixtures("example")
def test_the_documented_mapping_reads_its_payload(source: tuple[str, ...]) -> None:
    (alert,), _, status = try_("--mapping", "plantguard.yaml", "payload.json", *source)
    assert status == 0
    assert {name: alert[name] for name in PLANT} == PLANT


def test_a_mapping_refuses_by_the_fields_name(example: dict[str, Any], folder: Path) -> None:
    example["alarms"][0]["state"] = "2"
    (folder / "payload.json").write_text(json.dumps(example))
    alerts, told, status = try_("--mapping", "plantguard.yaml", "payload.json")
    assert (alerts, status) == ([], 1)
    assert told.startswith("rejected, bad_payload: 0.status: must be one of 1, 0")


@pytest.mark.parametrize(
    ("detect", "told"),
    [("vendor == 'PlantGuard'", False), ('vendor == "PlantGuard"', True), ("", True)],
    ids=["true", "a field in place of a text", "none"],
)
@pytest.mark.usefixtures("example")
def test_a_mapping_that_auto_would_pass_over_is_told_of(folder: Path, detect: str, told: bool) -> None:
    text = (folder / "plantguard.yaml").read_text()
    (folder / "plantguard.yaml").write_text(
        re.sub(r"detect: [^#\n]*", f"detect: {detect}  " if detect else "", text)
    )
    shown = CliRunner().invoke(app, ["try", "--mapping", "plantguard.yaml", "payload.json"])
    assert shown.exit_code == 0
    assert ("`auto` would not take this for plantguard's" in shown.stdout) is told


@pytest.mark.usefixtures("example")
def test_the_mappings_of_the_settings_are_sources_like_any_other(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWOOOI_MAPPINGS_FILE", str(folder / "plantguard.yaml"))
    assert len(try_("payload.json")[0]) == 1
    assert len(try_("payload.json", "--mapping", "plantguard.yaml")[0]) == 1
    assert "alerts.raw.plantguard" in {topic.name for topic in all_topics(load().settings)}
    monkeypatch.setenv("AWOOOI_SOURCES", "grafana")
    assert "fits no source; known are grafana" in try_("payload.json")[1]


@pytest.mark.usefixtures("example")
def test_a_wrong_mapping_stops_every_start(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (folder / "plantguard.yaml").read_text().replace("rule.name", "rule..name")
    (folder / "plantguard.yaml").write_text(text)
    monkeypatch.setenv("AWOOOI_MAPPINGS_FILE", str(folder / "plantguard.yaml"))
    line = 1 + text.splitlines().index("    title: rule..name")
    with pytest.raises(
        Misconfigured, match=rf"plantguard\.yaml:{line}: mappings\.plantguard\.title: no JMESPath"
    ):
        all_topics(load().settings)
    assert isinstance(CliRunner().invoke(app, ["try", "payload.json"]).exception, Misconfigured)


def test_an_installed_package_brings_a_source(folder: Path) -> None:
    """The documented one, as a wheel that pip installs; a process of its own finds it."""
    wheel = _wheel(folder)
    site = folder / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
    subprocess.run([*pip, "--no-deps", "--target", str(site), str(wheel)], check=True, timeout=60)
    (folder / "payload.json").write_text('{"check": "Backup of tonight"}')
    found = subprocess.run(
        [sys.executable, "-m", "awoooi", "try", "payload.json", "--json"],
        env={"PYTHONPATH": f"{site}:{Path(__file__).parents[2]}", "AWOOOI_STATE_DIR": str(folder / "state")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    alert = json.loads(found.stdout)
    assert (alert["source"], alert["alert_type"], alert["status"]) == ("mine", "Backup of tonight", "firing")


def _wheel(folder: Path) -> Path:
    points = block("toml", PACKAGE).replace('[project.entry-points."awoooi.sources"]', "[awoooi.sources]")
    about = "my_package-1.0.dist-info"
    files = {
        "my_package/__init__.py": "",
        "my_package/mine.py": block("python", "def read("),
        f"{about}/METADATA": "Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/entry_points.txt": points.replace('"', ""),
    }
    files[f"{about}/RECORD"] = "".join(f"{name},,\n" for name in (*files, f"{about}/RECORD"))
    wheel = folder / "my_package-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return wheel

"""The rules of the house that a reader should be able to rely on. Each is seen to bite on a bad house."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "schemas": set[str](),
    "connectors": {"schemas"},
    "agents": {"schemas", "connectors"},
    "sinks": {"schemas", "connectors"},
    "streams": {"schemas", "connectors", "agents", "sinks"},
    "awoooi": {"schemas", "connectors", "agents", "sinks", "streams"},
}
KEPT_TO = {
    "faust": re.compile(r"streams/faust_\w+\.py"),
    "mode": re.compile(r"streams/faust_\w+\.py"),
    "httpx": re.compile(r"connectors/http\.py"),
    "kubernetes": re.compile(r"connectors/kubernetes/.+\.py"),
    "mcp": re.compile(r"connectors/mcp/.+\.py"),
    "mcp_types": re.compile(r"connectors/mcp/.+\.py"),
    "httpx2": re.compile(r"connectors/mcp/over_http\.py"),
    "clickhouse_connect": re.compile(r"sinks/clickhouse/.+\.py"),
    "chdb": re.compile(r"sinks/store/engine\.py"),
}
OTHER_FOLDERS = ("tests", "benchmarks", "deploy")
TOLD_FOLDERS = (
    "connectors/executors",
    "connectors/kubernetes",
    "connectors/kubernetes/execution",
    "connectors/mcp",
    "streams/policy",
)
"""whose contracts others copy"""
MOST_LINES = 400
EXCEPTION = re.compile(r"#\s*(noqa|type:\s*ignore)(?P<codes>:\s*[A-Z]+\d+|\[[\w\-, ]+\])?(?P<reason>.*)")

Rule = Callable[[Path], list[str]]


# -- the rules: each lists what breaks it


def imports_point_one_way(root: Path) -> list[str]:
    return [
        f"{_name(root, path)}:{line} imports {module}"
        for package, allowed in MAY_IMPORT.items()
        for path in _sources(root, package)
        for line, module in _imports(path, root)
        if _top(module) in {*MAY_IMPORT, "tests", "benchmarks"} - allowed - {package}
    ]


def foreign_packages_are_kept_to_their_place(root: Path) -> list[str]:
    return [
        f"{_name(root, path)}:{line} imports {module}"
        for package in MAY_IMPORT
        for path in _sources(root, package)
        for line, module in _imports(path, root)
        if _top(module) in KEPT_TO and not KEPT_TO[_top(module)].fullmatch(_name(root, path))
    ]


def files_fit_a_sitting(root: Path) -> list[str]:
    return [
        f"{_name(root, path)}: {lines} lines"
        for path in _all_sources(root)
        if (lines := len(path.read_text().splitlines())) > MOST_LINES
    ]


def every_folder_tells_what_lives_there(root: Path) -> list[str]:
    folders = [root / name for name in (*MAY_IMPORT, *OTHER_FOLDERS, *TOLD_FOLDERS)]
    return [folder.name for folder in folders if folder.exists() and not (folder / "README.md").exists()]


def every_exception_says_which_rule_or_why(root: Path) -> list[str]:
    return [
        f"{_name(root, path)}:{line} {comment}"
        for path in _all_sources(root)
        for line, comment in _comments(path)
        if (found := EXCEPTION.match(comment)) and not found["codes"] and not _is_reason(found["reason"])
    ]


RULES = [
    imports_point_one_way,
    foreign_packages_are_kept_to_their_place,
    files_fit_a_sitting,
    every_folder_tells_what_lives_there,
    every_exception_says_which_rule_or_why,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps_the_rule(rule: Rule) -> None:
    assert rule(ROOT) == []


# -- each rule bites


BAD_HOUSES = [
    (imports_point_one_way, "schemas/a.py", "import connectors.http"),
    (imports_point_one_way, "connectors/a.py", "from agents import privacy"),
    (imports_point_one_way, "connectors/a.py", "from streams.stage import Record"),
    (imports_point_one_way, "agents/a.py", "def late():\n    from sinks.clickhouse import client"),
    (imports_point_one_way, "sinks/a.py", "if TYPE_CHECKING:\n    import agents"),
    (imports_point_one_way, "sinks/deep/a.py", "from streams import stage"),
    (imports_point_one_way, "streams/a.py", "import awoooi.settings"),
    (imports_point_one_way, "awoooi/a.py", "from tests.peers import KafkaPeer"),
    (imports_point_one_way, "schemas/a.py", "import importlib\nimportlib.import_module('streams.stage')"),
    (imports_point_one_way, "schemas/a.py", "__import__('streams')"),
    (foreign_packages_are_kept_to_their_place, "streams/runner.py", "import faust"),
    (foreign_packages_are_kept_to_their_place, "awoooi/faust_app.py", "from faust.types import TP"),
    (foreign_packages_are_kept_to_their_place, "streams/stages/faust_a.py", "import faust"),
    (foreign_packages_are_kept_to_their_place, "streams/a.py", "from mode import Service"),
    (foreign_packages_are_kept_to_their_place, "connectors/prometheus/client.py", "import httpx"),
    (foreign_packages_are_kept_to_their_place, "agents/a.py", "def late():\n    import kubernetes.client"),
    (files_fit_a_sitting, "schemas/a.py", "\n" * (MOST_LINES + 1)),
    (files_fit_a_sitting, "tests/deep/test_a.py", "\n" * (MOST_LINES + 1)),
    (every_folder_tells_what_lives_there, "sinks/a.py", ""),
    (every_folder_tells_what_lives_there, "benchmarks/a.py", ""),
    (every_exception_says_which_rule_or_why, "schemas/a.py", "import os  # noqa"),
    (every_exception_says_which_rule_or_why, "schemas/a.py", "x = 1  # type: ignore"),
    (every_exception_says_which_rule_or_why, "tests/a.py", "x = 1  #noqa: "),
]


@pytest.mark.parametrize(("rule", "path", "text"), BAD_HOUSES, ids=lambda value: str(value)[:40])
def test_a_rule_bites(rule: Rule, path: str, text: str, tmp_path: Path) -> None:
    _write(tmp_path, path, text)

    assert len(rule(tmp_path)) == 1


GOOD_HOUSES = [
    (imports_point_one_way, "schemas/a.py", "from schemas import envelope\nimport json, asyncio.streams"),
    (imports_point_one_way, "sinks/clickhouse/a.py", "from . import rows\nfrom .rows import to_row"),
    (imports_point_one_way, "streams/a.py", "import agents, sinks, connectors, schemas"),
    (imports_point_one_way, "connectors/a.py", '"""See streams.stage: import agents."""'),
    (foreign_packages_are_kept_to_their_place, "streams/faust_app.py", "import faust, mode.utils"),
    (foreign_packages_are_kept_to_their_place, "connectors/http.py", "import httpx"),
    (foreign_packages_are_kept_to_their_place, "connectors/kubernetes/client.py", "import kubernetes.aio"),
    (files_fit_a_sitting, "schemas/a.py", "\n" * MOST_LINES),
    (every_folder_tells_what_lives_there, "schemas/README.md", "# schemas"),
    (every_exception_says_which_rule_or_why, "schemas/a.py", "import os  # noqa: F401"),
    (every_exception_says_which_rule_or_why, "schemas/a.py", "x = 1  # type: ignore[misc]"),
    (every_exception_says_which_rule_or_why, "schemas/a.py", "import os  # noqa (kept for its effect)"),
    (every_exception_says_which_rule_or_why, "schemas/a.py", 'x = "# noqa"'),
]


@pytest.mark.parametrize(("rule", "path", "text"), GOOD_HOUSES, ids=lambda value: str(value)[:40])
def test_a_rule_lets_good_work_pass(rule: Rule, path: str, text: str, tmp_path: Path) -> None:
    _write(tmp_path, path, text)

    assert rule(tmp_path) == []


# -- looking


def _write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True)
    (root / path).write_text(text)


def _name(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


def _top(module: str) -> str:
    return module.partition(".")[0]


def _sources(root: Path, folder: str) -> list[Path]:
    return sorted((root / folder).rglob("*.py"))


def _all_sources(root: Path) -> list[Path]:
    return [path for folder in (*MAY_IMPORT, *OTHER_FOLDERS) for path in _sources(root, folder)]


def _imports(path: Path, root: Path) -> Iterator[tuple[int, str]]:
    """Every import, however deep in the file; by name too, where the name stands in the text."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, _absolute(node, path, root)
        elif isinstance(node, ast.Call) and _called(node) in ("import_module", "__import__"):
            yield from (
                (node.lineno, argument.value)
                for argument in node.args
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
            )


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _absolute(node: ast.ImportFrom, path: Path, root: Path) -> str:
    if not node.level:
        return node.module or ""
    package = path.relative_to(root).parts[: -node.level]
    return ".".join((*package, *([node.module] if node.module else [])))


def _comments(path: Path) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def _is_reason(text: str) -> bool:
    return len(re.findall(r"[A-Za-z]{2,}", text)) >= 2

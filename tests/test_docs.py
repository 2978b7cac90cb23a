"""The documents say what the code says: the generated ones, the metrics, and the links between pages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from fastavro.schema import load_schema, parse_schema

from schemas import avro_schema, codec, docs
from schemas.avro_schema import path_of
from schemas.catalog import TOPICS, event_classes
from schemas.codec import JSON_CONTENT
from schemas.envelope import Event
from schemas.headers import event_headers
from tests.schemas.examples import CLASSES, moved, name_of

ROOT = Path(__file__).parents[1]
PACKAGES = ("connectors", "agents", "sinks", "streams", "awoooi")


# -- what is generated


RENDERED = docs.rendered()


@pytest.mark.parametrize("path", RENDERED, ids=lambda path: path.name)
def test_what_is_generated_is_up_to_date(path: Path) -> None:
    assert path.exists(), "`make docs` makes it"
    assert path.read_text() == RENDERED[path], "stale: `make docs` renews it"


def test_generating_twice_gives_the_same() -> None:
    assert docs.rendered() == RENDERED


def test_a_stale_file_is_named_and_renewed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(docs, "DOCS", tmp_path)
    monkeypatch.setattr(avro_schema, "AVRO_DIR", tmp_path)  # empty: the schemas are stale too
    (tmp_path / "events.md").write_text("of yesterday")

    assert docs.main(["--check"]) == 1
    assert "events.md: stale" in capsys.readouterr().err
    assert (tmp_path / "events.md").read_text() == "of yesterday"

    assert docs.main([]) == 0
    assert docs.main(["--check"]) == 0


# -- AsyncAPI


DOCUMENT: dict[str, Any] = yaml.safe_load(RENDERED[docs.DOCS / "asyncapi.yaml"])


def test_every_topic_is_a_channel() -> None:
    addresses = [channel["address"] for channel in DOCUMENT["channels"].values()]
    patterns = [
        re.compile(re.escape(address).replace(r"\{source\}", ".+").replace(r"\{worker\}", ".+"))
        for address in addresses
    ]

    assert "alerts.raw.{source}" in addresses
    for topic in TOPICS:
        assert [found.pattern for found in patterns if found.fullmatch(topic.name)], topic.name


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_channel_says_how_its_topic_is_made(topic: Any) -> None:
    name = "ticks" if topic.name.startswith("ticks.") else topic.name
    binding = DOCUMENT["channels"][name]["bindings"]["kafka"]
    config = binding["topicConfiguration"]

    assert (binding["partitions"] == 1) is not topic.keyed
    assert config["cleanup.policy"] == (["compact"] if topic.compacted else ["delete"])
    assert config["max.message.bytes"] == topic.max_bytes
    assert ("retention.ms" in config) is not topic.compacted


@pytest.mark.parametrize("event", CLASSES, ids=name_of)
def test_an_event_is_described_as_avro_and_as_json(event: type[Event]) -> None:
    messages = DOCUMENT["components"]["messages"]
    avro, plain = messages[event.type_name()], messages[f"{event.type_name()}.json"]

    assert avro["payload"]["schema"]["name"] == event.__name__
    assert plain["payload"]["$ref"] == f"#/components/schemas/{event.__name__}"
    assert event.id_over in avro["description"]


@pytest.mark.parametrize("event", CLASSES, ids=name_of)
def test_the_described_avro_is_the_contract(event: type[Event]) -> None:
    described = DOCUMENT["components"]["messages"][event.type_name()]["payload"]["schema"]

    assert codec._fingerprint(parse_schema(described)) == codec._fingerprint(load_schema(str(path_of(event))))


def test_every_reference_leads_somewhere() -> None:
    for reference in _references(DOCUMENT):
        place: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            assert part in place, reference
            place = place[part]


def test_the_headers_are_those_that_events_carry() -> None:
    carried = dict(event_headers(moved(), JSON_CONTENT, b"1" * 32, b"0.1.0"))
    described = DOCUMENT["components"]["schemas"]["Headers"]

    assert set(described["required"]) == set(described["properties"]) == set(carried)
    for name, about in described["properties"].items():
        value = carried[name].decode()
        assert value == about.get("const", value)
        assert re.search(about.get("pattern", ""), value)


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        part = list(part.values())
    if isinstance(part, list):
        for item in part:
            yield from _references(item)


# -- the page of events


def test_the_page_names_every_topic_and_every_event() -> None:
    page = docs.events_page()

    assert [topic.name for topic in TOPICS if f"| `{topic.name}` |" not in page] == []
    assert [name for name in event_classes() if f"\n### {name}\n" not in page] == []


# -- metrics


class Metric(NamedTuple):
    name: str
    kind: str
    labels: tuple[str, ...]


KINDS = {"Counter": "counter", "Gauge": "gauge", "Histogram": "histogram", "Summary": "summary"}
ROW = re.compile(r"^\| `(awoooi_\w+)` \| (\w+) \| ([^|]*) \| \S.* \|$", re.MULTILINE)


def test_the_page_of_metrics_lists_what_the_code_registers() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text()
    described = [
        Metric(name, kind, tuple(re.findall(r"`(\w+)`", labels))) for name, kind, labels in ROW.findall(page)
    ]

    assert sorted(described) == sorted(_metrics(ROOT))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('X = Counter("awoooi_x_total", "told", ["a"])', Metric("awoooi_x_total", "counter", ("a",))),
        (
            'X = prom.Gauge("awoooi_x", "told", labelnames=("a", "b"))',
            Metric("awoooi_x", "gauge", ("a", "b")),
        ),
        ('X = Described("awoooi_x_total", "told", ("a",))', Metric("awoooi_x_total", "counter", ("a",))),
        ('X = Described("awoooi_x", "told", buckets=(1.0,))', Metric("awoooi_x", "histogram", ())),
        ('X = Described("awoooi_x", "told")', Metric("awoooi_x", "gauge", ())),
        ('def f():\n    self.x = Histogram("awoooi_x", "told")', Metric("awoooi_x", "histogram", ())),
    ],
)
def test_a_metric_is_found_however_it_is_written(text: str, found: Metric, tmp_path: Path) -> None:
    (tmp_path / "streams").mkdir()
    (tmp_path / "streams" / "a.py").write_text(text)

    assert list(_metrics(tmp_path)) == [found]


def _metrics(root: Path) -> Iterator[Metric]:
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and _is_metric(node):
                    yield _metric(node)


def _is_metric(node: ast.Call) -> bool:
    first = node.args[0] if node.args else None
    known = _called(node) in KINDS or _called(node) == "Described"
    return known and isinstance(first, ast.Constant) and str(first.value).startswith("awoooi_")


def _metric(node: ast.Call) -> Metric:
    named = {keyword.arg: keyword.value for keyword in node.keywords}
    name = ast.literal_eval(node.args[0])
    labels = node.args[2] if len(node.args) > 2 else named.get("labelnames", named.get("labels"))
    kind = KINDS.get(_called(node)) or _described_kind(name, "buckets" in named or len(node.args) > 3)
    return Metric(name, kind, () if labels is None else tuple(ast.literal_eval(labels)))


def _described_kind(name: str, has_buckets: bool) -> str:
    if has_buckets:
        return "histogram"
    return "counter" if name.endswith("_total") else "gauge"


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


# -- links


PAGES = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "*/README.md", "*/*/README.md")
    for path in ROOT.glob(pattern)
    if not path.relative_to(ROOT).parts[0].startswith(".")
)
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)\s]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_link_leads_to_a_file(page: Path) -> None:
    links = [link for link, _ in LINK.findall(page.read_text()) if "://" not in link]

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_a_link_within_the_page_of_events_leads_to_a_heading() -> None:
    page = docs.events_page()
    headings = {
        re.sub(r"[^\w\- ]", "", heading).replace(" ", "-").lower()
        for heading in re.findall(r"^#+ (.*)$", page, re.M)
    }

    assert set(re.findall(r"\]\(#([^)]*)\)", page)) <= headings


# -- the page of safety


SAFETY = (ROOT / "docs" / "safety.md").read_text()
INDEX = SAFETY[SAFETY.index("## All of it, and where it is shown") :]
SHOWN_BY = re.compile(r"`((?:benchmarks/)?[\w/]+\.py)(?:::(test_\w+))?`")
NAMED = sorted({(path, name or "") for path, name in SHOWN_BY.findall(INDEX)})
MENTIONED = sorted(set(re.findall(r"`(?:tests/)?([\w/]+/)?(test_\w+(?:\.py|…)?)`", SAFETY)))


def test_the_index_of_safety_was_read() -> None:
    assert len(NAMED) > 50
    rows = [line for line in INDEX.splitlines() if line.startswith("| ") and "---" not in line]
    without = [row for row in rows if not SHOWN_BY.search(row) and not row.endswith("shown by |")]
    assert without == [], "each row names what shows it"


@pytest.mark.parametrize(("path", "name"), NAMED, ids=lambda part: part.rpartition("/")[2])
def test_what_the_index_of_safety_names_is_there(path: str, name: str) -> None:
    file = ROOT / (path if path.startswith("benchmarks/") else f"tests/{path}")
    assert file.is_file()
    assert not name or re.search(rf"^(?:    )?(?:async )?def {name}\(", file.read_text(), re.MULTILINE)


@pytest.mark.parametrize(("folder", "name"), MENTIONED, ids=lambda part: part.removesuffix("/"))
def test_what_the_page_of_safety_mentions_is_there(folder: str, name: str) -> None:
    """A file, or the beginning of a test's name."""
    if name.endswith(".py"):
        assert [path for path in _test_files() if path.as_posix().endswith(f"/{folder}{name}")]
    else:
        begins = re.compile(rf"def {name.removesuffix('…')}")
        assert [path for path in _test_files() if begins.search(path.read_text())]


@cache
def _test_files() -> tuple[Path, ...]:
    return tuple((ROOT / "tests").rglob("test_*.py"))

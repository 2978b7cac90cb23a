"""Sources that a file describes: what they read, what they refuse, what a wrong file is told."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from connectors.alerts.detection import AUTO, detect
from connectors.alerts.expressions import Expression, Look
from connectors.alerts.mapped import read_mappings
from connectors.alerts.registry import sources
from connectors.alerts.source import RawAlert, Source
from schemas.alert import AlertStatus, ResourceType, Severity
from schemas.errors import BadPayload, Misconfigured
from tests.connectors.alerts.payloads import RECEIVED_AT

FIRING, RESOLVED = AlertStatus.FIRING, AlertStatus.RESOLVED


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mappings.yaml"


def mapped(file: Path, **fields: Any) -> Source:
    file.write_text(json.dumps({"mappings": {"mine": {"title": "name", **fields}}}))
    return read_mappings(file, sources([]))["mine"]


def alert(file: Path, payload: Any, **fields: Any) -> RawAlert:
    (found,) = mapped(file, **fields).read(payload, RECEIVED_AT)
    return found


def refused(file: Path, payload: Any, **fields: Any) -> str:
    source = mapped(file, **fields)
    with pytest.raises(BadPayload) as told:
        source.read(payload, RECEIVED_AT)
    return str(told.value)


def test_the_least_mapping_has_a_title_alone(file: Path) -> None:
    assert alert(file, {"name": "[FIRING] Disk full"}) == RawAlert(
        "Disk full", Severity.WARNING, "mine", "Disk full", FIRING
    )


@pytest.mark.parametrize(
    ("given", "fields", "status"),
    [
        ("open", {}, FIRING),
        ("OK", {}, RESOLVED),
        (1, {"values": {"status": {1: "firing", 2: "resolved"}}}, FIRING),
        ("2", {"values": {"status": {1: "firing", 2: "resolved"}}}, RESOLVED),
        (True, {"values": {"status": {"true": "firing"}}}, FIRING),
        ("Gone Away", {"values": {"status": {"gone away": "resolved"}}}, RESOLVED),
        (None, {}, FIRING),
        (None, {"defaults": {"status": "resolved"}}, RESOLVED),
        (None, {"ends_at": "ended"}, RESOLVED),
    ],
    ids=["usual", "any case", "number", "number as text", "boolean", "own word", "none", "default", "ended"],
)
def test_a_status_is_read_in_the_senders_words(file: Path, given: Any, fields: Any, status: Any) -> None:
    payload = {"name": "x", "state": given, "ended": "2026-01-01T00:00:00Z"}
    assert alert(file, payload, status="state", **fields).status is status


@pytest.mark.parametrize(
    ("given", "fields", "severity"),
    [
        ("P1", {}, Severity.CRITICAL),
        ("odd", {}, Severity.INFO),
        (None, {}, Severity.WARNING),
        (None, {"defaults": {"severity": "critical"}}, Severity.CRITICAL),
        (7, {"values": {"severity": {"7": "critical"}}}, Severity.CRITICAL),
        ("P1", {"values": {"severity": {"p1": "info"}}}, Severity.INFO),
    ],
    ids=["general table", "unknown", "none", "default", "own number", "own word is stronger"],
)
def test_a_severity_is_read_in_the_senders_words(
    file: Path, given: Any, fields: Any, severity: Severity
) -> None:
    assert alert(file, {"name": "x", "level": given}, severity="level", **fields).severity is severity


def test_a_resource_is_named_by_its_expression_or_by_the_labels(file: Path) -> None:
    payload = {"name": "x", "tags": ["pod:cart-1", "namespace:shop"], "machine": "m-1", "kind": "Blade"}
    by_label = alert(file, payload, labels_from="tags")
    assert (by_label.target_resource, by_label.resource_type) == ("cart-1", ResourceType.POD)
    assert by_label.namespace == "shop"
    fields = {"resource": "machine", "resource_type": "kind", "labels_from": "tags"}
    named = alert(file, payload, **fields, values={"resource_type": {"blade": "node"}})
    assert (named.target_resource, named.resource_type) == ("m-1", ResourceType.NODE)
    unknown = alert(file, payload, **fields)
    assert (unknown.target_resource, unknown.resource_type) == ("m-1", None)


def test_an_alerts_own_is_stronger_than_what_is_shared_and_that_than_defaults(file: Path) -> None:
    fields = {
        "each": "list",
        "cluster": "c",
        "labels": {"a": "a"},
        "shared": {"cluster": "c", "labels": {"a": "a", "b": "b"}, "metrics": {"m": "m"}},
        "defaults": {"cluster": "default", "labels": {"a": "0", "b": "0", "c": "0"}},
    }
    payload = {"c": "shared", "a": "1", "b": "1", "m": "1.5", "list": [{"name": "x", "c": "own", "a": "2"}]}
    found = alert(file, payload, **fields)
    assert (found.cluster, found.labels) == ("own", {"a": "2", "b": "1", "c": "0"})
    assert found.metrics == {"m": 1.5}
    assert alert(file, {"list": [{"name": "x"}]}, **fields).cluster == "default"


@pytest.mark.parametrize(
    ("payload", "fields", "says"),
    [
        ({}, {}, "title: is missing: `name` finds nothing"),
        ("text", {}, "title: is missing: `name` finds nothing"),
        ({"name": {"deep": 1}}, {}, "title: must be text, not an object"),
        ({"name": "x", "s": "odd"}, {"status": "s"}, "status: must be one of firing, "),
        ({"name": "x", "t": "soon"}, {"fired_at": "t"}, "fired_at: must be a time"),
        ({"name": "x", "m": [1]}, {"metrics": {"m": "m"}}, "metrics.m: must be a number"),
        ({"name": "x", "l": {}}, {"labels": {"a": "l"}}, "labels.a: must be text, not an object"),
        ({"name": "x"}, {"each": "list"}, "each: is missing: `list` finds nothing"),
        ({"list": "x"}, {"each": "list"}, "each: must be a list, not text"),
        ({"list": [{"name": "x"}, 1]}, {"each": "list"}, "1.title: is missing"),
        ({"list": [1] * 10_001}, {"each": "list"}, "each: holds 10001 alerts"),
        ({"name": 5}, {"message": "length(name)"}, "message: does not fit `length(name)`: length() takes no"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) > 4 else "",
)
def test_what_does_not_fit_is_refused_by_field(file: Path, payload: Any, fields: Any, says: str) -> None:
    assert refused(file, payload, **fields).startswith(says)


def test_a_mapping_is_detected_only_where_it_says_how(file: Path) -> None:
    ours = {"name": "x", "vendor": "mine"}
    named = mapped(file, detect="vendor == 'mine'")
    assert detect(ours, {**sources([]), "mine": named}) is named
    assert not named.detects({"name": "x"})
    assert not named.detects([ours])
    assert not mapped(file).detects(ours)
    assert not mapped(file, detect="length(vendor) == `4`").detects({"vendor": 4})


def test_a_hostile_payload_cannot_make_an_expression_work_on(file: Path) -> None:
    hostile = {"name": "x", "tags": [{"k": "v"}] * 200_000}
    fields = {f"l{i}": "tags[?k=='x'].v | [0]" for i in range(50)}
    began = time.process_time()
    assert "too large for `tags[?k=='x'].v | [0]`" in refused(file, hostile, labels=fields)
    assert time.process_time() - began < 10
    assert not mapped(file, detect="tags[?k=='x']").detects(hostile)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "mappings:\n  mine: {}",
            ":2: mappings.mine: title is missing: an expression, or a text in defaults",
        ),
        (
            "mappings:\n  mine:\n    title: a..b",
            ":3: mappings.mine.title: no JMESPath: '.' cannot stand there",
        ),
        ("mappings:\n  mine:\n    title: 'a['", ":3: mappings.mine.title: no JMESPath: it ends too early"),
        ("mappings:\n  mine:\n    title: 'a.#'", ":3: mappings.mine.title: no JMESPath: Unknown token #"),
        ("mappings:\n  mine:\n    title: ''", ":3: mappings.mine.title: an empty expression"),
        (
            "mappings:\n  mine:\n    title: foo(a)",
            ":3: mappings.mine.title: no such function: foo(); there are: abs",
        ),
        (
            "mappings:\n  mine:\n    title: length()",
            ":3: mappings.mine.title: length() takes 1 values, not 0",
        ),
        ("mappings:\n  mine:\n    title: 5", ":3: mappings.mine.title: must be a JMESPath expression"),
        (f"mappings:\n  mine:\n    title: {'a' * 501}", ":3: mappings.mine.title: an expression of over 500"),
        (f"mappings:\n  mine:\n    title: {'(' * 400}", ":3: mappings.mine.title: no JMESPath"),
        (
            "mappings:\n  mine:\n    title: a\n    labels:\n      x: 'b['",
            ":5: mappings.mine.labels.x: no JMESPath",
        ),
        (
            "mappings:\n  mine:\n    title: a\n    sevrity: b",
            ":4: mappings.mine.sevrity: no such field (did you mean severity?); allowed: ",
        ),
        (
            "mappings:\n  mine:\n    title: a\n    values:\n      severity:\n        A: worst",
            ":6: mappings.mine.values.severity.A: Input should be 'info', 'warning' or 'critical'",
        ),
        (
            "mappings:\n  mine:\n    title: a\n    values:\n      status: {on: firing}",
            ":5: mappings.mine.values.status: YAML reads yes, no, on, off, true, false as booleans",
        ),
        ("mappings:\n  grafana:\n    title: a", ":2: mappings.grafana: the name is taken by a built-in"),
        ("mappings:\n  auto:\n    title: a", ":2: mappings.auto: the name is taken by a built-in"),
        ("mappings:\n  My Own:\n    title: a", ":2: mappings.My Own: a source's name is small letters"),
        ("mappings:\n  a:\n    title: a\n  a:\n    title: b", ":4: a stands twice"),
        ("mapping: {}", ":1: mapping: no such field (did you mean mappings?)"),
    ],
    ids=lambda text: text.partition(": ")[2][:50] if text.startswith(":") else "",
)
def test_a_wrong_file_is_told_by_its_line(file: Path, text: str, says: str) -> None:
    file.write_text(text)
    with pytest.raises(Misconfigured) as told:
        read_mappings(file, sources([]))
    assert f"{file}{says}" in str(told.value)


def test_a_wrong_name_is_told_with_all_else(file: Path) -> None:
    file.write_text("mappings:\n  grafana:\n    titel: a\n  My Own:\n    title: a..b\n  mine: {title: a}")
    with pytest.raises(Misconfigured) as told:
        read_mappings(file, sources([]))
    assert [line.removeprefix(f"{file}:")[:38] for line in str(told.value).splitlines()] == [
        "2: mappings.grafana: the name is taken",
        "3: mappings.grafana.titel: no such fie",
        "4: mappings.My Own: a source's name is",
        "5: mappings.My Own.title: no JMESPath:",
    ]


def test_a_file_that_is_not_there_is_called_so(file: Path) -> None:
    with pytest.raises(Misconfigured, match=r"mappings file .*mappings\.yaml cannot be read"):
        read_mappings(file, {})


PLAIN = {"a": {"b": [{"c": 1}, {"c": None}], "d.e": 2}, "n": None, "t": "text", "l": []}


@pytest.mark.parametrize(
    "text",
    ["a", "a.b[0].c", "a.b[-1].c", "a.b[7].c", 'a."d.e"', "n.x", "t.x", "t[0]", "l[0]", "[0]", "x", "@"],
)
@pytest.mark.parametrize("value", [PLAIN, [PLAIN], "text", None], ids=["object", "list", "text", "null"])
def test_a_plain_path_finds_what_the_library_finds(text: str, value: Any) -> None:
    import jmespath

    assert Expression(text).of(value, Look(0 if text != "@" else 1)) == jmespath.search(text, value)


def test_auto_is_no_name_of_a_mapping(file: Path) -> None:
    assert AUTO not in {mapped(file).name}

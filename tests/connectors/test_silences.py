"""Silences and maintenance windows, however they are written down."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from connectors.evidence import Unavailable, Wanted
from connectors.silences import DAY_MS, LONGEST_PATTERN, Known, Matcher, Silences, read_json
from schemas.envelope import from_millis

NOW = 1_800_000_000_000
MINUTE = 60_000


def wanted(**more: Any) -> Wanted:
    facts: dict[str, Any] = {
        "project_id": "default",
        "incident_id": "INC-1",
        "run_id": "run-1",
        "fingerprint": "ab" * 8,
        "alert_type": "HighCPU",
        "severity": "critical",
        "cluster": "eu",
        "namespace": "shop",
        "kind": "pod",
        "name": "web-1",
        "labels": {"team": "red"},
        "metrics": {},
        "opened_at": NOW,
        "now": NOW,
    }
    return Wanted(**{**facts, **more})


def silence(**more: Any) -> dict[str, Any]:
    facts = {"matchers": [{"name": "namespace", "value": "shop"}], "starts_at": NOW - MINUTE, "ends_at": None}
    return {**facts, **more}


async def gathered(*values: Any, **about: Any) -> list[Any]:
    kept = {
        b"s%d" % number: value if isinstance(value, bytes) else orjson.dumps(value)
        for number, value in enumerate(values)
    }
    return list(await Silences(lambda: kept).gather(wanted(**about)))


async def test_an_active_silence_says_until_when_by_whom_and_why() -> None:
    told = silence(id="S1", ends_at=NOW + MINUTE, comment="moving it", by="dana")
    [found] = await gathered(told)
    assert found.text == (
        "silence S1, active, from 2027-01-15 07:59 UTC until 2027-01-15 08:01 UTC by dana: moving it"
    )
    assert found.words == {"state": "active", "id": "S1"}


WRITTEN: list[tuple[str, dict[str, Any]]] = [
    ("a mapping of labels", silence(matchers={"namespace": "shop"})),
    ("ISO times", silence(starts_at="2027-01-15T07:00:00Z", ends_at="2027-01-15T09:00:00+00:00")),
    ("ISO without a zone is UTC", silence(starts_at="2027-01-15T07:00:00")),
    ("an event's payload", {"type": "silence.set", "project_id": "default", "payload": silence()}),
    ("of this project", silence(project_id="default")),
    ("with fields of later versions", silence(version=7, approvals=[{"by": "x"}])),
    ("the alert's type", silence(matchers={"alertname": "HighCPU"})),
    ("its target by kind", silence(matchers={"pod": "web-1"})),
    ("a label as sent", silence(matchers={"team": "red"})),
    ("a label that is not there", silence(matchers={"nothing": ""})),
    ("an expression", silence(matchers=[{"name": "pod", "value": "web-.*|api-.+", "regex": True}])),
    ("a maintenance window", silence(kind="maintenance")),
    ("one that begins within the hour", silence(starts_at=NOW + 30 * MINUTE)),
    ("one that ended an hour ago", silence(ends_at=NOW - 60 * MINUTE, starts_at=NOW - 120 * MINUTE)),
]


@pytest.mark.parametrize("told", [case[1] for case in WRITTEN], ids=[case[0] for case in WRITTEN])
async def test_a_silence_about_this_alert_is_evidence(told: dict[str, Any]) -> None:
    [found] = await gathered(told)
    assert found.words["state"] != "unknown"


OTHERS: list[tuple[str, dict[str, Any]]] = [
    ("of another project", silence(project_id="bank")),
    ("of another namespace", silence(matchers={"namespace": "bank"})),
    ("one matcher of two", silence(matchers={"namespace": "shop", "team": "blue"})),
    ("without matchers", silence(matchers=[])),
    ("over for two days", silence(starts_at=NOW - 4000 * MINUTE, ends_at=NOW - 3000 * MINUTE)),
    ("of next week", silence(starts_at=NOW + 10_000 * MINUTE)),
    ("an expression of others", silence(matchers=[{"name": "pod", "value": "api-.*", "regex": True}])),
    ("not an expression", silence(matchers=[{"name": "pod", "value": "web-.*"}])),
]


@pytest.mark.parametrize("told", [case[1] for case in OTHERS], ids=[case[0] for case in OTHERS])
async def test_one_about_something_else_is_none(told: dict[str, Any]) -> None:
    assert await gathered(told) == []


RUBBISH: list[tuple[str, Any]] = [
    ("no JSON", b"\xff\xfe"),
    ("nothing", b""),
    ("null", None),
    ("a list", []),
    ("no matchers", {"starts_at": NOW}),
    ("no times", {"matchers": {"a": "b"}}),
    ("no such time", silence(starts_at="yesterday")),
    ("matchers of the wrong kind", silence(matchers=7)),
    ("a matcher without a value", silence(matchers=[{"name": "a"}])),
    ("far too many matchers", silence(matchers=[{"name": "a", "value": "b"}] * 1000)),
    (
        "an expression that is not understood",
        silence(matchers=[{"name": "pod", "value": "(?i)web", "regex": True}]),
    ),
]


@pytest.mark.parametrize("told", [case[1] for case in RUBBISH], ids=[case[0] for case in RUBBISH])
async def test_what_cannot_be_read_is_said_and_takes_nothing_else_along(told: Any) -> None:
    found = await gathered(told, silence())
    assert [one.words["state"] for one in found] == ["active", "unknown"]
    assert "1 silence is written in a way that is not understood" in found[1].text


async def test_many_are_bounded() -> None:
    assert len(await gathered(*[silence() for _ in range(500)])) == 20


async def test_where_nobody_reads_them_they_are_unavailable() -> None:
    def not_read() -> Mapping[bytes, bytes]:
        raise Unavailable("the silences are not read here")

    with pytest.raises(Unavailable, match="not read here"):
        await Silences(not_read).gather(wanted())


EXPRESSIONS: list[tuple[str, str, bool]] = [
    ("a.*c", "abc", True),
    ("a.*c", "ac", True),
    ("a.+c", "ac", False),
    ("a.+c", "abc", True),
    (".*", "", True),
    (".+", "", False),
    (".+", "x", True),
    (".*-db-.*", "shop-db-0", True),
    (".*-db-.*", "shop-dbx-0", False),
    ("a.*a", "a", False),
    ("a.*b.*a", "aba", True),
    ("a.+b.+a", "aba", False),
    (r"10\.0\..*", "10.0.7.1", True),
    (r"10\.0\..*", "10a0.7.1", False),
    ("a|b", "b", True),
    ("a|b", "ab", False),
    ("plain", "plain", True),
    ("pre.*", "prefix", True),
    (".*fix", "prefix", True),
    (".*fix", "fixed", False),
    ("a.*\nb", "ax\nb", True),
]


@pytest.mark.parametrize(("pattern", "value", "fits"), EXPRESSIONS)
def test_expressions_match_the_whole_value(pattern: str, value: str, fits: bool) -> None:
    assert Matcher("x", pattern, regex=True).matches({"x": value}) is fits


def test_no_value_makes_an_expression_slow() -> None:
    pattern = ".*a" * (LONGEST_PATTERN // 3)
    began = time.monotonic()
    assert not Matcher("x", pattern, regex=True).matches({"x": "a" * 100 + "b" * 10_000})
    assert time.monotonic() - began < 0.1


async def test_a_decoder_of_events_may_be_given() -> None:
    read = {"payload": silence(starts_at=from_millis(NOW - MINUTE), matchers={"namespace": "shop"})}
    [found] = await Silences(lambda: {b"k": b"avro"}, lambda value: read).gather(wanted())
    assert found.words["id"] == "k"


class Topic(dict[bytes, bytes]):
    """A view's values, and how often they were gone through."""

    looks = 0

    def items(self) -> Any:
        self.looks += 1
        return super().items()

    def set(self, name: str, **told: Any) -> None:
        self[name.encode()] = orjson.dumps(silence(id=name, **told))


class Asked:
    """What is known of a topic on which one is over, one not for long, and one lasts."""

    def __init__(self, *, versioned: bool = True) -> None:
        self.topic, self.version, self.read = Topic(), 1, list[bytes]()
        self.topic.set("over", ends_at=NOW - 3 * DAY_MS)
        self.topic.set("near", ends_at=NOW - DAY_MS + 1)
        self.topic.set("lasts")
        self.known = Known(self._reads, (lambda: self.version) if versioned else None)

    def _reads(self, value: bytes) -> Any:
        self.read.append(value)
        return read_json(value)

    def at(self, now: int) -> list[str]:
        return [one.id for one in self.known.lasting(self.topic, now) if one]


def test_what_is_over_for_days_costs_nothing_until_more_is_read() -> None:
    asked = Asked()
    assert [asked.at(NOW) for _ in range(3)] == [["near", "lasts"]] * 3
    assert (asked.topic.looks, len(asked.read)) == (1, 3)

    asked.topic.set("new")
    asked.version += 1
    assert asked.at(NOW) == ["near", "lasts", "new"]
    assert (asked.topic.looks, len(asked.read)) == (2, 4), "and what was over is not read again"


@pytest.mark.parametrize("versioned", [True, False], ids=["versioned", "without a version"])
def test_another_moment_or_a_new_word_finds_what_was_over(versioned: bool) -> None:
    asked = Asked(versioned=versioned)
    assert asked.at(NOW) == ["near", "lasts"]
    assert asked.at(NOW - 3 * DAY_MS) == ["over", "near", "lasts"]
    assert asked.at(NOW) == ["near", "lasts"]

    asked.topic.set("over", ends_at=NOW + 1)
    asked.version += 1
    assert asked.at(NOW) == ["over", "near", "lasts"]


def test_what_was_taken_off_the_topic_is_forgotten() -> None:
    asked = Asked(versioned=False)
    for number in range(100):
        asked.topic.set(f"old-{number}", ends_at=NOW - 3 * DAY_MS)
    asked.at(NOW)
    asked.topic.clear()
    assert asked.at(NOW) == []
    assert not asked.known._over

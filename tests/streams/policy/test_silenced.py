"""Who asked for quiet around a target, as the gate and the executor ask."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.decision import RcaDecided
from schemas.operations import Target
from schemas.silence import LabelMatcher, SilenceSet, silence_key
from streams.policy.silenced import NOT_READ, Quiet
from tests.schemas.golden_events import golden
from tests.streams.silences import CODEC, kept, silence

NOW = 1_800_000_000_000
HOUR = 3_600_000
TARGET = Target(cluster="eu-1", namespace="shop", kind="pod", name="web-1", id="t1")


def matcher(name: str, value: str, **more: bool) -> tuple[LabelMatcher, ...]:
    return (LabelMatcher(name=name, value=value, **more),)


def quiet(*events: SilenceSet, **others: bytes) -> Quiet:
    values = kept(*events) | {key.encode(): value for key, value in others.items()}
    return Quiet(CODEC, lambda: values)


COVERING: dict[str, dict[str, Any]] = {
    "a namespace": {},
    "its cluster": {"matchers": matcher("cluster", "eu-1")},
    "its name": {"matchers": matcher("pod", "web-[0-9]+", regex=True)},
    "another is not meant": {"matchers": matcher("namespace", "bank", negated=True)},
    "no other expression": {"matchers": matcher("pod", "api-.*", regex=True, negated=True)},
    "everything": {"matchers": (), "everything": True},
    "a window": {"kind": "maintenance"},
    "until later": {"ends_at": NOW + 1},
}


@pytest.mark.parametrize("told", COVERING.values(), ids=COVERING)
def test_what_covers_a_target_holds_it_back(told: dict[str, Any]) -> None:
    known = quiet(silence(at=NOW - HOUR, **told))
    assert "S1: moving it" in known.silenced_at("default", TARGET, NOW)
    assert known.frozen("default", TARGET, NOW) == ""


OTHERS: dict[str, dict[str, Any]] = {
    "another namespace": {"matchers": matcher("namespace", "bank")},
    "it is what is not meant": {"matchers": matcher("namespace", "shop", negated=True)},
    "nothing": {"matchers": ()},
    "over": {"ends_at": NOW},
    "yet to come": {"starts_at": NOW + 1},
    "another project": {"project": "bank"},
}


@pytest.mark.parametrize("told", OTHERS.values(), ids=OTHERS)
def test_what_is_about_something_else_does_not(told: dict[str, Any]) -> None:
    assert quiet(silence(at=NOW - HOUR, **told)).silenced_at("default", TARGET, NOW) == ""


def test_a_freeze_is_asked_for_apart() -> None:
    known = quiet(silence(at=NOW - HOUR, kind="freeze"))
    assert known.frozen("default", TARGET, NOW) == "freeze S1: moving it"
    assert known.silenced_at("default", TARGET, NOW) == ""


def test_the_subject_brings_its_own_labels() -> None:
    decided: RcaDecided = golden("rca.decided")
    assert decided.payload.brief is not None
    subject = decided.payload.brief.subject
    known = quiet(silence(at=NOW, matchers=matcher("alertname", subject.alert_type)))
    assert known.silenced("default", subject, NOW) != ""
    assert known.silenced("bank", subject, NOW) == ""


UNCLEAR = matcher("pod", "(?i)web", regex=True)


def test_what_is_not_understood_is_in_doubt_for_its_project_while_it_lasts() -> None:
    known = quiet(silence(at=NOW - HOUR, ends_at=NOW + HOUR, matchers=UNCLEAR))
    assert "not understood" in known.silenced_at("default", TARGET, NOW)
    assert "not understood" in known.frozen("default", TARGET, NOW)
    assert known.silenced_at("bank", TARGET, NOW) == ""
    assert known.silenced_at("default", TARGET, NOW + HOUR) == ""


def test_rubbish_and_what_stands_under_anothers_key_are_in_doubt() -> None:
    [value] = kept(silence(at=NOW - HOUR, matchers=matcher("namespace", "bank"))).values()
    for known in (quiet(x=b"\xc3\x01 rubbish"), quiet(anothers=value)):
        assert "not understood" in known.silenced_at("default", TARGET, NOW)


def test_while_nobody_knows_it_is_in_doubt() -> None:
    known = Quiet(CODEC, lambda: None)
    assert known.silenced_at("default", TARGET, NOW) == NOT_READ
    assert known.frozen("default", TARGET, NOW) == NOT_READ
    assert known.covering("default", {}, NOW) == []
    assert not known.is_read


def test_an_old_word_is_known_and_a_newer_one_is_not() -> None:
    known, key = quiet(silence(at=NOW)), silence_key("default", "S1")
    assert [known.is_set(key, at) for at in (NOW - 1, NOW, NOW + 1)] == [True, True, False]
    assert not known.is_set(silence_key("default", "S2"), NOW)
    assert (known.state(key, NOW), known.state("default/S2", NOW)) == ("active", "")


def test_what_is_over_is_looked_at_once() -> None:
    values, read = kept(silence(at=NOW - HOUR, ends_at=NOW - 1), silence("S2", at=NOW - HOUR)), 2
    known = Quiet(CODEC, lambda: values, lambda: read)
    labels = {"namespace": "shop"}
    assert [one.id for one in known.covering("default", labels, NOW)] == ["S2"]
    values |= kept(silence("S3", at=NOW))
    assert [one.id for one in known.covering("default", labels, NOW)] == ["S2"]
    read = 3
    assert [one.id for one in known.covering("default", labels, NOW)] == ["S2", "S3"]
    assert known.covering("default", labels, NOW - HOUR - 1) == []

"""Right before an effect: what somebody with write access to the topics made is done by nobody."""

from __future__ import annotations

import pytest

from streams.policy.recheck import CHECKS, Check, Objection, may_act
from streams.policy.refusals import Refusal
from tests.streams.policy.forgeries import (
    FORGERIES,
    SINCE,
    Forgery,
    Make,
    approved,
    automatic,
    insider,
    policy,
    today,
)
from tests.streams.stages.verifying import undo_of

ALL = FORGERIES | SINCE


def reason_of(forgery: Forgery, *, trusted: bool = False, without: Objection | None = None) -> str:
    checks = tuple(check for check in CHECKS if check.reason is not without)
    event = insider(forgery.make()) if trusted else forgery.make()
    objected = may_act(event, forgery.today(), checks)
    assert objected is None or objected.sentence
    return objected.reason if objected else ""


@pytest.mark.parametrize("written", [approved, automatic])
def test_what_the_stages_wrote_is_done(written: Make) -> None:
    assert may_act(written(), today()) is None


def test_a_policy_that_decides_the_same_changes_nothing() -> None:
    newer = today(policy=policy("version: 1", "version: 2"))

    assert may_act(approved(), newer) is None
    assert may_act(automatic(), newer) is None


def test_a_silence_since_then_holds_back_what_nobody_signed() -> None:
    silenced = today(silence="silence S1: moving it")
    objected = may_act(automatic(), silenced)

    assert objected is not None
    assert objected.reason == Objection.NOT_AUTOMATIC
    assert "silence S1: moving it" in objected.sentence
    assert may_act(approved(), silenced) is None, "a person has seen it"
    assert may_act(undo_of(), silenced) is None, "what failed is taken back"


@pytest.mark.parametrize("forgery", ALL.values(), ids=ALL)
def test_each_is_refused_for_its_own_reason(forgery: Forgery) -> None:
    assert reason_of(forgery) == forgery.reason


OWN = {name: one for name, one in FORGERIES.items() if one.reason != Objection.UNPROVEN}


@pytest.mark.parametrize("forgery", OWN.values(), ids=OWN)
def test_what_has_a_reason_of_its_own_is_refused_under_a_good_proof_too(forgery: Forgery) -> None:
    assert reason_of(forgery, trusted=True) == forgery.reason


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.reason.value)
def test_each_check_alone_is_noticed_when_it_is_off(check: Check) -> None:
    of_signatures = set(Refusal) if check.reason is Objection.SIGNATURES else set()
    caught = [one for one in ALL.values() if one.reason == check.reason or one.reason in of_signatures]
    trusted = check.reason is not Objection.UNPROVEN

    assert any(reason_of(one, trusted=trusted, without=check.reason) != one.reason for one in caught)

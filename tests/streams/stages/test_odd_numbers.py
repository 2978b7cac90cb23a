"""A number that is none, by an agent gone wrong: nothing acts on it, and a person hears of the run."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.catalog import key_of
from schemas.codec import Codec
from schemas.decision import RcaDecided
from schemas.envelope import Plain, as_plain
from schemas.errors import Unreadable
from schemas.headers import event_headers
from schemas.outcome import Outcome
from schemas.plan import Action
from schemas.trust import TrustScore
from tests.schemas.golden_events import golden
from tests.streams.debates import DEADLINE_SECS, Debates, only
from tests.streams.policy.test_switches import LIFTED
from tests.streams.stages.test_gate import OPTED_IN, Gates, decided

ODD = [math.nan, math.inf, -math.inf, -0.1, 1e308]
TURNS = {"diagnose": "rca.diagnoses", "critique": "rca.critiques"}


def with_odd(plain: Any, odd: float) -> Any:
    """Every confidence in it is that number."""
    if isinstance(plain, dict):
        return {
            name: odd if name == "confidence" and value is not None else with_odd(value, odd)
            for name, value in plain.items()
        }
    return [with_odd(one, odd) for one in plain] if isinstance(plain, list | tuple) else plain


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("stage", TURNS)
async def test_a_turn_with_a_number_that_is_none_leaves_the_run_to_a_person(stage: str, odd: float) -> None:
    whole = await Debates().fire().run()
    [said] = whole.log.events(TURNS[stage])
    story = await Debates(away={stage}).fire().run()
    value = story.codec.encode_plain(type(said), with_odd(as_plain(said), odd))
    headers = event_headers(said, "application/avro", b"1" * 32, b"test")
    story.log.append(TURNS[stage], value, key_of(said), headers)
    await story.run()
    await story.pass_seconds(DEADLINE_SECS + 31).tick()

    assert "confidence" in story.log.events("stage.failed")[0].payload.detail
    told = only(story.log.events("decisions")).payload
    assert told.needs_human
    assert told.outcome != Outcome.AUTO_APPROVED
    assert told.reason
    assert not story.log.events("authorizations")


def as_json(event: RcaDecided, odd: Any) -> bytes:
    """As a Python program of somebody else's would write it."""
    plain = event.model_dump(mode="json")
    plain["payload"]["confidence"] = odd
    return json.dumps(plain).encode()


def sure_and_opted_in() -> Gates:
    story = Gates(away={"preflight"})
    story.set.update([LIFTED, OPTED_IN])
    return story


def write(story: Gates, value: bytes) -> None:
    event = decided(1, story.now)
    story.log.append("rca.decisions", value, key_of(event), event_headers(event, "x", b"1" * 32, b"test"))


def check_a_person_decides(story: Gates) -> None:
    told = only(story.told)
    assert (told.outcome, told.rule) == (Outcome.APPROVAL_REQUIRED, "no_number")
    assert (told.needs_human, told.low_confidence) == (True, True)
    assert told.reason == "no number: confidence"
    assert (told.fused.model, told.fused.value) == (None, None)
    assert "model: no number from 0 to 1" in told.fused.missing
    assert only(story.requests).approval_id, "it can be signed: what would be done is in order"
    assert not story.log.events("authorizations")
    assert not story.log.events("stage.failed")


async def test_without_an_odd_number_it_goes_by_itself() -> None:
    story = sure_and_opted_in()
    await story.decide().check().run()

    assert only(story.told).outcome == Outcome.AUTO_APPROVED


@pytest.mark.parametrize("odd", ODD)
async def test_a_package_with_a_number_that_is_none_asks_a_person(odd: float) -> None:
    story = sure_and_opted_in()
    await story.decide(confidence=odd).check().run()

    check_a_person_decides(story)


@pytest.mark.parametrize("odd", [*ODD, "0.99", "high", None, True, [1.0]], ids=str)
async def test_so_it_does_as_json(odd: Any) -> None:
    story = sure_and_opted_in()
    write(story, as_json(decided(1, story.now), odd))
    await story.check().run()

    check_a_person_decides(story)


def test_no_other_event_is_read_from_what_is_no_json() -> None:
    learned = golden("learning.debate_ended").model_dump(mode="json")
    learned["payload"]["confidence"] = math.nan

    with pytest.raises(Unreadable, match=r"payload\.confidence"):
        Codec().decode(json.dumps(learned).encode())


PARTS = {
    "in the action": ("recommended_action", "blast_radius", 10**6),
    "in what was seen": ("brief", "items", [{"numbers": {"restarts": math.nan}}]),
    "in the cause": ("hypothesis", "confidence", math.inf),
}


@pytest.mark.parametrize(("part", "name", "odd"), PARTS.values(), ids=PARTS)
async def test_where_what_is_signed_is_not_whole_nothing_is_recommended(
    part: str, name: str, odd: Any
) -> None:
    story = sure_and_opted_in()
    event = decided(1, story.now)
    plain = as_plain(event)
    inner = plain["payload"][part]
    inner[name] = [inner[name][0] | one for one in odd] if isinstance(odd, list) else odd
    write(story, story.codec.encode_plain(RcaDecided, plain))
    await story.check().run()

    told = only(story.told)
    assert (told.outcome, told.needs_human, told.action) == (Outcome.SKIPPED, True, None)
    assert part in told.reason
    assert not story.log.events("authorizations")
    assert not story.log.events("stage.failed")


async def test_a_record_with_another_fault_is_a_dead_letter() -> None:
    story = sure_and_opted_in()
    plain = as_plain(decided(1, story.now))
    plain["payload"] |= {"confidence": math.nan, "branch": "whatever"}
    write(story, story.codec.encode_plain(RcaDecided, plain))
    await story.run()

    assert only(story.log.events("stage.failed")).payload.detail
    assert not story.told


@pytest.mark.parametrize(
    ("model", "field", "odd"),
    [(Action, "blast_radius", -1), (Action, "blast_radius", 101), (TrustScore, "score", -1)],
)
def test_no_event_brings_a_count_that_is_none(model: type[Plain], field: str, odd: int) -> None:
    with pytest.raises(ValidationError) as caught:
        model.model_validate({field: odd})

    assert (field,) in {error["loc"] for error in caught.value.errors()}

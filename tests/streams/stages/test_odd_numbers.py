"""A number that is none, by an agent gone wrong: nothing acts on it, and a person hears of the run."""

from __future__ import annotations

import math
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.catalog import key_of
from schemas.envelope import Plain, as_plain
from schemas.headers import event_headers
from schemas.outcome import Outcome
from schemas.plan import Action
from schemas.trust import TrustScore
from tests.streams.debates import DEADLINE_SECS, Debates, only
from tests.streams.policy.test_switches import LIFTED
from tests.streams.stages.test_gate import OPTED_IN, Gates

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


@pytest.mark.parametrize("odd", ODD)
async def test_a_package_with_a_number_that_is_none_is_a_dead_letter(odd: float) -> None:
    story = Gates(away={"preflight"})
    story.set.update([LIFTED, OPTED_IN])
    await story.decide(confidence=odd).check().run()

    assert "confidence" in only(story.log.events("stage.failed")).payload.detail
    assert not story.log.events("authorizations")


@pytest.mark.parametrize(
    ("model", "field", "odd"),
    [(Action, "blast_radius", -1), (Action, "blast_radius", 101), (TrustScore, "score", -1)],
)
def test_no_event_brings_a_count_that_is_none(model: type[Plain], field: str, odd: int) -> None:
    with pytest.raises(ValidationError) as caught:
        model.model_validate({field: odd})

    assert (field,) in {error["loc"] for error in caught.value.errors()}

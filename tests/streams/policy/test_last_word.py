"""Right before an effect the broker itself is asked: of each topic that could forbid it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from schemas.codec import Codec
from schemas.envelope import to_millis
from schemas.errors import BrokerAway
from schemas.silence import LabelMatcher
from streams.policy.exam import Rules
from streams.policy.last_word import ASKED, LastWord
from streams.policy.recheck import Objection, may_act
from streams.policy.verifier import Verifier
from streams.policy.world import world_of
from tests.streams.policy.forgeries import automatic
from tests.streams.policy.test_switches import LIFTED
from tests.streams.silences import kept, silence
from tests.streams.stages.test_gate import OPTED_IN, PROOF_KEY

AT = automatic().recorded_at


class View:
    """Reference topics, of which one cannot be told to be the latest."""

    def __init__(
        self, away: str = "", switches: tuple[tuple[bytes, bytes], ...] = (LIFTED, OPTED_IN)
    ) -> None:
        self.away, self.known = away, {"switches": dict(switches)}

    def values(self, topic: str) -> Mapping[bytes, bytes]:
        return self.known.get(topic, {})

    def offset(self, topic: str) -> int:
        return len(self.values(topic))

    async def reached_end(self, topic: str, timeout_secs: float = 5.0) -> int:
        if topic == self.away:
            raise BrokerAway(f"{topic}: nobody answers")
        return self.offset(topic)


def knows(view: View) -> LastWord:
    world = world_of(Codec(), view.values, view.offset)
    return LastWord(view, world, Verifier(Rules(audience="production")), PROOF_KEY)


async def objection(view: View) -> str:
    word, event = knows(view), automatic()
    objected = may_act(event, word.today(event, AT, await word.doubt(event)))
    return objected.reason if objected else ""


async def test_what_policy_allowed_may_be_done() -> None:
    assert await objection(View()) == ""


@pytest.mark.parametrize(
    ("kind", "namespace", "reason"),
    [
        ("freeze", "", Objection.CHANGE_FREEZE),
        ("freeze", "elsewhere", ""),
        ("silence", "", Objection.NOT_AUTOMATIC),
    ],
)
async def test_what_people_set_is_asked_once_more(kind: str, namespace: str, reason: str) -> None:
    event, view = automatic(), View()
    where = namespace or event.payload.action.step.target.namespace or ""
    matchers = (LabelMatcher(name="namespace", value=where),)
    at = to_millis(AT) - 1000
    view.known["silences"] = kept(silence(at=at, project=event.project_id, kind=kind, matchers=matchers))

    assert await objection(view) == reason


@pytest.mark.parametrize("topic", ["switches", "policies", "signers", "trust", "silences"])
async def test_a_topic_that_may_be_an_old_one_engages_the_kill_switch(topic: str) -> None:
    assert set(ASKED) == {"switches", "policies", "signers", "trust", "silences"}
    assert await objection(View(topic)) == Objection.KILL_SWITCH


@pytest.mark.parametrize(
    ("switches", "reason"),
    [((), Objection.KILL_SWITCH), ((LIFTED,), Objection.NOT_AUTOMATIC)],
    ids=["fresh install", "not opted in"],
)
async def test_the_switches_are_those_of_this_process(
    switches: tuple[tuple[bytes, bytes], ...], reason: str
) -> None:
    assert await objection(View(switches=switches)) == reason

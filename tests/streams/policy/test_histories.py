"""Random histories of signatures: no approval without its quorum, states only go forward; gone is gone.

10,000 in every run, 100,000 with AWOOOI_FULL=1.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from itertools import permutations

import pytest

from streams.policy import approvals
from streams.policy.approvals import Approval, State, Verdict, judge, stands, tick, without_removed
from streams.policy.refusals import Refusal
from streams.policy.signatures import Vote
from streams.policy.signers import Registry
from streams.policy.signers_file import SignersFile
from tests.streams.policy.signing import APPROVAL, CRITICAL, NOW, OTHER_HASH, OTHER_ID, ROLES, signers, token
from tests.streams.policy.test_signatures import MEDIUM, vote


@dataclass(frozen=True)
class Signed:
    """A token's vote, and what we know of it by how it was made."""

    vote: Vote
    person: str
    roles: frozenset[str]
    is_approval: bool
    is_sound: bool
    """over this action, for this approval, of this project, by who did not propose it"""


def pool() -> list[Signed]:
    """Tokens of everybody, good and bad, that bear their owner's signature."""
    made = []
    for person, roles in ROLES.items():
        for decision in ("approve", "approve", "reject"):
            made.append(signed(person, roles, decision))
        made.append(signed(person, roles[:1], "approve"))
        made.append(signed(person, roles, "approve", action_hash=OTHER_HASH))
        made.append(signed(person, roles, "reject", approval_id=OTHER_ID))
    made.append(signed("bob", ["devops"], "approve", kid="bob-ec"))
    return made


def signed(person: str, roles: list[str], decision: str, kid: str = "", **given: str) -> Signed:
    found = vote(token(person, kid=kid, roles=roles, decision=decision, **given))
    sound = not given and person not in ("alice", "heidi")  # the proposer; a signer of another project
    return Signed(found, person, frozenset(roles), decision == "approve", sound)


def fills(quorum: Iterable[frozenset[str]], people: dict[str, frozenset[str]]) -> bool:
    """By trying out everything, which is another way than the code's."""
    places = list(quorum)
    return any(
        all(place & people[person] for place, person in zip(places, chosen, strict=True))
        for chosen in permutations(people, len(places))
    )


FULL = os.environ.get("AWOOOI_FULL") == "1"
HISTORIES = 100_000 if FULL else 10_000


def test_random_histories_approve_nothing_without_its_quorum_and_only_go_forward() -> None:
    draw, tokens = random.Random(5), pool()
    ends = dict.fromkeys(State, 0)

    for _ in range(HISTORIES):
        start = draw.choice([MEDIUM, APPROVAL, CRITICAL])
        ends[history(start, draw, tokens)] += 1

    assert min(ends.values()) > HISTORIES // 100, ends


@cache
def without(gone: frozenset[str]) -> Registry:
    people = (
        one.model_copy(update={"removed": NOW}) if one.person in gone else one for one in signers().signers
    )
    return Registry.of(SignersFile(signers=tuple(people)))


def history(approval: Approval, draw: random.Random, tokens: list[Signed]) -> State:
    """One life of an approval, beside what it must be by the simplest account of it."""
    approving: dict[str, frozenset[str]] = {}
    gone: frozenset[str] = frozenset()
    for _ in range(draw.randrange(1, 9)):
        before, one, what = approval, draw.choice(tokens), draw.random()
        if what < 0.04:
            approval = tick(approval, NOW + timedelta(minutes=draw.choice([1, 59, 60, 90])))
        elif what < 0.06:
            approval = approval.closed(State.VOIDED)
        elif what < 0.12:
            gone |= {one.person}
            approval = without_removed(approval, without(gone))
            approving.pop(one.person, None)
        elif one.person in gone:
            assert not stands(one.vote, approval.project_id, without(gone))
        else:
            approval = voted(one, before, approving)
        if before.state is not State.PENDING:
            assert approval is before
            continue
        people = [counted.person for counted in approval.votes]
        assert len(set(people)) == len(people)
        assert not gone & set(people)
        if approval.state is State.APPROVED:
            assert fills(approval.quorum, approving)
        elif approval.state is State.PENDING:
            assert not fills(approval.quorum, approving)
    return approval.state


def voted(one: Signed, before: Approval, approving: dict[str, frozenset[str]]) -> Approval:
    judged = judge(one.vote, before)
    counts = one.is_sound and any(one.roles & set(place) for place in before.quorum)
    fresh = one.person not in {counted.person for counted in before.votes}
    expected = before.state is State.PENDING and counts and fresh
    assert (judged.verdict is Verdict.COUNTED) is expected, (one, before)
    if expected and one.is_approval:
        approving[one.person] = one.roles
    return judged.approval


LEFT_OUT = [
    pytest.param({Refusal.SAME_PERSON, Refusal.REUSED_JTI}, id="two votes of one person"),
    pytest.param({Refusal.OWN_PROPOSAL}, id="who proposed it"),
    pytest.param({Refusal.OTHER_ACTION}, id="another action"),
    pytest.param({Refusal.OTHER_APPROVAL}, id="another approval"),
    pytest.param({Refusal.OTHER_PROJECT}, id="another project"),
    pytest.param({Refusal.ROLE_DOES_NOT_COUNT}, id="a role that does not count"),
]


@pytest.mark.parametrize("left_out", LEFT_OUT)
def test_the_account_of_a_history_notices_a_check_that_is_missing(
    left_out: set[Refusal], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The property itself is seen to fail."""
    left = tuple(look for look in approvals.LOOKS if look.reason not in left_out)
    monkeypatch.setattr(approvals.judge, "__defaults__", (left,))

    with pytest.raises(AssertionError):
        test_random_histories_approve_nothing_without_its_quorum_and_only_go_forward()


def test_the_account_notices_that_a_quorum_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approvals, "is_met", lambda quorum, voters: True)

    with pytest.raises(AssertionError):
        test_random_histories_approve_nothing_without_its_quorum_and_only_go_forward()


def test_the_account_notices_that_a_second_closing_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Approval, "closed", lambda approval, state: replace(approval, state=state))

    with pytest.raises(AssertionError):
        test_random_histories_approve_nothing_without_its_quorum_and_only_go_forward()


def test_the_account_notices_that_a_removed_person_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "without_removed", lambda approval, registry: approval)

    with pytest.raises(AssertionError):
        test_random_histories_approve_nothing_without_its_quorum_and_only_go_forward()

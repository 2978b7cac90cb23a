"""Votes beside their approval: quorums, who counts, closing once, and 100,000 random histories."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import permutations

import pytest

from schemas.operations import Risk
from streams.policy import approvals
from streams.policy.approvals import (
    QUORUMS,
    Approval,
    State,
    Verdict,
    is_met,
    judge,
    recheck,
    tick,
    without_removed,
)
from streams.policy.people import Role, same_person
from streams.policy.refusals import Refusal, Refused
from streams.policy.signatures import Vote, key_named, verify
from streams.policy.signers import Registry
from streams.policy.signers_file import SignersFile
from tests.streams.policy.signing import (
    APPROVAL,
    CRITICAL,
    NOW,
    OTHER_HASH,
    ROLES,
    RULES,
    SECONDS,
    registry,
    signers,
    token,
)

MEDIUM = replace(APPROVAL, quorum=QUORUMS[Risk.MEDIUM])


def vote(made: bytes, at: datetime = NOW) -> Vote:
    found = verify(made, at, registry(), RULES)
    assert isinstance(found, Vote), found
    return found


def after(approval: Approval, *made: bytes) -> Approval:
    for one in made:
        approval = judge(vote(one), approval).approval
    return approval


# -- quorums


ENOUGH = {
    "medium: one operator": (MEDIUM, ["bob"], State.APPROVED),
    "high: one is not enough": (APPROVAL, ["bob"], State.PENDING),
    "high: two": (APPROVAL, ["bob", "carol"], State.APPROVED),
    "high: any operators": (APPROVAL, ["frank", "bob"], State.APPROVED),
    "critical: a CTO alone": (CRITICAL, ["dave"], State.PENDING),
    "critical: both": (CRITICAL, ["dave", "erin"], State.APPROVED),
    "critical: in the other order": (CRITICAL, ["erin", "dave"], State.APPROVED),
    "critical: one with both roles fills one place": (CRITICAL, ["grace"], State.PENDING),
    "critical: one with both roles and a CTO": (CRITICAL, ["grace", "dave"], State.APPROVED),
    "critical: one with both roles and a CISO": (CRITICAL, ["grace", "erin"], State.APPROVED),
}


@pytest.mark.parametrize(("approval", "people", "state"), ENOUGH.values(), ids=ENOUGH)
def test_an_approval_takes_its_quorum(approval: Approval, people: list[str], state: State) -> None:
    assert after(approval, *(token(person) for person in people)).state is state


def test_a_low_risk_that_a_person_is_asked_about_takes_one() -> None:
    assert QUORUMS[Risk.LOW] == QUORUMS[Risk.MEDIUM]


def test_one_rejection_closes() -> None:
    assert after(APPROVAL, token("bob"), token("carol", decision="reject")).state is State.REJECTED


def test_two_operators_who_share_a_role_are_two() -> None:
    assert is_met(QUORUMS[Risk.HIGH], [frozenset({Role.SRE}), frozenset({Role.SRE})])


def test_what_is_closed_never_changes() -> None:
    for state in set(State) - {State.PENDING}:
        closed = replace(APPROVAL, state=state)
        judged = judge(vote(token("bob", decision="reject")), closed)

        assert (judged.verdict, judged.approval) == (Verdict.LATE, closed)
        assert tick(closed, NOW + timedelta(days=1)) == closed
        assert all(closed.closed(other) == closed for other in State)


def test_it_expires_with_its_last_moment_whether_or_not_anybody_looked() -> None:
    assert tick(APPROVAL, APPROVAL.expires_at - timedelta(milliseconds=1)).state is State.PENDING
    assert tick(APPROVAL, APPROVAL.expires_at).state is State.EXPIRED

    short = replace(MEDIUM, expires_at=NOW)
    judged = judge(vote(token("bob")), short, looks=())

    assert (judged.verdict, judged.approval.state) == (Verdict.LATE, State.EXPIRED)


def test_a_token_is_judged_by_the_time_at_which_it_was_recorded() -> None:
    made = token("bob", exp=SECONDS + 60)

    assert isinstance(verify(made, NOW + timedelta(seconds=59), registry(), RULES), Vote)
    late = verify(made, NOW + timedelta(seconds=60), registry(), RULES)

    assert isinstance(late, Refused)
    assert late.reason is Refusal.EXPIRED


def test_a_vote_names_its_incident() -> None:
    assert vote(token("bob")).incident_id == "INC-20261121-ABCDEFGHIJ"


LOOK_ALIKES = [
    "Alice",
    "ALICE",
    "\u0430lice",
    "al\u0456ce",
    "\uff41lice",
    "alice\u200b",
    " alice ",
    "\u00e0lice",
]


@pytest.mark.parametrize("name", LOOK_ALIKES, ids=ascii)
def test_a_person_is_the_same_under_any_spelling(name: str) -> None:
    assert same_person(name, "alice")
    assert not same_person(name, "alicia")


# -- removing takes effect on what is open


def registry_with(change: dict[str, object], person: str = "bob") -> Registry:
    people = [one.model_copy(update=change) if one.person == person else one for one in signers().signers]
    return Registry.of(SignersFile(signers=tuple(people)))


REMOVALS: dict[str, dict[str, object]] = {
    "the person": {"removed": NOW},
    "the key": {"keys": ()},
    "the role": {"roles": (Role.CTO,)},
}


@pytest.mark.parametrize("change", REMOVALS.values(), ids=REMOVALS)
def test_what_was_signed_by_the_removed_counts_no_more(change: dict[str, object]) -> None:
    waiting = after(APPROVAL, token("bob"))

    assert without_removed(waiting, registry()) == waiting
    left = without_removed(waiting, registry_with(change))

    assert left.votes == ()
    assert after(left, token("carol")).state is State.PENDING


def test_what_is_closed_stays_closed_when_somebody_goes() -> None:
    approved = after(APPROVAL, token("bob"), token("carol"))

    assert without_removed(approved, registry_with({"removed": NOW})) == approved


# -- right before an effect


def test_the_signatures_approve_it_again() -> None:
    tokens = [(token("bob"), NOW), (token("carol"), NOW + timedelta(seconds=10))]

    assert recheck(APPROVAL, tokens, registry(), RULES) is None
    assert recheck(APPROVAL, reversed(tokens), registry(), RULES) is None


BOB, CAROL = token("bob"), token("carol")
NOT_AGAIN = {
    "no signatures": (APPROVAL, [], "nobody"),
    "one of two": (APPROVAL, [BOB], "bob"),
    "the same twice": (APPROVAL, [BOB, BOB], "counted before"),
    "two of one person": (APPROVAL, [BOB, token("bob", kid="bob-ec")], "has signed before"),
    "a forged one": (APPROVAL, [BOB, token("carol", signed_by="evil")], "was not made with"),
    "another action": (replace(APPROVAL, action_hash=OTHER_HASH), [BOB, CAROL], "another action"),
    "another approval": (
        replace(APPROVAL, approval_id="INC-20261121-ABCDEFGHIJ-A2"),
        [BOB, CAROL],
        "another approval",
    ),
    "a rejection among them": (
        APPROVAL,
        [BOB, token("carol", decision="reject"), token("frank")],
        "rejected",
    ),
    "operators where a CTO is asked": (CRITICAL, [BOB, CAROL], "none of its roles"),
}


@pytest.mark.parametrize(("approval", "tokens", "told"), NOT_AGAIN.values(), ids=NOT_AGAIN)
def test_signatures_that_do_not_approve_it_stop_the_effect(
    approval: Approval, tokens: list[bytes], told: str
) -> None:
    claimed = replace(approval, state=State.APPROVED, votes=after(APPROVAL, BOB, CAROL).votes)
    signed = [(made, NOW + timedelta(seconds=at)) for at, made in enumerate(tokens)]

    refused = recheck(claimed, signed, registry(), RULES)

    assert refused is not None
    assert refused.reason is Refusal.NO_QUORUM
    assert told in refused.sentence


def test_a_signer_removed_since_stops_the_effect() -> None:
    tokens = [(BOB, NOW), (CAROL, NOW)]

    refused = recheck(APPROVAL, tokens, registry_with({"removed": NOW}), RULES)

    assert refused is not None
    assert "no signer any more" in refused.sentence


# -- random histories


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
        made.append(signed(person, roles, "reject", approval_id="INC-20261121-ABCDEFGHIJ-A2"))
    made.append(signed("bob", ["devops"], "approve", kid="bob-ec"))
    return made


def signed(person: str, roles: list[str], decision: str, kid: str = "", **given: str) -> Signed:
    found = vote(token(person, kid=kid, roles=roles, decision=decision, **given))
    sound = not given and person not in ("alice", "heidi")  # the proposer; a signer of another project
    return Signed(found, person, frozenset(roles), decision == "approve", sound)


def fills(quorum: Iterable[frozenset[Role]], people: dict[str, frozenset[str]]) -> bool:
    """By trying out everything, which is another way than the code's."""
    places = list(quorum)
    return any(
        all(
            {role.value for role in place} & people[person]
            for place, person in zip(places, chosen, strict=True)
        )
        for chosen in permutations(people, len(places))
    )


HISTORIES = 100_000


def test_random_histories_approve_nothing_without_its_quorum_and_only_go_forward() -> None:
    draw, tokens = random.Random(5), pool()
    approvals = [MEDIUM, APPROVAL, CRITICAL]
    ends = dict.fromkeys(State, 0)

    for _ in range(HISTORIES):
        start = draw.choice(approvals)
        ends[history(start, draw, tokens)] += 1

    assert min(ends.values()) > HISTORIES // 100, ends


def history(approval: Approval, draw: random.Random, tokens: list[Signed]) -> State:
    """One life of an approval, beside what it must be by the simplest account of it."""
    approving: dict[str, frozenset[str]] = {}
    for _ in range(draw.randrange(1, 9)):
        before = approval
        one = draw.choice(tokens)
        what = draw.random()
        if what < 0.04:
            approval = tick(approval, NOW + timedelta(minutes=draw.choice([1, 59, 60, 90])))
        elif what < 0.06:
            approval = approval.closed(State.VOIDED)
        else:
            judged = judge(one.vote, approval)
            approval = judged.approval
            counts = one.is_sound and any(one.roles & set(place) for place in approval.quorum)
            fresh = one.person not in {counted.person for counted in before.votes}
            expected = before.state is State.PENDING and counts and fresh
            assert (judged.verdict is Verdict.COUNTED) is expected, (one, before)
            if expected and one.is_approval:
                approving[one.person] = one.roles
        if before.state is not State.PENDING:
            assert approval is before
        elif approval.state is State.APPROVED:
            assert fills(approval.quorum, approving)
        elif approval.state is State.PENDING:
            assert not fills(approval.quorum, approving)
        people = [counted.person for counted in approval.votes]
        assert len(set(people)) == len(people)
    return approval.state


def test_the_account_of_a_history_notices_a_check_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The property itself is seen to fail: one place for two votes of one person."""

    left = tuple(
        look for look in approvals.LOOKS if look.reason not in (Refusal.SAME_PERSON, Refusal.REUSED_JTI)
    )
    monkeypatch.setattr(approvals.judge, "__defaults__", (left,))

    with pytest.raises(AssertionError):
        test_random_histories_approve_nothing_without_its_quorum_and_only_go_forward()


# -- before it is verified, and how fast


@pytest.mark.parametrize(
    "made", [b"", b"x.y", b"\xff" * 100_000, b"..", token("bob", iss="https://a.example")]
)
def test_what_a_token_names_is_read_from_anything(made: bytes) -> None:
    issuer, kid = key_named(made, RULES)

    assert (issuer, kid) in (("None", "None"), ("https://a.example", "bob-1"))


def test_one_process_verifies_a_thousand_signatures_a_second() -> None:
    tokens = [token(kid=kid) for kid in ("bob-1", "bob-ec", "bob-rsa") for _ in range(100)]
    known = registry()

    began = time.process_time()
    found = [verify(made, NOW, known, RULES) for made in tokens]
    judged = [judge(one, MEDIUM) for one in found if isinstance(one, Vote)]
    spent = time.process_time() - began

    assert all(one.verdict is Verdict.COUNTED for one in judged)
    assert len(judged) == len(tokens)
    assert len(tokens) / spent > 1_000

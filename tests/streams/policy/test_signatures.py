"""Votes beside their approval: quorums, who counts, closing once, and 100,000 random histories."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from schemas.approval import ApprovalRequest, ApprovalRequested
from schemas.errors import BadPayload
from schemas.operations import Operation, Risk, Step, Target
from schemas.outcome import Needed, Outcome, PolicyMark
from schemas.plan import Action
from schemas.preflight import PreflightStatus
from streams.policy.action_hash import act_of, action_hash
from streams.policy.approvals import (
    Approval,
    State,
    Verdict,
    is_met,
    judge,
    opened,
    quorum_of,
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
    APPROVAL_ID,
    CRITICAL,
    NOW,
    OTHER_HASH,
    OTHER_ID,
    QUORUMS,
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


def test_more_than_each_role_takes_others_that_count() -> None:
    quorum = quorum_of(Needed(signatures=3, roles=("sre",), each=("cto", "ciso")))
    both, sre = frozenset({Role.CTO, Role.CISO}), frozenset({Role.SRE})

    assert quorum == ({"cto"}, {"ciso"}, {"sre"})
    assert is_met(quorum, [sre, both, both])
    assert not is_met(quorum, [sre, sre, both])
    assert not is_met(quorum, [both, both])


def test_nobody_is_asked_nobody_approves() -> None:
    asked_nobody = replace(APPROVAL, quorum=quorum_of(Needed(signatures=0, roles=("devops",))))

    refused = judge(vote(token("bob")), asked_nobody).refused

    assert refused is not None
    assert refused.reason is Refusal.ROLE_DOES_NOT_COUNT
    assert recheck(asked_nobody, [], registry(), RULES) is not None


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


def test_the_bounds_belong_to_what_is_allowed() -> None:
    longest = token("bob", iat=SECONDS, exp=SECONDS + RULES.most_life_secs)
    exact = replace(RULES, most_bytes=len(longest))

    assert isinstance(verify(longest, NOW, registry(), exact), Vote)
    assert isinstance(verify(longest, NOW, registry(), replace(exact, most_bytes=len(longest) - 1)), Refused)


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


# -- what was asked


TARGET = Target(namespace="shop", kind="deployment", name="cart", id="ab" * 16)
REQUEST = ApprovalRequest(
    outcome=Outcome.APPROVAL_REQUIRED,
    rule="risk",
    reason="it is risky",
    needs_human=True,
    approval_id=APPROVAL_ID,
    action=Action(
        id="A1",
        step=Step(operation=Operation.RESTART_DEPLOYMENT, target=TARGET),
        description="restart cart",
        risk=Risk.HIGH,
        blast_radius=3,
    ),
    needed=Needed(signatures=2, roles=("sre", "devops")),
    policy=PolicyMark(version=1, hash="ef" * 32),
    preflight=PreflightStatus.PASSED,
    observed_state="11" * 32,
    proposed_by="agents",
    expires_at=NOW + timedelta(minutes=60),
)


def asked(**change: object) -> ApprovalRequested:
    """A request with the hash of its action; what is changed is changed afterwards."""
    honest = REQUEST.model_copy(update={"action_hash": action_hash(act_of(REQUEST))})
    return ApprovalRequested(
        event_id="e1",
        project_id="shop",
        incident_id="INC-20261121-ABCDEFGHIJ",
        occurred_at=NOW,
        recorded_at=NOW,
        stage="gate",
        payload=honest.model_copy(update=change),
    )


def test_a_request_opens_an_approval() -> None:
    approval = opened(asked())

    assert approval.quorum == ({"sre", "devops"}, {"sre", "devops"})
    assert (approval.project_id, approval.state, approval.votes) == ("shop", State.PENDING, ())
    made = [token(person, action_hash=approval.action_hash) for person in ("bob", "carol")]
    assert after(approval, *made).state is State.APPROVED


FORGED: dict[str, dict[str, object]] = {
    "the hash": {"action_hash": OTHER_HASH},
    "the action": {
        "action": REQUEST.action.model_copy(
            update={"step": Step(operation=Operation.ROLLBACK_DEPLOYMENT, target=TARGET)}
        )
    },
    "what takes it back": {"action": REQUEST.action.model_copy(update={"undo": REQUEST.action.step})},
    "what was observed": {"observed_state": ""},
    "the policy": {"policy": PolicyMark(version=2, hash="00" * 32)},
}


@pytest.mark.parametrize("change", FORGED.values(), ids=FORGED)
def test_a_request_whose_hash_is_not_of_its_action_opens_none(change: dict[str, object]) -> None:
    with pytest.raises(BadPayload, match="action_hash"):
        opened(asked(**change))


# -- removing takes effect on what is open


def registry_with(change: dict[str, object], person: str = "bob") -> Registry:
    people = [one.model_copy(update=change) if one.person == person else one for one in signers().signers]
    return Registry.of(SignersFile(signers=tuple(people)))


REMOVALS: dict[str, dict[str, object]] = {
    "the person": {"removed": NOW},
    "the key": {"keys": ()},
    "the role": {"roles": (Role.CTO,)},
    "the project": {"projects": ("bank",)},
}


@pytest.mark.parametrize("change", REMOVALS.values(), ids=REMOVALS)
def test_what_was_signed_by_the_removed_counts_no_more(change: dict[str, object]) -> None:
    waiting = after(APPROVAL, token("bob"))

    assert without_removed(waiting, registry()) == waiting
    assert without_removed(waiting, Registry(doubt="nobody can tell")) == waiting
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
    "no signatures": (APPROVAL, [], Refusal.NO_QUORUM),
    "one of two": (APPROVAL, [BOB], Refusal.NO_QUORUM),
    "the same twice": (APPROVAL, [BOB, BOB], Refusal.REUSED_JTI),
    "two of one person": (APPROVAL, [BOB, token("bob", kid="bob-ec")], Refusal.SAME_PERSON),
    "a forged one": (APPROVAL, [BOB, token("carol", signed_by="evil")], Refusal.BAD_SIGNATURE),
    "another action": (replace(APPROVAL, action_hash=OTHER_HASH), [BOB, CAROL], Refusal.OTHER_ACTION),
    "another approval": (replace(APPROVAL, approval_id=OTHER_ID), [BOB, CAROL], Refusal.OTHER_APPROVAL),
    "a rejection": (APPROVAL, [BOB, token("carol", decision="reject")], Refusal.NO_QUORUM),
    "one after a rejection": (
        APPROVAL,
        [BOB, token("carol", decision="reject"), token("frank")],
        Refusal.CLOSED,
    ),
    "operators where a CTO is asked": (CRITICAL, [BOB, CAROL], Refusal.ROLE_DOES_NOT_COUNT),
}


@pytest.mark.parametrize(("approval", "tokens", "reason"), NOT_AGAIN.values(), ids=NOT_AGAIN)
def test_signatures_that_do_not_approve_it_stop_the_effect(
    approval: Approval, tokens: list[bytes], reason: Refusal
) -> None:
    claimed = replace(approval, state=State.APPROVED, votes=after(APPROVAL, BOB, CAROL).votes)
    signed = [(made, NOW + timedelta(seconds=at)) for at, made in enumerate(tokens)]

    refused = recheck(claimed, signed, registry(), RULES)

    assert refused is not None
    assert refused.reason is reason


def test_a_signer_removed_since_stops_the_effect() -> None:
    tokens = [(BOB, NOW), (CAROL, NOW)]

    refused = recheck(APPROVAL, tokens, registry_with({"removed": NOW}), RULES)

    assert refused is not None
    assert "no signer any more" in refused.sentence


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

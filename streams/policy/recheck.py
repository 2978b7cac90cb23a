"""Right before an effect: may this action still be done? Asked by who acts, with what it knows itself.

An authorization is believed in nothing: not its ids, not its quorum, not its policy. What signatures cover is
asked of the signatures, what policy says of the policy in force, what the world says of the world now; the
proof covers the rest. The first check that complains is the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property

from schemas import ids
from schemas.authorization import ActionAuthorized, Authorization
from schemas.errors import BadPayload
from schemas.outcome import Needed, Outcome
from streams.policy.action_hash import Act, action_hash
from streams.policy.again import asked_again
from streams.policy.approvals import Approval, is_met, quorum_of
from streams.policy.approvals import recheck as count_again
from streams.policy.authorizations import (
    action_id_of,
    event_id_of,
    target_of,
    undo_event_id_of,
    undo_id_of,
)
from streams.policy.checks import incident_of
from streams.policy.exam import Rules
from streams.policy.gate import Standing, Verdict, decide, needed
from streams.policy.policy import Policy
from streams.policy.proof import is_proven
from streams.policy.refusals import Refused
from streams.policy.signatures import Vote, verify
from streams.policy.signers import Registry

UNDO_WITHIN = timedelta(hours=1)
"""after the action's own end: what fails late can still be taken back"""


class Objection(StrEnum):
    """Beside these, every `Refusal` of a signature."""

    OTHER_ID = "other_id"
    OTHER_TARGET = "other_target"
    OTHER_INCIDENT = "other_incident"
    OTHER_RUN = "other_run"
    OTHER_HASH = "other_hash"
    OVER = "over"
    FROM_THE_FUTURE = "from_the_future"
    KILL_SWITCH = "kill_switch"
    SHADOW_MODE = "shadow_mode"
    POLICY_UNREADABLE = "policy_unreadable"
    CHANGE_FREEZE = "change_freeze"
    SIGNED_BY_NOBODY = "signed_by_nobody"
    NOT_AUTOMATIC = "not_automatic"
    SIGNATURES = "signatures"
    """one of them does not count: told with the reason that it has itself"""
    OTHER_SIGNER = "other_signer"
    OTHER_POLICY = "other_policy"
    UNPROVEN = "unproven"


@dataclass(frozen=True, slots=True)
class Today:
    """What who acts knows itself, each view read to its end. The defaults are those of doubt."""

    at: datetime
    policy: Policy
    registry: Registry
    rules: Rules
    kill_switch: str = "the kill switch is engaged"
    shadow: bool = True
    silence: str = "the silences have not been read"
    freeze: str = "the silences have not been read"
    """a change freeze that somebody set, beside policy's own"""
    policy_trouble: str = ""
    opted_in: bool = False
    trust: int = 0
    """the score of the authorization's trust key"""
    key: bytes | None = None


@dataclass(frozen=True, slots=True)
class Objected:
    reason: str
    """an `Objection`, or the `Refusal` of a signature"""
    sentence: str


@dataclass(frozen=True)
class Case:
    event: ActionAuthorized
    today: Today

    @property
    def told(self) -> Authorization:
        return self.event.payload

    @property
    def owner(self) -> str:
        return self.told.approval_id or self.event.run_id

    @cached_property
    def verdict(self) -> Verdict:
        """The gate again: today's policy and world, and the inputs of then."""
        today, told = self.today, self.told
        silence = "" if told.undoes else today.silence  # what was done before it is taken back all the same
        standing = Standing(
            kill_switch=today.kill_switch,
            shadow=today.shadow,
            silence=silence,
            preflight=told.preflight,
            opted_in=today.opted_in,
            policy_trouble=today.policy_trouble,
            trust=told.assessment.trust if told.undoes else today.trust,  # which the failure has just reset
            at=today.at,
        )
        return decide(asked_again(told, self.event.project_id), standing, today.policy)


Complaint = Objected | str | None
"""a sentence; of a signature with the reason that it has itself"""


@dataclass(frozen=True, slots=True)
class Check:
    reason: Objection
    look: Callable[[Case], Complaint]


def may_act(event: ActionAuthorized, today: Today, checks: Sequence[Check] | None = None) -> Objected | None:
    """None: it may be done, as far as this is asked. Never raises for what an authorization holds."""
    case = Case(event, today)
    for check in CHECKS if checks is None else checks:
        complaint = check.look(case)
        if complaint is not None:
            return complaint if isinstance(complaint, Objected) else Objected(check.reason, complaint)
    return None


# -- whether it is what it says


def _other_id(case: Case) -> Complaint:
    """Under another id the same action could be done twice."""
    told, owner = case.told, case.owner
    found = (case.event.event_id, told.action_id, told.undoes)
    if found == (event_id_of(owner), action_id_of(owner), ""):
        return None
    if found != (undo_event_id_of(owner), undo_id_of(owner), action_id_of(owner)):
        return f"its ids are not those of {owner}"
    return None if told.action.undo else "nothing was signed that would take it back"


def _other_target(case: Case) -> Complaint:
    undo = case.told.action.undo
    if case.told.undoes and undo and undo.target != case.told.action.step.target:
        return "what takes it back is of another target"
    if case.told.target == target_of(case.told.action.step, case.told.workload, case.owner):
        return None
    return "its key is not its action's workload: acts on one workload come one after the other"


def _other_incident(case: Case) -> Complaint:
    approval_id = case.told.approval_id
    if not approval_id or incident_of(approval_id) == case.event.incident_id:
        return None
    return f"{approval_id} is no approval of {case.event.incident_id}"


def _other_run(case: Case) -> Complaint:
    approval_id = case.told.approval_id
    number = approval_id.rpartition("-A")[2]
    if not approval_id or case.event.run_id == ids.run_id(case.event.incident_id, int(number)):
        return None
    return f"{approval_id} was asked by another run"


def _other_hash(case: Case) -> Complaint:
    told = case.told
    act = Act(told.action.step, told.observed_state, told.policy.hash, told.action.undo, told.commitments)
    try:
        found = action_hash(act)
    except BadPayload as error:
        return str(error)
    return None if found == told.action_hash else "its hash is not that of the action beside it"


# -- whether it is still so


def _over(case: Case) -> Complaint:
    end = case.told.expires_at + (UNDO_WITHIN if case.told.undoes else timedelta())
    return f"it ended at {end:%H:%M:%S}" if case.today.at >= end else None


def _from_the_future(case: Case) -> Complaint:
    latest = case.today.at + timedelta(seconds=case.today.rules.skew_secs)
    times = (case.event.recorded_at, *(signed.recorded_at for signed in case.told.signatures))
    return "it was recorded later than now" if max(times) > latest else None


def _kill_switch(case: Case) -> Complaint:
    return case.today.kill_switch or None


def _shadow_mode(case: Case) -> Complaint:
    return f"the project {case.event.project_id} is in shadow mode" if case.today.shadow else None


def _policy_unreadable(case: Case) -> Complaint:
    return case.today.policy_trouble or None


def _change_freeze(case: Case) -> Complaint:
    place = asked_again(case.told, case.event.project_id).proposal
    freeze = case.today.policy.freeze_at(case.today.at, place.place) if place else None
    return f"{freeze.name}: {freeze.reason}" if freeze else case.today.freeze or None


# -- who allowed it


def _signed_by_nobody(case: Case) -> Complaint:
    """Without an approval there is nothing to sign, and with one there is."""
    told = case.told
    if bool(told.approval_id) == bool(told.signatures) == bool(told.needed):
        return None
    return "an approval has signatures and says whose it takes; without one there are none"


def _not_automatic(case: Case) -> Complaint:
    if case.told.approval_id or case.verdict.outcome == Outcome.AUTO_APPROVED:
        return None
    return f"policy asks for a person: {case.verdict.rule}: {case.verdict.reason}"


def _signatures(case: Case) -> Complaint:
    told, today = case.told, case.today
    if not told.approval_id:
        return None
    approval = Approval(
        told.approval_id,
        case.event.project_id,
        told.action_hash,
        quorum_of(told.needed or Needed(signatures=0)),
        told.expires_at,
        told.proposed_by,
    )
    tokens = [(signed.token.encode(), signed.recorded_at) for signed in told.signatures]
    refused = count_again(approval, tokens, today.registry, today.rules)
    return None if refused is None else Objected(refused.reason, refused.sentence)


def _other_signer(case: Case) -> Complaint:
    listed, found = [signed.person for signed in case.told.signatures], [vote.person for vote in _votes(case)]
    return None if listed == found else f"it lists {', '.join(listed)}; {', '.join(found)} signed"


def _other_policy(case: Case) -> Complaint:
    """The policy in force and the trust of today may ask for more than was asked."""
    if not case.told.approval_id:
        return None
    verdict, voters = case.verdict, [vote.roles for vote in _votes(case)]
    if verdict.assessment is None:
        return f"policy would not have it: {verdict.rule}: {verdict.reason}"
    asked = needed(case.today.policy.quorums, verdict.assessment.effective)
    if is_met(quorum_of(asked), voters):
        return None
    risk = verdict.assessment.effective
    return f"at risk {risk} policy asks now for {asked.signatures} signatures that these do not give"


def _unproven(case: Case) -> Complaint:
    if case.today.key is None:
        return "there is no key to prove it with"
    return None if is_proven(case.event, case.today.key) else "it was not made by whoever decides here"


def _votes(case: Case) -> list[Vote]:
    today = case.today
    found = (
        verify(signed.token.encode(), signed.recorded_at, today.registry, today.rules)
        for signed in case.told.signatures
    )
    return [vote for vote in found if not isinstance(vote, Refused)]


CHECKS: tuple[Check, ...] = (
    Check(Objection.OTHER_ID, _other_id),
    Check(Objection.OTHER_TARGET, _other_target),
    Check(Objection.OTHER_INCIDENT, _other_incident),
    Check(Objection.OTHER_RUN, _other_run),
    Check(Objection.OTHER_HASH, _other_hash),
    Check(Objection.OVER, _over),
    Check(Objection.FROM_THE_FUTURE, _from_the_future),
    Check(Objection.KILL_SWITCH, _kill_switch),
    Check(Objection.SHADOW_MODE, _shadow_mode),
    Check(Objection.POLICY_UNREADABLE, _policy_unreadable),
    Check(Objection.CHANGE_FREEZE, _change_freeze),
    Check(Objection.SIGNED_BY_NOBODY, _signed_by_nobody),
    Check(Objection.NOT_AUTOMATIC, _not_automatic),
    Check(Objection.SIGNATURES, _signatures),
    Check(Objection.OTHER_SIGNER, _other_signer),
    Check(Objection.OTHER_POLICY, _other_policy),
    Check(Objection.UNPROVEN, _unproven),
)
"""In this order: what it is, whether it is still so, who allowed it, and last whose word it is."""

"""An approval and its votes: M of N distinct people with the roles asked, closed once, by the first closing.

Pure: a vote and an approval in, the approval as it is then out, with a reason for everything.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from schemas.approval import ApprovalRequested
from schemas.errors import BadPayload
from schemas.outcome import Needed
from streams.policy.action_hash import act_of, action_hash
from streams.policy.checks import REJECT
from streams.policy.exam import Rules
from streams.policy.people import Role, same_person
from streams.policy.refusals import Refusal, Refused
from streams.policy.signatures import Vote, verify
from streams.policy.signers import Registry, Standing

Quorum = tuple[frozenset[str], ...]
"""one place for each signature, with the roles that may fill it"""


class State(StrEnum):
    PENDING = "PENDING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    VOIDED = "VOIDED"


class Verdict(StrEnum):
    COUNTED = "counted"
    REFUSED = "refused"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Approval:
    approval_id: str
    project_id: str
    action_hash: str
    quorum: Quorum
    expires_at: datetime
    proposed_by: str = ""
    """a person; or agents or rules, who sign nothing"""
    state: State = State.PENDING
    votes: tuple[Vote, ...] = ()
    """those that were counted"""

    def closed(self, state: State) -> Approval:
        """The first closing wins: what is closed stays as it is."""
        return replace(self, state=state) if self.state is State.PENDING else self


@dataclass(frozen=True, slots=True)
class Judged:
    verdict: Verdict
    approval: Approval
    """as it is after the vote"""
    refused: Refused | None = None
    """why it was not counted"""


@dataclass(frozen=True, slots=True)
class Look:
    """One check of a vote beside its approval; true refuses it."""

    reason: Refusal
    sentence: str
    refuses: Callable[[Vote, Approval], bool]


def opened(event: ApprovalRequested) -> Approval:
    """As it was asked. BadPayload where the hash is not the action's: what people sign is what they see."""
    asked = event.payload
    if action_hash(act_of(asked)) != asked.action_hash:
        raise BadPayload("is not the hash of the action beside it", field="action_hash")
    return Approval(
        asked.approval_id,
        event.project_id,
        asked.action_hash,
        quorum_of(asked.needed),
        asked.expires_at,
        asked.proposed_by,
    )


def quorum_of(needed: Needed) -> Quorum:
    """A place for each role that must sign, and for the others a place for any that count."""
    each = [frozenset({role}) for role in needed.each]
    return (*each, *[frozenset(needed.roles)] * (needed.signatures - len(each)))


# -- a vote beside its approval


def _other_approval(vote: Vote, approval: Approval) -> bool:
    return vote.approval_id != approval.approval_id


def _other_project(vote: Vote, approval: Approval) -> bool:
    return not vote.covers(approval.project_id)


def _other_action(vote: Vote, approval: Approval) -> bool:
    return not hmac.compare_digest(vote.action_hash, approval.action_hash)


def _outlives(vote: Vote, approval: Approval) -> bool:
    return vote.expires > approval.expires_at.timestamp()


def _own_proposal(vote: Vote, approval: Approval) -> bool:
    return bool(approval.proposed_by) and same_person(vote.person, approval.proposed_by)


def _role_does_not_count(vote: Vote, approval: Approval) -> bool:
    return not any(place & vote.roles for place in approval.quorum)


def _reused_jti(vote: Vote, approval: Approval) -> bool:
    return any((vote.person, vote.jti) == (one.person, one.jti) for one in approval.votes)


def _same_person(vote: Vote, approval: Approval) -> bool:
    return any(same_person(vote.person, one.person) for one in approval.votes)


LOOKS: tuple[Look, ...] = (
    Look(Refusal.OTHER_APPROVAL, "it is for another approval", _other_approval),
    Look(Refusal.OTHER_PROJECT, "the signer has no say in this project", _other_project),
    Look(Refusal.OTHER_ACTION, "it is over the hash of another action", _other_action),
    Look(Refusal.OUTLIVES_APPROVAL, "exp is later than the approval's own end", _outlives),
    Look(Refusal.OWN_PROPOSAL, "who proposed it may not sign it", _own_proposal),
    Look(Refusal.ROLE_DOES_NOT_COUNT, "none of its roles is asked for here", _role_does_not_count),
    Look(Refusal.REUSED_JTI, "this very signature was counted before", _reused_jti),
    Look(Refusal.SAME_PERSON, "this person has signed before", _same_person),
)
"""What is more particular comes before what is less, and all of it before late."""


# -- judging


def judge(vote: Vote, approval: Approval, looks: Sequence[Look] = LOOKS) -> Judged:
    """One vote. An event that was judged before must not come here again: that is the caller's to know."""
    for look in looks:
        if look.refuses(vote, approval):
            return Judged(Verdict.REFUSED, approval, Refused(look.reason, look.sentence))
    approval = tick(approval, vote.recorded_at)
    if approval.state is not State.PENDING:
        late = Refused(Refusal.CLOSED, f"the approval was {approval.state.lower()} before")
        return Judged(Verdict.LATE, approval, late)
    return Judged(Verdict.COUNTED, _counted(vote, approval))


def tick(approval: Approval, now: datetime) -> Approval:
    """Expired from its last moment on, whether or not anybody looked."""
    return approval.closed(State.EXPIRED) if now >= approval.expires_at else approval


def is_met(quorum: Quorum, voters: Iterable[frozenset[Role]]) -> bool:
    """Whether every place can be filled by a voter of its own: nobody fills two, whatever roles they have."""
    free = list(voters)
    if not quorum or len(free) < len(quorum):
        return not quorum
    place, *others = quorum
    return any(
        place & roles and is_met(tuple(others), free[:at] + free[at + 1 :]) for at, roles in enumerate(free)
    )


def stands(vote: Vote, project: str, registry: Registry) -> bool:
    """Whether the registry still says what it said when the vote was verified. Ask before judging, too."""
    known, holder = registry.find(vote.issuer, vote.kid), registry.holder(vote.issuer, vote.kid, vote.subject)
    if known is None or holder is None or known.standing is not Standing.IN_FORCE:
        return False
    if holder.is_removed or holder.person != vote.person:
        return False
    return vote.roles <= holder.roles and holder.covers(project)


def without_removed(approval: Approval, registry: Registry) -> Approval:
    """Removing a person, a role or a key takes effect on what is open; doubt about them removes nobody."""
    if approval.state is not State.PENDING or registry.doubt:
        return approval
    project = approval.project_id
    return replace(approval, votes=tuple(vote for vote in approval.votes if stands(vote, project, registry)))


def recheck(
    approval: Approval, tokens: Iterable[tuple[bytes, datetime]], registry: Registry, rules: Rules
) -> Refused | None:
    """Right before an effect: do these signatures, each at the time it was recorded, still approve it?

    Nothing is believed that another process said: not the state, not the votes. The times are the intake's,
    as the log has them. They are those that were counted: one that does not count is a reason to stop.
    None: they do.
    """
    again = replace(approval, state=State.PENDING, votes=())
    for token, recorded_at in sorted(tokens, key=lambda signed: signed[1]):
        found = verify(token, recorded_at, registry, rules)
        if isinstance(found, Refused):
            return found
        judged = judge(found, again)
        if judged.refused is not None:
            return judged.refused
        again = judged.approval
    if again.state is State.APPROVED:
        return None
    people = ", ".join(vote.person for vote in again.votes) or "nobody"
    return Refused(Refusal.NO_QUORUM, f"{again.state.lower()} by the signatures of {people}")


def _counted(vote: Vote, approval: Approval) -> Approval:
    votes = (*approval.votes, vote)
    counted = replace(approval, votes=votes)
    if vote.decision == REJECT:
        return counted.closed(State.REJECTED)
    if is_met(approval.quorum, [vote.roles for vote in votes]):
        return counted.closed(State.APPROVED)
    return counted

"""A verified signature between `Vote`, which is judged, and `Ballot`, which stands in the log."""

from __future__ import annotations

import hashlib
from datetime import datetime

from schemas.vote import Ballot
from streams.policy.people import Role
from streams.policy.signatures import Vote


def signature_of(record: bytes) -> str:
    """What a client finds its own signature's verdict by."""
    return hashlib.sha256(record).hexdigest()


def ballot_of(vote: Vote, token: bytes, signers_offset: int = -1) -> Ballot:
    return Ballot(
        signature=signature_of(token),
        token=token.decode("ascii"),
        person=vote.person,
        roles=tuple(sorted(vote.roles)),
        projects=tuple(sorted(vote.projects)),
        decision=vote.decision,
        approval_id=vote.approval_id,
        action_hash=vote.action_hash,
        reason=vote.reason,
        jti=vote.jti,
        issuer=vote.issuer,
        kid=vote.kid,
        subject=vote.subject,
        expires=vote.expires,
        signers_offset=signers_offset,
    )


def vote_of(ballot: Ballot, recorded_at: datetime) -> Vote:
    return Vote(
        person=ballot.person,
        roles=frozenset(map(Role, ballot.roles)),
        projects=frozenset(ballot.projects),
        decision=ballot.decision,
        approval_id=ballot.approval_id,
        action_hash=ballot.action_hash,
        reason=ballot.reason,
        jti=ballot.jti,
        issuer=ballot.issuer,
        kid=ballot.kid,
        subject=ballot.subject,
        expires=ballot.expires,
        recorded_at=recorded_at,
    )

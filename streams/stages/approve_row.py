"""What the stage approve keeps of one incident: what was asked, what was counted, what waits."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from schemas.approval import ApprovalRequested
from schemas.envelope import from_millis, to_millis
from schemas.outcome import PolicyMark
from schemas.vote import VoteVerified
from streams import windows
from streams.policy.approvals import Approval, opened
from streams.policy.approvals import State as Standing
from streams.policy.ballots import vote_of
from streams.policy.endings import Closing, End
from streams.stage import State, pack, unpack

AT_ONCE = 1
"""the next tick"""
UNSEEN = "unseen"
KEPT_AFTER_END = windows.DAY


@dataclass(slots=True)
class Asked:
    """One approval: what was asked, how it stands, what was counted."""

    request: ApprovalRequested
    state: Standing = Standing.PENDING
    votes: list[VoteVerified] = field(default_factory=list)
    end: End | None = None
    """decided, and not told yet"""
    in_force: PolicyMark | None = None
    """the policy in force then"""
    is_written: bool = False
    """what stands here was read from the row"""

    @property
    def is_open(self) -> bool:
        return self.state is Standing.PENDING

    @property
    def expires(self) -> int:
        return to_millis(self.request.payload.expires_at)

    def approval(self) -> Approval:
        votes = tuple(vote_of(vote.payload, vote.recorded_at) for vote in self.votes)
        return replace(opened(self.request), state=self.state, votes=votes)

    def close(self, end: End, in_force: PolicyMark) -> None:
        """The first closing wins."""
        if self.is_open:
            self.state, self.end, self.in_force, self.is_written = end.state, end, in_force, False


@dataclass(slots=True)
class Votes(State):
    """Of one incident. Events are kept as JSON, as they were read."""

    asked: dict[str, Asked] = field(default_factory=dict)
    early: list[tuple[VoteVerified, int]] = field(default_factory=list)
    """votes read before their request, and how long it is waited for: topics have no order between them"""
    resolved: bool = False
    cancelled: dict[str, str] = field(default_factory=dict)
    """run → by whom and why; the latest few"""
    looked: str = ""
    """hash of the policy that all that is open was last looked at with; empty: not all was"""
    touched_at: int = 0
    forgotten: bool = False

    @property
    def open(self) -> list[Asked]:
        return [one for one in self.asked.values() if one.is_open]

    def waits(self) -> list[int]:
        """What has ended waits for nothing but the next tick, to be told."""
        ends = [AT_ONCE if one.end else one.expires for one in self.asked.values() if one.end or one.is_open]
        return [*ends, *(until for _, until in self.early)]

    def due(self) -> int:
        """When the first wait is over; when nothing waits, when it can be forgotten."""
        return min(self.waits(), default=self.touched_at + KEPT_AFTER_END)

    def row(self) -> bytes | None:
        """What time and policy ask of it stands first: nobody reads the rest for that."""
        if self.forgotten:
            return None
        asked = [_kept(one) for one in self.asked.values()]
        early = [(vote.model_dump_json(), until) for vote, until in self.early]
        looked = (self.looked or UNSEEN) if self.open else ""
        facts = [asked, early, self.resolved, self.cancelled, self.touched_at]
        return pack([self.due(), looked, self.seen, *facts])

    @classmethod
    def of_row(cls, row: bytes | None) -> Votes:
        if row is None:
            return cls()
        _, looked, seen, asked, early, resolved, cancelled, touched_at = unpack(row)
        known = [_asked(*kept) for kept in asked]
        waiting = [(VoteVerified.model_validate_json(vote), until) for vote, until in early]
        by_id = {one.request.payload.approval_id: one for one in known}
        return cls(seen, False, by_id, waiting, resolved, cancelled, looked, touched_at)


def due(row: bytes) -> int:
    return int(row[1 : row.index(b",")])


def looked_with(row: bytes) -> str:
    """The policy that all that is open was looked at with; empty where nothing is open."""
    return row.split(b'"', 2)[1].decode()


def _asked(request: str, state: str, votes: list[str], end: list[Any]) -> Asked:
    counted = [VoteVerified.model_validate_json(vote) for vote in votes]
    asked, ended, in_force = ApprovalRequested.model_validate_json(request), None, None
    if end:
        rule, reason, at, version, policy = end
        ended = End(Standing(state), Closing(rule), reason, from_millis(at))
        in_force = PolicyMark(version=version, hash=policy)
    return Asked(asked, Standing(state), counted, ended, in_force, True)


def _kept(one: Asked) -> tuple[str, str, list[str], list[Any]]:
    votes, end, policy = [vote.model_dump_json() for vote in one.votes], one.end, one.in_force
    ended = [end.rule, end.reason, to_millis(end.at), policy.version, policy.hash] if end and policy else []
    return one.request.model_dump_json(), one.state, votes, ended

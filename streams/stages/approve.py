"""Counts votes until an approval closes, once. Key: incident; a vote and what it leads to are one write.

A vote is verified again before it counts: the signers may have changed, and whoever can write to the topic of
votes can write no signature. It waits for time alone only where time ends an approval.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from schemas import ids
from schemas.approval import ApprovalRequested
from schemas.envelope import Event, to_millis
from schemas.errors import Never
from schemas.vote import Count, CountRefused, VoteCounted, VoteLate, VoteRefusal, VoteVerified
from streams import windows
from streams.policy.approvals import Approval, Judged, Verdict, judge, opened, tick, without_removed
from streams.policy.approvals import State as Standing
from streams.policy.ballots import ballot_of, vote_of
from streams.policy.endings import ending
from streams.policy.in_force import PolicyInForce
from streams.policy.refusals import Refusal, Refused
from streams.policy.verifier import Verifier
from streams.runner import stage_failed
from streams.stage import Events, Keyed, KeyedBase, Now, Record, State, pack, unpack

EARLY_WAIT_MS = 30_000
MOST_EARLY = 20
KEPT_AFTER_END = windows.DAY
CLOSED, OPENED = ("incident.resolved", "incident.expired"), ("incident.opened", "incident.reopened")
UNKNOWN = Refused(Refusal.UNKNOWN_APPROVAL, "nobody was asked under this approval id")


@dataclass(slots=True)
class Asked:
    """One approval: what was asked, how it stands, what was counted."""

    request: ApprovalRequested
    state: Standing = Standing.PENDING
    votes: list[VoteVerified] = field(default_factory=list)

    @property
    def expires(self) -> int:
        return to_millis(self.request.payload.expires_at)

    def approval(self) -> Approval:
        votes = tuple(vote_of(vote.payload, vote.recorded_at) for vote in self.votes)
        return replace(opened(self.request), state=self.state, votes=votes)


@dataclass(slots=True)
class Votes(State):
    """Of one incident. Events are kept as JSON, as they were read."""

    asked: dict[str, Asked] = field(default_factory=dict)
    early: list[tuple[VoteVerified, int]] = field(default_factory=list)
    """votes read before their request, and how long it is waited for: topics have no order between them"""
    resolved: bool = False
    touched_at: int = 0
    forgotten: bool = False


class Approve(KeyedBase[Votes]):
    name = "approve"
    reads: tuple[str, ...] = ("approvals.requests", "approvals.votes", "incidents")

    def __init__(self, verifier: Verifier, policies: PolicyInForce, epoch: str = "") -> None:
        self._verifier, self._policies, self._epoch = verifier, policies, epoch

    # -- the row

    def load(self, key: bytes, row: bytes | None) -> Votes:
        if row is None:
            return Votes()
        _, seen, asked, early, resolved, touched_at = unpack(row)
        known = [_asked(*kept) for kept in asked]
        waiting = [(VoteVerified.model_validate_json(vote), until) for vote, until in early]
        by_id = {one.request.payload.approval_id: one for one in known}
        return Votes(seen, False, by_id, waiting, resolved, touched_at)

    def dump(self, state: Votes) -> bytes | None:
        if state.forgotten:
            return None
        asked = [_kept(one) for one in state.asked.values()]
        early = [(vote.model_dump_json(), until) for vote, until in state.early]
        return pack([_due(state), state.seen, asked, early, state.resolved, state.touched_at])

    def due(self, row: bytes) -> int | None:
        return int(row[1 : row.index(b",")])

    # -- what is read

    async def handle(self, record: Record, state: Votes, now: Now) -> Events:
        if record.topic == "incidents":
            return self._incident(record, state, now)
        event, events = record.event, list[Event]()
        if isinstance(event, ApprovalRequested):
            events = await self._request(event, state, now)
        elif isinstance(event, VoteVerified):
            events = await self._vote(event, state, now)
        else:
            return ()  # the intake's refusals are told already
        self._touch(record, state, now)
        return events

    def _touch(self, record: Record, state: Votes, now: Now) -> None:
        state.touched_at = max(state.touched_at, min(record.timestamp, now.millis))
        self.note(record, state)

    def _incident(self, record: Record, state: Votes, now: Now) -> Events:
        """Repeats are told by their header, and change nothing here."""
        kind = (record.header("ce_type") or b"").decode() or record.event.type
        if kind not in (*CLOSED, *OPENED) or state.resolved == (kind in CLOSED):
            return ()
        state.resolved = kind in CLOSED
        self._touch(record, state, now)
        return [event for one in state.asked.values() for event in self._void(one, state, now)]

    async def _request(self, event: ApprovalRequested, state: Votes, now: Now) -> list[Event]:
        approval_id = event.payload.approval_id
        if approval_id in state.asked:
            return []
        opened(event)  # what cannot be signed as it is shown is refused before anything changes
        state.asked[approval_id] = Asked(event)
        events = self._void(state.asked[approval_id], state, now)
        waited = [vote for vote, _ in state.early if vote.payload.approval_id == approval_id]
        state.early = [(vote, until) for vote, until in state.early if vote not in waited]
        for vote in waited:
            events += await self._judge(vote, state.asked[approval_id], now)
        return events

    async def _vote(self, event: VoteVerified, state: Votes, now: Now) -> list[Event]:
        one = state.asked.get(event.payload.approval_id)
        if one is not None:
            return await self._judge(event, one, now)
        if len(state.early) >= MOST_EARLY:
            return [self._refused(event, UNKNOWN, now)]
        if all(event.event_id != vote.event_id for vote, _ in state.early):
            state.early.append((event, now.millis + EARLY_WAIT_MS))
        return []

    async def wake(self, state: Votes, now: Now) -> Events:
        events: list[Event] = []
        for one in state.asked.values():
            if one.state is Standing.PENDING:
                events += self._close(one, tick(one.approval(), now.moment).state, _expiry(one), now)
        over = [vote for vote, until in state.early if until <= now.millis]
        state.early = [(vote, until) for vote, until in state.early if until > now.millis]
        events += [self._refused(vote, UNKNOWN, now) for vote in over]
        if events:
            state.touched_at, state.changed = max(state.touched_at, now.millis), True
        elif not _waits(state) and _due(state) <= now.millis:
            state.forgotten = state.changed = True
        return events

    # -- what is decided

    async def _judge(self, event: VoteVerified, one: Asked, now: Now) -> list[Event]:
        if any(event.event_id == vote.event_id for vote in one.votes):
            return []  # the same vote written twice
        token = event.payload.token.encode()
        vote = await self._verifier.verify(token, event.recorded_at)
        if isinstance(vote, Refused):
            return [self._refused(event, vote, now)]
        await self._forget_removed(one)
        judged = judge(vote, one.approval())
        if judged.verdict is Verdict.COUNTED:
            ballot = ballot_of(vote, token)
            one.votes.append(event.model_copy(update={"payload": ballot}))
        told = self._told(event, judged, one, now)
        at = _expiry(one) if judged.approval.state is Standing.EXPIRED else event.recorded_at
        return [told, *self._close(one, judged.approval.state, at, now)]

    async def _forget_removed(self, one: Asked) -> None:
        """A person, a role or a key that is gone no longer counts where it is still open."""
        for vote in one.votes:
            await self._verifier.prepare(vote.payload.token.encode())
        left = {vote.jti for vote in without_removed(one.approval(), self._verifier.registry()).votes}
        one.votes = [vote for vote in one.votes if vote.payload.jti in left]

    def _void(self, one: Asked, state: Votes, now: Now) -> list[Event]:
        if not state.resolved or not self._policies.policy().approvals.void_when_resolved:
            return []
        return self._close(one, Standing.VOIDED, now.moment, now)

    def _close(self, one: Asked, state: Standing, at: datetime, now: Now) -> list[Event]:
        """The first closing wins."""
        if one.state is not Standing.PENDING or state is Standing.PENDING:
            return []
        one.state = state
        return ending(one.request, one.votes, state, at, now.moment, self.name)

    # -- what is told

    def _told(self, event: VoteVerified, judged: Judged, one: Asked, now: Now) -> Event:
        if judged.verdict is Verdict.REFUSED and judged.refused is not None:
            return self._refused(event, judged.refused, now, one)
        kind = VoteCounted if judged.verdict is Verdict.COUNTED else VoteLate
        ballot = event.payload
        count = Count(
            signature=ballot.signature,
            approval_id=ballot.approval_id,
            jti=ballot.jti,
            person=ballot.person,
            decision=ballot.decision,
            reason=ballot.reason,
            state=judged.approval.state,
            signed_by=tuple(vote.person for vote in judged.approval.votes),
            asked=len(judged.approval.quorum),
        )
        return kind(**self._envelope(event, one, now), payload=count)

    def _refused(self, event: VoteVerified, why: Refused, now: Now, one: Asked | None = None) -> Event:
        ballot = event.payload
        told = VoteRefusal(
            signature=ballot.signature,
            approval_id=ballot.approval_id,
            jti=ballot.jti,
            person=ballot.person,
            refusal=why.reason,
            sentence=why.sentence,
            size=len(ballot.token),
        )
        return CountRefused(**self._envelope(event, one, now), payload=told)

    def _envelope(self, vote: VoteVerified, one: Asked | None, now: Now) -> dict[str, Any]:
        return {
            "event_id": ids.derive_id("vote judged", vote.event_id),
            "project_id": one.request.project_id if one else "",
            "incident_id": vote.incident_id,
            "run_id": one.request.run_id if one else "",
            "occurred_at": vote.recorded_at,
            "recorded_at": now.moment,
            "stage": self.name,
            "actor": vote.payload.person,
            "causes": (vote.event_id, *([one.request.event_id] if one else [])),
        }

    def dead_letter(self, record: Record, error: Never, now: Now) -> Event:
        return stage_failed(self.name, record, error, now, self._epoch)


def _asked(request: str, state: str, votes: list[str]) -> Asked:
    counted = [VoteVerified.model_validate_json(vote) for vote in votes]
    return Asked(ApprovalRequested.model_validate_json(request), Standing(state), counted)


def _kept(one: Asked) -> tuple[str, str, list[str]]:
    return one.request.model_dump_json(), one.state, [vote.model_dump_json() for vote in one.votes]


def _expiry(one: Asked) -> datetime:
    return one.request.payload.expires_at


def _waits(state: Votes) -> list[int]:
    pending = [one.expires for one in state.asked.values() if one.state is Standing.PENDING]
    return [*pending, *(until for _, until in state.early)]


def _due(state: Votes) -> int:
    """When the first wait is over; when nothing waits, when it can be forgotten."""
    return min(_waits(state), default=state.touched_at + KEPT_AFTER_END)


def check_contract(stage: Approve) -> Keyed[Votes]:
    return stage

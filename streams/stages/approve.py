"""Counts votes until an approval closes, once. Key: incident; a vote and what it leads to are one write.

A vote is verified again before it counts: the signers may have changed, and whoever can write to the topic of
votes can write no signature. A policy that would have decided otherwise voids what waits: a tick brings the
change. How an approval ends is noted in the row first and told by the next tick: after a crash between the
two its topics may be read in another order, or policy and signers be others: the record would hold two ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from schemas import ids
from schemas.approval import ApprovalRequested
from schemas.envelope import Event
from schemas.errors import BadPayload, Never
from schemas.outcome import PolicyMark
from schemas.run import RunCancelled
from schemas.vote import Count, CountRefused, VoteCounted, VoteLate, VoteRefusal, VoteVerified
from streams.policy.again import otherwise
from streams.policy.approvals import Judged, Verdict, judge, opened, tick, without_removed
from streams.policy.approvals import State as Standing
from streams.policy.authorizations import withdrawn
from streams.policy.ballots import ballot_of, signature_of
from streams.policy.endings import Closing, End, by_time, by_vote, ending
from streams.policy.in_force import PolicyInForce
from streams.policy.policy import mark_of
from streams.policy.proof import is_proven
from streams.policy.refusals import Refusal, Refused
from streams.policy.verifier import Verifier
from streams.runner import stage_failed
from streams.stage import Events, Keyed, KeyedBase, Now, Record, about_run
from streams.stages import approve_row
from streams.stages.approve_row import Asked, Votes

EARLY_WAIT_MS = 30_000
MOST_EARLY = 20
MOST_CANCELLED = 20
CLOSED, OPENED = ("incident.resolved", "incident.expired"), ("incident.opened", "incident.reopened")
UNKNOWN = Refused(Refusal.UNKNOWN_APPROVAL, "nobody was asked under this approval id")


class Approve(KeyedBase[Votes]):
    name = "approve"
    reads: tuple[str, ...] = ("approvals.requests", "approvals.votes", "incidents", "runs")

    def __init__(
        self, verifier: Verifier, policies: PolicyInForce, epoch: str = "", key: bytes | None = None
    ) -> None:
        """`key` proves that the gate asked, and to the executor what was authorized here."""
        self._verifier, self._policies, self._epoch, self._key = verifier, policies, epoch, key

    # -- the row

    def load(self, key: bytes, row: bytes | None) -> Votes:
        return Votes.of_row(row)

    def dump(self, state: Votes) -> bytes | None:
        return state.row()

    def due(self, row: bytes) -> int | None:
        return approve_row.due(row)

    def world(self) -> str:
        """In doubt about the policy nothing is looked at again."""
        policy = self._policies.policy()
        return "" if self._policies.trouble else policy.hash

    def outdated(self, row: bytes) -> bool:
        looked, world = approve_row.looked_with(row), self.world()
        return bool(looked and world) and looked != world

    # -- what is read

    async def handle(self, record: Record, state: Votes, now: Now) -> Events:
        if record.topic == "incidents":
            return self._incident(record, state, now)
        if record.topic == "runs":
            return self._run(record, state, now)
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
        self._void(state, now)
        return ()

    def _run(self, record: Record, state: Votes, now: Now) -> Events:
        """What is asked for later, by a gate that did not know, is voided on arrival; what was approved just
        before, told or not, is withdrawn.
        """
        if (record.header("ce_type") or b"").decode() not in ("", RunCancelled.type_name()):
            return ()
        event = record.event
        if not isinstance(event, RunCancelled):
            return ()
        why = (f" by {event.actor}" if event.actor else "") + (
            f": {told}" if (told := event.payload.detail) else ""
        )
        state.cancelled = dict([*state.cancelled.items(), (event.run_id, why)][-MOST_CANCELLED:])
        self._touch(record, state, now)
        self._void(state, now)
        about = {**about_run(event, self.name, now), "causes": (event.event_id,)}
        return [
            withdrawn(one.request, f"its run was cancelled{why}", about)
            for one in state.asked.values()
            if one.state is Standing.APPROVED and one.request.run_id == event.run_id
        ]

    async def _request(self, event: ApprovalRequested, state: Votes, now: Now) -> list[Event]:
        approval_id = event.payload.approval_id
        if approval_id in state.asked:
            return []
        self._refuse_forged(event, "the gate asked this")
        opened(event)
        state.asked[approval_id] = one = Asked(event)
        state.looked = ""
        self._look_again(state, now)
        self._void(state, now)
        waited = [vote for vote, _ in state.early if vote.payload.approval_id == approval_id]
        state.early = [(vote, until) for vote, until in state.early if vote not in waited]
        return [await self._judge(vote, one, now) for vote in waited]

    def _refuse_forged(self, event: ApprovalRequested | VoteVerified, what: str) -> None:
        """Before anything changes."""
        if self._key is not None and not is_proven(event, self._key):
            raise BadPayload(f"is no proof that {what}", field="proof")

    async def _vote(self, event: VoteVerified, state: Votes, now: Now) -> list[Event]:
        self._refuse_forged(event, "the intake took this in")
        one = state.asked.get(event.payload.approval_id)
        if one is not None:
            self._look_again(state, now)
            return [] if _is_known(event, one.votes) else [await self._judge(event, one, now)]
        if len(state.early) >= MOST_EARLY:
            return [self._refused(event, UNKNOWN, now)]
        if not _is_known(event, [vote for vote, _ in state.early]):
            state.early.append((event, now.millis + EARLY_WAIT_MS))
        return []

    async def wake(self, state: Votes, now: Now) -> Events:
        events = [event for one in state.asked.values() for event in self._tell_end(one, now)]
        for one in state.open:
            if tick(one.approval(), now.moment).state is Standing.EXPIRED:
                self._close(one, by_time(one.request, one.votes))
                state.changed = True
        self._look_again(state, now)
        over = [vote for vote, until in state.early if until <= now.millis]
        state.early = [(vote, until) for vote, until in state.early if until > now.millis]
        events += [self._refused(vote, UNKNOWN, now) for vote in over]
        if events:
            state.touched_at, state.changed = max(state.touched_at, now.millis), True
        elif not state.waits() and state.due() <= now.millis:
            state.forgotten = state.changed = True
        return events

    # -- what is decided

    async def _judge(self, event: VoteVerified, one: Asked, now: Now) -> Event:
        token = event.payload.token.encode()
        for counted in one.votes:
            await self._verifier.prepare(counted.payload.token.encode())
        vote = await self._verifier.verify(token, event.recorded_at)
        if isinstance(vote, Refused):
            return self._refused(event, vote, now)
        self._forget_removed(one)
        judged = judge(vote, one.approval())
        event = event.model_copy(update={"payload": ballot_of(vote, token, self._verifier.offset())})
        if judged.verdict is Verdict.COUNTED:
            one.votes.append(event)
        if judged.approval.state is Standing.EXPIRED:
            self._close(one, by_time(one.request, one.votes))
        elif judged.approval.state in (Standing.APPROVED, Standing.REJECTED):
            self._close(one, by_vote(judged.approval.state, one.votes, event.recorded_at))
        return self._told(event, judged, one, now)

    def _forget_removed(self, one: Asked) -> None:
        """A person, a role or a key that is gone no longer counts where it is still open."""
        standing = without_removed(one.approval(), self._verifier.registry()).votes
        left = {(vote.person, vote.jti) for vote in standing}
        one.votes = [vote for vote in one.votes if (vote.payload.person, vote.payload.jti) in left]

    def _look_again(self, state: Votes, now: Now) -> None:
        """What is open, with the policy in force, where that is another than the last time."""
        world = self.world()
        if world and state.open and world != state.looked:
            for one in state.open:
                self._look(one, now)
            state.looked, state.changed = world, True

    def _look(self, one: Asked, now: Now) -> None:
        policy, asked = self._policies.policy(), one.request.payload
        if policy.hash == asked.policy.hash:
            return
        how = otherwise(asked, one.request.project_id, one.request.occurred_at, policy)
        if how:
            ours, theirs = _named(mark_of(policy)), _named(asked.policy)
            self._close(
                one, _voided(Closing.OTHER_POLICY, f"{ours} decides otherwise than {theirs}: {how}", now)
            )

    def _void(self, state: Votes, now: Now) -> None:
        resolves = self._policies.policy().approvals.void_when_resolved
        for one in state.open:
            if one.request.run_id in state.cancelled:
                why = f"its run was cancelled{state.cancelled[one.request.run_id]}"
                self._close(one, _voided(Closing.CANCELLED, why, now))
            elif state.resolved and resolves:
                self._close(one, _voided(Closing.RESOLVED, "the alert resolved while it waited", now))

    # -- what is told

    def _tell_end(self, one: Asked, now: Now) -> list[Event]:
        if one.end is None or not one.is_written:
            return []
        end, one.end = one.end, None
        in_force = one.in_force or one.request.payload.policy
        return ending(one.request, one.votes, end, in_force, now.moment, self.name, self._key)

    def _close(self, one: Asked, end: End) -> None:
        one.close(end, mark_of(self._policies.policy()))

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
            signers_offset=self._verifier.offset(),
        )
        return kind(**self._envelope(event, one, now), payload=count)

    def _refused(self, event: VoteVerified, why: Refused, now: Now, one: Asked | None = None) -> Event:
        """Who signed is told where the signature is theirs: what a vote says of itself anybody may write."""
        ballot = event.payload
        told = VoteRefusal(
            signature=signature_of(ballot.token.encode()),
            approval_id=ballot.approval_id,
            jti=ballot.jti if one else "",
            person=ballot.person if one else "",
            refusal=why.reason,
            sentence=why.sentence,
            size=len(ballot.token),
            signers_offset=self._verifier.offset(),
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
            "actor": vote.payload.person if one else "",
            "causes": (vote.event_id, *([one.request.event_id] if one else [])),
        }

    def dead_letter(self, record: Record, error: Never, now: Now) -> Event:
        return stage_failed(self.name, record, error, now, self._epoch)


def _is_known(event: VoteVerified, votes: Sequence[VoteVerified]) -> bool:
    """The same vote written twice; another signature under its id is none."""
    return any((event.event_id, event.payload.token) == (vote.event_id, vote.payload.token) for vote in votes)


def _voided(rule: Closing, reason: str, now: Now) -> End:
    return End(Standing.VOIDED, rule, reason, now.moment)


def _named(policy: PolicyMark) -> str:
    return f"policy {policy.version} ({policy.hash[:12]})"


def check_contract(stage: Approve) -> Keyed[Votes]:
    return stage

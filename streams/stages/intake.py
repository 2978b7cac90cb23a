"""Takes signatures in from any client: each is verified by itself and written under its incident. No state.

The way a signature came is not trusted. What does not count is a recorded refusal with its reason, never a
dead letter: anybody may write here. What needs the approval itself is decided where it is kept (approve.py).
"""

from __future__ import annotations

from typing import Any

from schemas import ids
from schemas.envelope import Event
from schemas.errors import Never
from schemas.vote import VoteRefusal, VoteRefused, VoteVerified
from streams.policy.ballots import ballot_of, signature_of
from streams.policy.checks import incident_of
from streams.policy.jws import take_apart
from streams.policy.proof import proven
from streams.policy.refusals import Refusal, Refused
from streams.policy.signatures import Vote
from streams.policy.verifier import Verifier
from streams.runner import stage_failed
from streams.stage import Events, Now, Record, Transform


class Intake:
    name = "intake"
    reads: tuple[str, ...] = ("approvals.signatures",)

    def __init__(self, verifier: Verifier, epoch: str = "", key: bytes | None = None) -> None:
        """`key` proves to the approve stage that a vote and its time are the intake's."""
        self._verifier, self._epoch, self._key = verifier, epoch, key

    async def handle(self, record: Record, now: Now) -> Events:
        """Judged by our own clock, once: what a record says of its time is its sender's to choose."""
        token = record.value or b""
        found = await self._verifier.verify(token, now.moment)
        if isinstance(found, Vote):
            return [self._verified(found, token, record, now)]
        return [self._refused(found, token, record, now)]

    def _verified(self, vote: Vote, token: bytes, record: Record, now: Now) -> Event:
        about = self._envelope(vote.incident_id, record, now)
        ballot = ballot_of(vote, token, self._verifier.offset())
        return proven(VoteVerified(**about, actor=vote.person, payload=ballot), self._key)

    def _refused(self, found: Refused, token: bytes, record: Record, now: Now) -> Event:
        approval_id = "" if found.reason is Refusal.TOO_LARGE else _approval_named(token)
        told = VoteRefusal(
            signature=signature_of(token),
            approval_id=approval_id,
            refusal=found.reason,
            sentence=found.sentence,
            size=len(token),
            signers_offset=self._verifier.offset(),
        )
        return VoteRefused(**self._envelope(incident_of(approval_id), record, now), payload=told)

    def _envelope(self, incident_id: str, record: Record, now: Now) -> dict[str, Any]:
        """The project is the approval's: who only signs cannot say it."""
        return {
            "event_id": ids.vote_id(self._epoch, record.topic, record.partition, record.offset),
            "project_id": "",
            "incident_id": incident_id,
            "occurred_at": now.moment,
            "recorded_at": now.moment,
            "stage": self.name,
        }

    def dead_letter(self, record: Record, error: Never, now: Now) -> Event:
        return stage_failed(self.name, record, error, now, self._epoch)


def _approval_named(token: bytes) -> str:
    """Believed in nothing: so that a refusal is found beside what it was meant for."""
    named = (take_apart(token).claims or {}).get("approval_id")
    return named if isinstance(named, str) and incident_of(named) else ""


def check_contract(stage: Intake) -> Transform:
    return stage

"""Approvals on a real log: honest requests, signatures by anybody, and a reader of what became of them."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas import ids
from schemas.approval import ApprovalRequested
from schemas.authorization import ActionAuthorized
from schemas.envelope import Event, from_millis
from schemas.operations import Risk
from streams.policy.action_hash import act_of, action_hash
from streams.policy.ballots import signature_of
from streams.policy.gate import needed
from streams.policy.policy import mark_of, read_policy
from streams.policy.proof import proven
from tests.faults.approving import PROOF_KEY
from tests.faults.following import Following
from tests.faults.load import PARTITIONS
from tests.peers.waiting import wait_until_async
from tests.schemas.golden_events import golden

POLICY = read_policy()
SIGNATURES = "approvals.signatures"
ENDS = ("approval.approved", "approval.rejected", "approval.expired", "approval.voided")


def request(
    approval_id: str,
    expires: float,
    risk: Risk = Risk.HIGH,
    proposed_by: str = "alice",
    key: bytes = PROOF_KEY,
    **changes: Any,
) -> ApprovalRequested:
    """As the gate asks it, an hour before its end: hashed, with its proof, by the policy in force."""
    event: ApprovalRequested = golden("approval.requested")
    about = {
        "approval_id": approval_id,
        "expires_at": from_millis(int(expires * 1000)),
        "needed": needed(POLICY.quorums, risk),
        "proposed_by": proposed_by,
        "policy": mark_of(POLICY),
        "commitments": {},
    }
    asked = event.payload.model_copy(update=about | changes)
    asked = asked.model_copy(update={"action_hash": action_hash(act_of(asked))})
    now = from_millis(int((expires - 3600) * 1000))
    incident = approval_id.rpartition("-A")[0]
    whole = event.model_copy(
        update={
            "event_id": ids.derive_id("test request", approval_id),
            "project_id": "shop",
            "incident_id": incident,
            "occurred_at": now,
            "recorded_at": now,
            "payload": asked,
        }
    )
    return proven(whole, key)


HASH = request("INC-20260101-AAAAAAAAAA-A1", 10**9).payload.action_hash
"""of what is asked for here, whatever the approval"""


def soon(seconds: float) -> float:
    return time.time() + timedelta(seconds=seconds).total_seconds()


@dataclass
class Approvals(Following):
    """`ask` and `sign` write; `read` takes in what the worker wrote."""

    TOPICS = ("approvals.votes", "approvals.outcomes", "authorizations", "decisions", "stage.failed")

    bootstrap: str
    events: dict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    """by id, copies among them, in the order of the log"""
    broken: list[Event] = field(default_factory=list)
    """dead letters"""

    # -- writing

    async def ask(self, *requests: ApprovalRequested) -> None:
        await self.put("approvals.requests", *requests)

    async def sign(self, *tokens: bytes | None, key: bytes | None = None) -> None:
        await self.send(*(self._producer.send(SIGNATURES, token, key=key) for token in tokens))

    # -- reading

    def take(self, event: Event) -> None:
        (self.broken if event.type == "stage.failed" else self.events[event.event_id]).append(event)

    async def until_judged(self, tokens: Iterable[bytes], timeout: float = 30) -> None:  # noqa: ASYNC109
        wanted = {signature_of(token) for token in tokens}
        await self.until(lambda: wanted <= self.verdicts.keys(), "every signature judged", timeout)

    async def until_quiet(self, reads: int = 12) -> None:
        """Until nothing new has come for a while: what must not come cannot be waited for."""
        quiet, known = 0, -1
        while quiet < reads:
            await self.read()
            copies = sum(map(len, self.events.values()))
            quiet, known = (quiet + 1 if copies == known else 0), copies

    async def until_written(self, token: bytes) -> None:
        """It stands on the log, whether or not anybody has read it."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            consumer.assign([TopicPartition(SIGNATURES, number) for number in range(PARTITIONS)])

            async def there() -> bool:
                found = await consumer.getmany(timeout_ms=100)
                return any(record.value == token for records in found.values() for record in records)

            await wait_until_async(there, 10, what="a signature on the log", every=0)
        finally:
            await consumer.stop()

    @property
    def firsts(self) -> list[Event]:
        """As every reader takes it: the first event with an id wins."""
        return [copies[0] for copies in self.events.values()]

    @property
    def verdicts(self) -> dict[str, list[str]]:
        """Signature → the reasons that refused it, `counted` or `closed`."""
        found = defaultdict(list)
        for event in self.firsts:
            if event.type in ("vote.counted", "vote.late", "vote.refused"):
                told: Any = event.payload
                said = {"vote.counted": "counted", "vote.late": "closed"}.get(event.type) or told.refusal
                found[told.signature].append(str(said))
        return found

    def verdict(self, token: bytes) -> list[str]:
        return self.verdicts.get(signature_of(token), [])

    def ends(self, approval_id: str) -> Counter[str]:
        """Every end that stands on the log, copies that say the same once."""
        told = {
            (event.event_id, event.type)
            for copies in self.events.values()
            for event in copies
            if event.type in ENDS and event.payload.approval_id == approval_id  # type: ignore[attr-defined]
        }
        return Counter(kind.partition(".")[2] for _, kind in told)

    def authorized(self, approval_id: str) -> list[ActionAuthorized]:
        found = [event for event in self.firsts if isinstance(event, ActionAuthorized)]
        return [event for event in found if event.payload.approval_id == approval_id]

    def counted(self, approval_id: str) -> list[str]:
        """Whose votes counted."""
        return sorted(
            event.payload.person  # type: ignore[attr-defined]
            for event in self.firsts
            if event.type == "vote.counted" and event.payload.approval_id == approval_id  # type: ignore[attr-defined]
        )

    @property
    def repeated(self) -> int:
        return sum(len(copies) - 1 for copies in self.events.values())

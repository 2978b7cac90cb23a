"""Keeps the trust that is earned by verified successes and lost by one setback. Key: trust key.

It fades when it is not used; a sudden change of its outcomes is told to `governance`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from schemas import ids
from schemas.envelope import Event, from_millis
from schemas.errors import BadPayload, Never
from schemas.trust import (
    Earned,
    TrustDecayed,
    TrustDrift,
    TrustDrifted,
    TrustObserved,
    TrustRaised,
    TrustReset,
    TrustScore,
)
from streams import windows
from streams.policy.in_force import PolicyInForce
from streams.policy.trust import Score, decayed, decays_at, drift, observed
from streams.runner import stage_failed
from streams.stage import Events, Keyed, KeyedBase, Now, Record, State, pack, unpack

KEPT_WITHOUT_TRUST = 90 * windows.DAY
MOST_COUNTED = 20


@dataclass(slots=True)
class Kept(State):
    score: Score = field(default_factory=Score)
    project_id: str = ""
    trust_key: str = ""
    due_at: int = 0
    counted: tuple[str, ...] = ()
    """observations that were counted last: a repeated one stands at a new offset"""
    forgotten: bool = False


class Trust(KeyedBase[Kept]):
    name = "trust"
    reads: tuple[str, ...] = ("trust.observations",)

    def __init__(self, policies: PolicyInForce, epoch: str = "") -> None:
        self._policies, self._epoch = policies, epoch

    # -- the row

    def load(self, key: bytes, row: bytes | None) -> Kept:
        if row is None:
            return Kept()
        due_at, seen, value, used_at, recent, project_id, trust_key, counted = unpack(row)
        score = Score(value, used_at, tuple(recent))
        return Kept(seen, False, score, project_id, trust_key, due_at, tuple(counted))

    def dump(self, state: Kept) -> bytes | None:
        if state.forgotten:
            return None
        score = [state.score.value, state.score.used_at, state.score.recent]
        return pack([state.due_at, state.seen, *score, state.project_id, state.trust_key, state.counted])

    def due(self, row: bytes) -> int | None:
        return int(row[1 : row.index(b",")])

    # -- what is observed

    async def handle(self, record: Record, state: Kept, now: Now) -> Events:
        event = record.event
        if not isinstance(event, TrustObserved):
            raise BadPayload(f"{event.type} is no observation of trust", field="type")
        events: Events = ()
        if event.event_id not in state.counted:
            state.counted = (*state.counted, event.event_id)[-MOST_COUNTED:]
            state.project_id, state.trust_key = event.project_id, event.payload.trust_key
            events = self._observe(event, min(record.timestamp, now.millis), state, now)
        self.note(record, state)
        return events

    def _observe(self, event: TrustObserved, at: int, state: Kept, now: Now) -> Events:
        policy, outcome = self._policies.policy().trust, event.payload.outcome
        was_drifting = drift(state.score.recent, policy)
        state.score = observed(state.score, outcome, at, policy)
        self._settle_due(state, now)
        kind = TrustRaised if outcome == Earned.VERIFIED else TrustReset
        reason = f"{outcome}: {event.payload.reason}" if event.payload.reason else str(outcome)
        told: list[Event] = [
            kind(
                **self._envelope(state, now),
                event_id=ids.output_id(kind.type_name(), (event.event_id,)),
                causes=(event.event_id,),
                payload=_told(state, reason),
            )
        ]
        found = drift(state.score.recent, policy)
        if found is not None and was_drifting is None:
            payload = TrustDrift(
                subject=state.trust_key, before=found.before, after=found.after, outcomes=found.outcomes
            )
            drifted = TrustDrifted(
                **self._envelope(state, now),
                event_id=ids.output_id("trust.drifted", (event.event_id,)),
                causes=(event.event_id,),
                payload=payload,
            )
            told.append(drifted)
        return told

    # -- what time does

    async def wake(self, state: Kept, now: Now) -> Events:
        policy = self._policies.policy().trust
        before, state.changed = state.score, True
        state.score = decayed(before, now.millis, policy)
        if state.score.value == before.value:
            state.forgotten = before.value == 0
            self._settle_due(state, now)
            return ()
        self._settle_due(state, now)
        return [
            TrustDecayed(
                **self._envelope(state, now),
                event_id=ids.derive_id("trust.decayed", state.trust_key, str(state.score.used_at)),
                payload=_told(state, f"unused for {policy.decay_days} days"),
            )
        ]

    def _settle_due(self, state: Kept, now: Now) -> None:
        """When it fades next; with nothing left to lose, when it can be forgotten."""
        fades = decays_at(state.score, now.millis, self._policies.policy().trust)
        state.due_at = now.millis + KEPT_WITHOUT_TRUST if fades is None else fades

    def _envelope(self, state: Kept, now: Now) -> dict[str, Any]:
        moment = now.moment
        return {
            "project_id": state.project_id,
            "occurred_at": moment,
            "recorded_at": moment,
            "stage": self.name,
        }

    def dead_letter(self, record: Record, error: Never, now: Now) -> Event:
        return stage_failed(self.name, record, error, now, self._epoch)


def _told(state: Kept, reason: str) -> TrustScore:
    return TrustScore(
        trust_key=state.trust_key,
        score=state.score.value,
        used_at=from_millis(state.score.used_at),
        recent=state.score.recent,
        reason=reason,
    )


def check_contract(stage: Trust) -> Keyed[Kept]:
    return stage

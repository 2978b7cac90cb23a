"""What the stage execute keeps of one workload: each action's claims, until no copy of it is any good."""

from __future__ import annotations

from dataclasses import dataclass, field

from schemas.authorization import ActionAuthorized
from streams.stage import State, pack, unpack

HOUR_MS = 60 * 60 * 1000
KEPT_AFTER_EXPIRY = 24 * HOUR_MS
KEPT_WITHOUT = 8 * 24 * HOUR_MS
"""a claim whose authorization never comes: no authorization lives longer"""


@dataclass(slots=True)
class Held:
    """One action. `claim` is the first one of this attempt in the log, by its event's id."""

    authorized: ActionAuthorized | None = None
    attempt: int = 1
    claim: str = ""
    valid_secs: int = 0
    ended: bool = False
    forget_at: int = 0
    late: bool = False
    """a call of an earlier attempt may still arrive: nobody can say that nothing was done"""
    withdrawn: str = ""
    """why it is not to be done any more"""
    acted_at: int = 0
    """when something was, or may have been, sent for it; 0: nothing was"""


@dataclass(slots=True)
class Acts(State):
    held: dict[str, Held] = field(default_factory=dict)
    """by action id"""
    acted: list[int] = field(default_factory=list)
    """when something was, or may have been, sent to any part of it: the last hour's"""

    def row(self) -> bytes | None:
        """None once there is nothing left to remember."""
        if not self.held and not self.acted:
            return None
        return pack([self.seen, {name: _kept(one) for name, one in self.held.items()}, self.acted])

    @classmethod
    def of_row(cls, row: bytes | None) -> Acts:
        if row is None:
            return cls()
        seen, held, acted = unpack(row)
        return cls(seen, False, {name: _held(kept) for name, kept in held.items()}, acted)

    def sent(self, at: int) -> None:
        self.acted = [*self.lately(at), at]

    def why_not_undone(self, action_id: str) -> str:
        """What was never done is not taken back, nor what another act has been built upon."""
        done = self.held.get(action_id)
        if done is None or not done.ended or not done.acted_at:
            return f"nothing was done here that is known as {action_id}"
        if any(one.acted_at > done.acted_at for one in self.held.values()):
            return "another action was carried out here since"
        return ""

    def lately(self, now: int) -> list[int]:
        return [at for at in self.acted if at > now - HOUR_MS]

    def forget(self, now: int) -> None:
        self.held = {name: one for name, one in self.held.items() if one.forget_at > now}
        self.acted = self.lately(now)
        self.changed = True


def due(row: bytes) -> int | None:
    state = Acts.of_row(row)
    ends = [one.forget_at for one in state.held.values()] or [at + HOUR_MS for at in state.acted]
    return min(ends, default=None)


def _kept(one: Held) -> list[object]:
    authorized = "" if one.ended or one.authorized is None else one.authorized.model_dump_json()
    facts = [one.attempt, one.claim, one.valid_secs, one.ended, one.forget_at, one.late]
    facts += [one.withdrawn, one.acted_at]
    return [authorized, *facts]


def _held(kept: list[object]) -> Held:
    authorized, *rest = kept
    event = ActionAuthorized.model_validate_json(str(authorized)) if authorized else None
    return Held(event, *rest)  # type: ignore[arg-type]  # as `_kept` wrote them

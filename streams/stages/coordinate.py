"""Ends each debate once: when all have spoken, when one gave up, or when its time is over. Key: incident.

Rules only, and quick: it reads the run's start as well, so that a run whose evidence never comes still ends.
What is said after the end is recorded as late and changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from prometheus_client import Counter

from agents.coordinator import decide
from agents.desk import Desk
from agents.heard import Heard
from schemas import ids
from schemas.decision import DebateEnded, LateTurn, LearningDebateEnded, Package, RcaDecided, RcaLate
from schemas.envelope import Event, from_millis
from schemas.errors import Never
from schemas.run import RunCancelled, RunStarted
from streams import windows
from streams.runner import stage_failed
from streams.stage import Events, Keyed, KeyedBase, Now, Record, State, about_run, pack, unpack
from streams.stages.debate import PARTS, Debate

MOST_ENDED = 5
KEPT_AFTER_END = windows.DAY
DECIDED = Counter(
    "awoooi_debates_decided_total",
    "Debates that ended, by how and by the gate's branch",
    ["status", "branch"],
)
LATE = Counter("awoooi_turns_late_total", "Turns that came after their debate had ended", ["agent"])


@dataclass(slots=True)
class Debates(State):
    """Of one incident: rarely more than one is under way."""

    open: dict[str, Debate] = field(default_factory=dict)
    """by run"""
    ended: dict[str, int] = field(default_factory=dict)
    """run → when, in epoch milliseconds; the latest few"""
    forgotten: bool = False


class Coordinate(KeyedBase[Debates]):
    name = "coordinate"
    reads: tuple[str, ...] = (
        "runs",
        "rca.evidence",
        "rca.diagnoses",
        "rca.plans",
        "rca.reviews",
        "rca.critiques",
    )

    def __init__(self, desk: Desk, epoch: str = "") -> None:
        self._desk, self._epoch = desk, epoch

    # -- the row

    def load(self, key: bytes, row: bytes | None) -> Debates:
        if row is None:
            return Debates()
        _, seen, under_way, ended = unpack(row)
        return Debates(seen, False, {run: Debate.of_row(kept) for run, kept in under_way.items()}, ended)

    def dump(self, state: Debates) -> bytes | None:
        if state.forgotten:
            return None
        under_way = {run: debate.row() for run, debate in state.open.items()}
        return pack([_due(state), state.seen, under_way, state.ended])

    def due(self, row: bytes) -> int | None:
        return int(row[1 : row.index(b",")])

    # -- what is heard

    async def handle(self, record: Record, state: Debates, now: Now) -> Events:
        """In the log's time: a coordinator that comes late still takes what was said in time."""
        event = record.event
        events: Events = ()
        at = min(record.timestamp, now.millis)
        if isinstance(event, RunCancelled):
            self._call_off(event.run_id, at, state)
        elif isinstance(event, (RunStarted, *PARTS)):  # that a run finished does not end a debate
            events = self._take(event, at, state, now)
        self.note(record, state)
        return events

    def _take(self, event: Event, at: int, state: Debates, now: Now) -> Events:
        if event.run_id in state.ended:
            return self._late(event, at - state.ended[event.run_id], now)
        debate = state.open.setdefault(event.run_id, Debate.begun_by(event))
        if at > debate.deadline_at:
            late_by = at - debate.deadline_at
            return [*self._end(debate, debate.heard(), at, state, now), *self._late(event, late_by, now)]
        debate.take(event)
        heard = debate.heard()
        return self._end(debate, heard, at, state, now) if heard.complete else ()

    async def wake(self, state: Debates, now: Now) -> Events:
        over = [debate for debate in state.open.values() if debate.deadline_at <= now.millis]
        events = [
            event for debate in over for event in self._end(debate, debate.heard(), now.millis, state, now)
        ]
        if not state.open and _due(state) <= now.millis:
            state.forgotten = state.changed = True
        return events

    # -- how it ends

    def _call_off(self, run_id: str, at: int, state: Debates) -> None:
        """Nothing is decided: what is still said is late."""
        state.open.pop(run_id, None)
        state.ended = dict([*state.ended.items(), (run_id, at)][-MOST_ENDED:])

    def _end(self, debate: Debate, heard: Heard, at: int, state: Debates, now: Now) -> list[Event]:
        package = decide(heard, from_millis(at), self._desk)
        del state.open[debate.run_id]
        state.ended = dict([*state.ended.items(), (debate.run_id, at)][-MOST_ENDED:])
        state.changed = True
        DECIDED.labels(package.session_status, package.branch).inc()
        decided = RcaDecided(
            **about_run(debate, self.name, now),
            event_id=ids.ending_id("debate", debate.run_id),
            causes=tuple(debate.causes.values()),
            sealed=debate.ciphertext,
            payload=package,
        )
        learned = LearningDebateEnded(
            **about_run(debate, self.name, now),
            event_id=ids.derive_id("learning.debate_ended", debate.run_id),
            causes=(decided.event_id,),
            payload=_learned(debate, package),
        )
        return [decided, learned]

    def _late(self, event: Event, late_by: int, now: Now) -> list[Event]:
        _, agent = PARTS.get(type(event), ("", None))
        if agent is None:  # evidence, or a start that came twice: no turn
            return []
        LATE.labels(agent).inc()
        return [
            RcaLate(
                **about_run(event, self.name, now),
                event_id=ids.output_id("rca.late", (event.event_id,)),
                causes=(event.event_id,),
                payload=LateTurn(agent=agent, event_id=event.event_id, late_by_ms=late_by),
            )
        ]

    def dead_letter(self, record: Record, error: Never, now: Now) -> Event:
        return stage_failed(self.name, record, error, now, self._epoch)


def _due(state: Debates) -> int:
    """The first deadline; when nothing is under way, when it can be forgotten."""
    deadlines = [debate.deadline_at for debate in state.open.values()]
    return min(deadlines) if deadlines else max(state.ended.values(), default=0) + KEPT_AFTER_END


def _learned(debate: Debate, package: Package) -> DebateEnded:
    action = package.recommended_action
    return DebateEnded(
        session_id=debate.run_id,
        session_status=package.session_status,
        alert_type=debate.alert_type,
        confidence=package.confidence,
        requires_human_approval=package.requires_human_approval,
        all_agents_degraded=package.all_agents_degraded,
        challenges=len(package.challenges),
        playbook=action.playbook if action else "",
    )


def check_contract(stage: Coordinate) -> Keyed[Debates]:
    return stage

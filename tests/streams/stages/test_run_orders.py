"""A run ends exactly once, whatever happens in whatever order: random histories, topics read in any order."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas import ids
from schemas.catalog import topic_of
from schemas.decision import SessionStatus
from schemas.envelope import Event
from schemas.incident import IncidentStatus
from streams.stages.run_endings import EXECUTED
from streams.stages.runs import Runs
from tests.streams.stages.run_story import RunStory

PENDING = IncidentStatus.PENDING
OPEN = set(IncidentStatus) - {IncidentStatus.RESOLVED, IncidentStatus.EXPIRED}
FATES: dict[str, Callable[[RunStory, int], object]] = {
    "skipped": lambda story, run: story.gate("SKIPPED", run),
    "blocked": lambda story, run: story.gate("BLOCKED", run),
    "unsigned": lambda story, run: story.gate("APPROVAL_REQUIRED", run, approval_id=""),
    "automatic": lambda story, run: story.gate("AUTO_APPROVED", run),
    **{
        state.lower(): lambda story, run, state=state: (
            story.gate("APPROVAL_REQUIRED", run),
            story.approval(state, number=run),
            story.gate(state, run),
        )
        for state in ("APPROVED", "REJECTED", "EXPIRED", "VOIDED")
    },
}
MOST_RUNS = 30
"""from then on no run leads to the next: every history ends"""
FATES |= {
    kind: lambda story, run, kind=kind: (
        story.gate("AUTO_APPROVED", run),
        story.put(story.made("execution.started", run)),
        story.put(story.made(kind, run)),
    )
    for kind in EXECUTED
}
HAPPENS = ("repeat", "worse", "resolve", "fire", "cancel", "rerun", "judge", "hour")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("hear"), st.integers(0, 4)),
        st.tuples(st.just("again"), st.integers(0, 30)),
        st.tuples(st.sampled_from(HAPPENS), st.integers(0, 2)),
    ),
    max_size=60,
)


class Apart(RunStory):
    """What others say of a run is kept back by topic, and heard in the order of the draw."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.kept: dict[str, deque[Event]] = defaultdict(deque)
        self.known: set[str] = set()
        self.log.stages = [one for one in self.log.stages if one.name != "schedule"]
        self.alerts = 0

    def put(self, event: Event) -> RunStory:
        self.kept[topic_of(type(event)).name].append(event)
        return self

    def hear(self, which: int) -> None:
        topics = [topic for topic, events in sorted(self.kept.items()) if events]
        if topics:
            super().put(self.kept[topics[which % len(topics)]].popleft())

    def heard_again(self, which: int) -> None:
        """Its writer died between output and row: a copy at a new offset."""
        heard = [event for topic in Runs.reads for event in self.log.events(topic) if event.stage != "runs"]
        super().put(heard[which % len(heard)])

    async def settle(self, fates: st.DataObject) -> None:
        """Whoever works on a new run does so: what is said of it stands ready."""
        await self.run()
        for request in self.requests:
            if request.run_id in self.known:
                continue
            self.known.add(request.run_id)
            self.meant, number = request.incident_id, request.payload.number
            self.put(self.made("run.started", number, sighting=request.payload.sighting))
            self.debated(fates.draw(st.sampled_from(SessionStatus)), number)
            fate = fates.draw(st.sampled_from(sorted(FATES))) if len(self.known) < MOST_RUNS else "skipped"
            FATES[fate](self, number)

    def happen(self, what: str) -> None:
        self.alerts += 1
        self.pass_seconds(70)
        match what:
            case "repeat":
                self.fire(started=self.alerts)
            case "worse":
                self.fire(started=self.alerts, severity="critical")
            case "resolve":
                self.resolve(started=self.alerts)
            case "fire":
                self.pass_seconds(30).fire(started=self.alerts)
            case "cancel":
                RunStory.put(self, self._kept_back(self.cancel))
            case "rerun":
                RunStory.put(self, self._kept_back(self.rerun))
            case "judge":
                RunStory.put(self, self._kept_back(lambda: self.judge(1)))
            case "hour":
                self.pass_seconds(4000)
                self.log.tick()

    def _kept_back(self, say: Callable[[], object]) -> Event:
        """What people ask for stands on the incident's own topic, in order with the incident."""
        say()
        return self.kept["incidents"].pop()


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS, fates=st.data())
def test_each_run_ends_once_and_none_is_asked_for_while_one_is_pending(
    steps: list[tuple[str, int]], fates: st.DataObject
) -> None:
    asyncio.run(_lived(steps, fates))


async def _lived(steps: list[tuple[str, int]], fates: st.DataObject) -> None:
    story = Apart()
    story.fire()
    await story.settle(fates)
    for what, which in steps:
        if what == "hear":
            story.hear(which)
        elif what == "again":
            story.heard_again(which)
        else:
            story.happen(what)
        await story.settle(fates)
        _is_sound(story)
    while len(story.ends) < len(story.requests):  # what is left is heard; what was approved is given up
        while any(story.kept.values()):
            story.hear(0)
            await story.settle(fates)
        story.happen("hour")
        await story.settle(fates)
    _is_sound(story)


def _is_sound(story: Apart) -> None:
    """An oracle of its own: what stands in the log, in the order in which it was written."""
    asked, ended = defaultdict(list), defaultdict(list)
    for event in _written(story, "runs.requests"):
        if event.type == "run.requested":
            asked[event.incident_id].append(event.run_id)
    for event in _written(story, "runs"):
        ended[event.incident_id].append(event.run_id)
    for incident, runs in asked.items():
        ends = ended[incident]
        assert runs == [ids.run_id(incident, number) for number in range(1, len(runs) + 1)], "each once"
        assert ends == runs[: len(ends)], "each ends once, in order"
        assert len(runs) - len(ends) <= 1, "none is asked for while one is pending"
    _moves_are_allowed(story)


def _written(story: Apart, topic: str) -> list[Event]:
    """By the runs stage, in the order of the log."""
    logs = [log for (name, _), log in story.log.topics.items() if name == topic]
    return [record.event for log in logs for record in log if record.event.stage == "runs"]


def _moves_are_allowed(story: Apart) -> None:
    """What is closed is moved by nobody but dedup, and no state is told twice in a row."""
    status: dict[str, str] = {}
    for event in _written(story, "incidents"):
        if event.type != "incident.moved":
            continue
        told = event.payload
        assert {told.status, told.previous} <= OPEN
        assert told.previous == status.get(event.incident_id, told.previous) or told.previous == PENDING
        assert told.status != told.previous
        status[event.incident_id] = told.status

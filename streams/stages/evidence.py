"""Gathers what can be seen of an incident when a run begins. Key: incident. Slow.

All sources are asked side by side, each with its own time-out, within the stage's share of the run's time.
What could not be had is a gap with its reason and never holds up the run.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from prometheus_client import Counter

from agents.brief import real_name
from agents.snapshot import Gathered, Keys, Snapshot, snapshot, wanted
from connectors.evidence import GAP, Finding, Gatherer, Wanted
from connectors.tools import Ask, Called, Caller, Entry, GatewayConfig, Session
from schemas import ids
from schemas.envelope import Event, from_millis, to_millis
from schemas.errors import CannotOpen, Never
from schemas.evidence import EvidenceCollected, Source
from schemas.run import RunStarted
from schemas.tool import ToolCalled
from streams import windows
from streams.around import Around
from streams.deadline import share
from streams.runner import stage_failed
from streams.stage import Events, Keyed, KeyedBase, Now, Record, State, pack, unpack

AGENT = "evidence"
KEPT_AFTER_DEADLINE = windows.DAY
ENDS = ("run.cancelled", "run.finished")
STARTED = RunStarted.type_name().encode()
MOST_FINDINGS = 200
"""of one source: the brief keeps fewer"""
KIND = re.compile(r"[a-z]{1,40}")
"""of a target: the one part of it that is no name and passes no shield"""
LATEST = 253_402_300_799_000
"""the last second of the year 9999"""
GAPS = Counter("awoooi_evidence_gaps_total", "Parts of the evidence that could not be had", ["source"])


@dataclass(frozen=True, slots=True)
class EvidenceNeeds:
    """What the composition root gives to this stage."""

    gatherers: Sequence[Gatherer]
    around: Around
    gateway: GatewayConfig
    keys: Keys
    clock: Callable[[], float]
    """monotonic seconds, to measure with"""
    debate: Callable[[str], bool] = lambda project: True  # noqa: ARG005  by default every project debates
    """whether a project's agents ask models"""


@dataclass(slots=True)
class Gathering(State):
    forget_at: int = 0
    begun: int = -1
    """offset of the run.started in hand"""
    tries: int = 0
    ended: str = ""
    """the run that ended last"""


class Evidence(KeyedBase[Gathering]):
    name = "evidence"
    reads: tuple[str, ...] = ("runs",)

    def __init__(self, needs: EvidenceNeeds, epoch: str = "") -> None:
        self._needs, self._epoch = needs, epoch

    def load(self, key: bytes, row: bytes | None) -> Gathering:
        if row is None:
            return Gathering()
        forget_at, seen, begun, tries, ended = unpack(row)
        return Gathering(seen, False, forget_at, begun, tries, ended)

    def dump(self, state: Gathering) -> bytes | None:
        if not state.forget_at:
            return None
        return pack([state.forget_at, state.seen, state.begun, state.tries, state.ended])

    def due(self, row: bytes) -> int | None:
        return int(row[1 : row.index(b",")])

    async def wake(self, state: Gathering, now: Now) -> Events:
        if state.forget_at <= now.millis:
            state.forget_at, state.changed = 0, True
        return ()

    def begin(self, record: Record, state: Gathering) -> bool:
        """A call that is made again after a crash is another call, and is recorded as one."""
        if record.header("ce_type") not in (None, STARTED) or not isinstance(record.event, RunStarted):
            return False
        again = state.begun == record.offset
        state.begun, state.tries = record.offset, state.tries + 1 if again else 1
        self._keep(state, record.event)
        return again

    async def handle(self, record: Record, state: Gathering, now: Now) -> Events:
        event = record.event
        events: Events = ()
        if isinstance(event, RunStarted):
            if event.run_id != state.ended:
                events = await self._collect(event, state.tries or 1, now)
            self._keep(state, event)
        elif event.type in ENDS:
            state.ended = event.run_id
            state.forget_at = max(state.forget_at, now.millis + KEPT_AFTER_DEADLINE)
        self.note(record, state)
        return events

    def _keep(self, state: Gathering, started: RunStarted) -> None:
        state.forget_at = to_millis(started.payload.deadline_at) + KEPT_AFTER_DEADLINE
        state.changed = True

    async def _collect(self, started: RunStarted, tries: int, now: Now) -> Events:
        """Nothing after the deadline: the run has ended without us."""
        needs = self._needs
        seconds = share(self.name, to_millis(started.payload.deadline_at), now.millis)
        if not seconds:
            return ()
        began = needs.clock()
        about = wanted(started, needs.keys, now.millis)
        session = Session(needs.gateway, Caller(started.run_id, AGENT, self.name), needs.clock)
        asked = (self._ask(gatherer, about, session, seconds) for gatherer in needs.gatherers)
        looking = needs.around.look(about, session, seconds)
        around, answers = await asyncio.gather(looking, asyncio.gather(*asked))
        gathered = [_gathered(one, called) for one, called in zip(needs.gatherers, answers, strict=True)]
        parts = [*_noted(started, needs.keys), *gathered, *around.gathered]
        for part in parts:
            if part.gap:
                GAPS.labels(part.source).inc()
        debate = needs.debate(started.project_id)
        seen = snapshot(started, parts, needs.keys, around.surroundings, debate=debate)
        at = now.millis + round((needs.clock() - began) * 1000)
        calls = [*(called.entry for called in answers), *around.entries]
        return [*self._calls(started, calls, seen, tries, at), self._collected(started, seen, at)]

    async def _ask(
        self, gatherer: Gatherer, about: Wanted, session: Session, seconds: float
    ) -> Called[Sequence[Finding]]:
        ask = Ask(
            gatherer.tool,
            min(gatherer.timeout_secs, seconds),
            {"cluster": about.cluster, "kind": about.kind, "namespace": about.namespace, "name": about.name},
            resources=frozenset({"namespace", "name"}),
        )
        return await session.call(ask, lambda: gatherer.gather(about))

    def _calls(
        self, started: RunStarted, calls: Sequence[Entry], seen: Snapshot, tries: int, at: int
    ) -> Iterator[Event]:
        for entry in calls:
            yield ToolCalled(
                event_id=ids.derive_id("tool.called", entry.call_id, str(tries)),
                project_id=started.project_id,
                incident_id=started.incident_id,
                run_id=started.run_id,
                occurred_at=from_millis(at),
                recorded_at=from_millis(at),
                stage=self.name,
                causes=(started.event_id,),
                payload=entry.payload(seen.cover),
            )

    def _collected(self, started: RunStarted, seen: Snapshot, at: int) -> Event:
        return EvidenceCollected(
            event_id=ids.derive_id("evidence.collected", started.run_id),
            project_id=started.project_id,
            incident_id=started.incident_id,
            run_id=started.run_id,
            occurred_at=from_millis(at),
            recorded_at=from_millis(at),
            stage=self.name,
            causes=(started.event_id,),
            sealed=seen.sealed,
            payload=seen.brief,
        )

    def dead_letter(self, record: Record, error: Never, now: Now) -> Event:
        return stage_failed(self.name, record, error, now, self._epoch)


def _noted(started: RunStarted, keys: Keys) -> list[Gathered]:
    """What the one who asked for the run tells it, with its real values: the run's shield covers it anew."""
    note = started.payload.note
    if note is None:
        return []
    values: Mapping[str, str] = {}
    with suppress(CannotOpen):  # then its labels lead nowhere, and are shown as such
        if note.sealed:
            values = keys.opener.open(note.sealed, project_id=started.project_id, event_id=note.event_id)
    text = real_name(note.text, values) or note.text
    source = Source.PERSON if note.actor else Source.HISTORY
    return [Gathered(source, [Finding("note", "", to_millis(note.written_at), text)])]


def _gathered(gatherer: Gatherer, called: Called[Sequence[Finding]]) -> Gathered:
    """What a source says is not believed to be well-formed: a bad finding is left out and told."""
    if not called.ok:
        return Gathered(gatherer.source, gap=called.failure)
    if not isinstance(called.value, Sequence):
        return Gathered(gatherer.source, gap="it answered what is no list of findings")
    findings = called.value[:MOST_FINDINGS]
    sound = [finding for finding in findings if _is_sound(finding)]
    bad = len(findings) - len(sound)
    gaps = [finding.text for finding in sound if finding.kind == GAP]
    if bad:
        gaps.append(f"{bad} of its findings could not be read")
    seen = [finding for finding in sound if finding.kind != GAP]
    return Gathered(gatherer.source, seen, "; ".join(gaps))


def _is_sound(finding: Finding) -> bool:
    """As its type says, all of it: another server's answer may have ended up anywhere in it."""
    try:
        texts = (finding.kind, finding.about, finding.text, *finding.words, *finding.words.values())
        names = [part for target in finding.targets for part in target]
        numbers = finding.numbers.values()
        "".join(names).encode()  # raises where half of a character is in a name
        sum(map(float, numbers))  # raises where a number is too large for one
        return (
            all(isinstance(text, str) for text in (*texts, *names, *finding.numbers))
            and all(isinstance(number, int | float) for number in numbers)
            and all(len(target) == 3 and KIND.fullmatch(target[0]) for target in finding.targets)
            and 0 <= int(finding.observed_at) <= LATEST
        )
    except (AttributeError, TypeError, ValueError, OverflowError):
        return False


def check_contract(stage: Evidence) -> Keyed[Gathering]:
    return stage

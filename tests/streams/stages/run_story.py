"""A run as the runs stage hears of it: dedup and schedule are the real ones, the rest is said by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

from schemas import ids
from schemas.alert import Severity
from schemas.catalog import TICKS_PREFIX, key_of, topic_of
from schemas.decision import SessionStatus
from schemas.envelope import Event, from_millis
from schemas.headers import event_headers
from schemas.incident import (
    CancelRequest,
    CauseJudgement,
    CauseVerdict,
    IncidentCancelRequested,
    IncidentCauseJudged,
    IncidentRerunRequested,
    RerunRequest,
)
from streams.stages.incident_row import Incident
from tests.schemas.golden_events import golden
from tests.streams.timeline import Timeline

PERSON = "dana"


@dataclass
class RunStory(Timeline):
    """`run_id` is that of the run that was asked for last."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._said = count(1)
        self.meant = ""
        """the incident that is spoken of; empty: the first"""

    # -- what others say

    def put(self, event: Event) -> RunStory:
        headers = event_headers(event, "application/avro", b"1" * 32, b"test")
        self.log.append(topic_of(type(event)).name, self.codec.encode(event), key_of(event), headers)
        return self

    def debated(self, status: SessionStatus = SessionStatus.COMPLETED, number: int = 0) -> RunStory:
        return self.put(self.made("rca.decided", number, session_status=status))

    def gate(self, outcome: str, number: int = 0, **more: Any) -> RunStory:
        asked = f"{self.incident}-A1" if outcome == "APPROVAL_REQUIRED" else ""
        told = {"outcome": outcome, "rule": "a_line", "approval_id": asked, "expires_at": self.moment(3600)}
        return self.put(self.made("decision.made", number, **(told | more)))

    def approval(self, state: str, rule: str = "", number: int = 0) -> RunStory:
        told = {"reason": f"{state.lower()} by {PERSON}", "signed_by": (PERSON,), "rule": rule or "a_rule"}
        return self.put(self.made(f"approval.{state.lower()}", number, **told))

    def made(self, kind: str, number: int = 0, **payload: Any) -> Any:
        """The contract's own example, as if it were of this incident's run."""
        example = golden(kind)
        told = example.payload.model_copy(update=payload)
        return example.model_copy(update={**self.about(number), "payload": told})

    def about(self, number: int = 0) -> dict[str, Any]:
        return {
            "event_id": ids.derive_id("said", str(next(self._said))),
            "project_id": "default",
            "incident_id": self.incident,
            "run_id": ids.run_id(self.incident, number or len(self.requests)),
            "occurred_at": self.moment(),
            "recorded_at": self.moment(),
        }

    # -- what people do

    def cancel(self, run_id: str = "", reason: str = "by hand") -> RunStory:
        payload = CancelRequest(run_id=run_id, reason=reason)
        return self.put(IncidentCancelRequested(**self.by_person(), payload=payload))

    def rerun(self, note: str = "", sealed: bytes | None = None) -> RunStory:
        event = IncidentRerunRequested(**self.by_person(), sealed=sealed, payload=RerunRequest(note=note))
        return self.put(event)

    def judge(self, number: int) -> RunStory:
        payload = CauseJudgement(verdict=CauseVerdict.WRONG, cause="a certificate", service="payments")
        return self.put(IncidentCauseJudged(**(self.by_person() | self.about(number)), payload=payload))

    def by_person(self) -> dict[str, Any]:
        return {**self.about(), "run_id": "", "stage": "gateway", "actor": PERSON}

    # -- what became of it

    def moment(self, seconds: float = 0) -> Any:
        return from_millis(self.now) + timedelta(seconds=seconds)

    @property
    def incident(self) -> str:
        return self.meant or self.log.events("incidents")[0].incident_id

    @property
    def requests(self) -> list[Any]:
        return [event for event in self.log.events("runs.requests") if event.type == "run.requested"]

    @property
    def ends(self) -> list[Any]:
        return [event for event in self.log.events("runs") if event.type in ("run.finished", "run.cancelled")]

    @property
    def moves(self) -> list[tuple[str, str]]:
        moved = (event for event in self.log.events("incidents") if event.type == "incident.moved")
        return [(str(event.payload.status), str(event.payload.reason)) for event in moved]

    def times_written(self, kind: str) -> int:
        """Copies among them."""
        logs = (log for (topic, _), log in self.log.topics.items() if not topic.startswith(TICKS_PREFIX))
        return sum(record.event.type == kind for log in logs for record in log)

    @property
    def row(self) -> Incident:
        """As the runs stage has it now."""
        [placed] = [one for one in self.log.stages if one.name == "runs"]
        found = [rows for n in range(self.log.partitions) if (rows := self.log.rows(placed, n))]
        [(key, row)] = found[0].items()
        return Incident.of_row(key, row)


async def started(severity: str = Severity.WARNING) -> RunStory:
    """An incident whose first run has begun."""
    story = RunStory()
    await story.fire(severity=severity).run()
    return story

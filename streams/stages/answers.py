"""What the scheduler answers to a request, as events: begin, wait, share, belong to another incident."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from schemas import ids
from schemas.alert import Severity
from schemas.draft import Draft, envelope
from schemas.envelope import Event, to_millis
from schemas.incident import IncidentLinked
from schemas.run import RunShared, RunStarted, RunThrottled, ThrottleReason
from streams.stage import Now
from streams.stages.correlate import Linked
from streams.stages.storm import Wait

STAGE = "schedule"
Plain = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    request: Plain
    now: Now

    @property
    def asked(self) -> Plain:
        payload: Plain = self.request["payload"]
        return payload

    @property
    def severity(self) -> Severity:
        return Severity(self.asked["severity"])

    @property
    def run(self) -> Plain:
        return of_incident(self.request["incident_id"], self.asked["number"])

    def begins(self, deadline_ms: int, models: bool) -> Draft:
        given = ("number", "reason", "severity", "sighting", "note")
        plain = self._about(RunStarted, self.run, ids.derive_id("run.started", self.request["run_id"]))
        plain["sealed"] = self.request["sealed"]
        told = {name: self.asked[name] for name in given}
        plain["payload"] = {**told, "deadline_at": self.now.millis + deadline_ms, "models": models}
        return _draft(RunStarted, plain)

    def waits(self, wait: Wait, detail: str) -> Draft:
        return self._throttled(ThrottleReason.STORM, wait.until, detail, wait.ticket.number, wait.waiting)

    def refused(self, reason: ThrottleReason, until: int, detail: str) -> Draft:
        return self._throttled(reason, until, detail, 0, 0)

    def shared(self, parent: Plain) -> list[Draft]:
        """Under the child, and under the parent, who keeps whom it serves."""
        child = self.run
        told = {
            "child": child,
            "parent": parent,
            "opened_at": to_millis(self.asked["sighting"]["opened_at"]),
            "severity": self.severity,
        }
        sides = {"child": child, "parent": parent}
        return [self._side(side, run, told) for side, run in sides.items()]

    def linked(self, linked: Linked) -> list[Draft]:
        parent = linked.parent
        event_id = ids.derive_id("incident.linked", self.request["incident_id"], parent.incident_id)
        plain = self._about(IncidentLinked, self.run, event_id)
        plain["payload"] = {
            "parent_incident_id": parent.incident_id,
            "service": linked.service,
            "parent_service": parent.service,
            "path": linked.path,
            "distance": len(linked.path) - 1,
            "root_candidate": linked.root,
        }
        return [_draft(IncidentLinked, plain)]

    def _throttled(self, reason: ThrottleReason, until: int, detail: str, ticket: int, waiting: int) -> Draft:
        attempt = self.asked["attempt"]
        event_id = ids.derive_id("run.throttled", self.request["run_id"], str(attempt))
        plain = self._about(RunThrottled, self.run, event_id)
        plain["payload"] = {
            "number": self.asked["number"],
            "attempt": attempt,
            "reason": reason,
            "severity": self.severity,
            "release_at": until,
            "ticket": ticket,
            "waiting": waiting,
            "detail": detail,
        }
        return _draft(RunThrottled, plain)

    def _side(self, side: str, run: Plain, told: Plain) -> Draft:
        plain = self._about(RunShared, run, ids.derive_id("run.shared", self.request["run_id"], side))
        plain["payload"] = told
        return _draft(RunShared, plain)

    def _about(self, kind: type[Event], run: Plain, event_id: str) -> Plain:
        request = self.request
        return envelope(
            kind,
            event_id=event_id,
            project_id=request["project_id"],
            incident_id=run["incident_id"],
            run_id=run["run_id"],
            occurred_at=to_millis(request["occurred_at"]),
            recorded_at=self.now.millis,
            stage=STAGE,
            causes=(request["event_id"],),
        )


def of_incident(incident_id: str, number: int) -> Plain:
    """A run, as events name it."""
    return {"incident_id": incident_id, "number": number, "run_id": ids.run_id(incident_id, number)}


def _draft(kind: type[Event], plain: Plain) -> Draft:
    return Draft(kind, plain["incident_id"].encode(), plain)

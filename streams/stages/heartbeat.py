"""Alerts that always fire: what is wrong is that one of them does not come. Pure.

Dedup keeps the last beat in the fingerprint's row; time alone turns its absence into an alert of our own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from schemas import ids
from schemas.alert import AlertStatus, Severity
from schemas.envelope import from_millis, in_utc
from streams.glance import Glance

ABSENT = "HeartbeatAbsent"
"""the alert type of the incident that an absence opens"""
RETURNED = "heartbeat_returned"
_KEPT = ("source", "cluster", "namespace", "target_resource", "resource_type")
Plain = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Beat:
    """The last one, as the row keeps it: enough to say who is missed, and where its record stands."""

    alert_type: str
    at: int
    event_id: str
    origin: Plain
    sender: Plain

    @classmethod
    def of(cls, glance: Glance, told_by: Plain) -> Beat:
        alert = told_by["payload"]
        sender = {name: alert[name] for name in _KEPT if alert[name] is not None}
        return cls(alert["alert_type"], glance.received_at, glance.event_id, dict(alert["origin"]), sender)

    def packed(self) -> list[Any]:
        return [self.alert_type, self.at, self.event_id, self.origin, self.sender]

    def absence(self, at: int) -> Glance:
        """The alert that its absence is: the same one however often time is told."""
        origin = self.origin
        place = f"{origin['epoch']}/{origin['topic']}/{origin['partition']}"
        event_id = ids.elapsed_id("heartbeat.absent", self.event_id, 0)
        severity = Severity.CRITICAL.rank
        return Glance(event_id, True, severity, None, at, place, origin["offset"], origin["index"])

    def told(self, at: int, project: str, fingerprint: str) -> Plain:
        """What an incident tells of it, caused by the last beat."""
        secs, last = (at - self.at) // 1000, in_utc(from_millis(self.at))
        alert = dict.fromkeys((*_KEPT, "ends_at", "generator_url")) | self.sender
        alert |= {
            "alert_type": ABSENT,
            "severity": Severity.CRITICAL,
            "message": f"No heartbeat {self.alert_type} for {secs} s: the last came at {last}",
            "description": "Its sender is away, or what carries its alerts, or it repeats them less often.",
            "metrics": {},
            "fired_at": at,
            "received_at": at,
            "status": AlertStatus.FIRING,
            "project_id": project,
            "fingerprint": fingerprint,
            "labels": {"heartbeat": self.alert_type},
            "annotations": {},
            "origin": self.origin,
            "sanitized": False,
            "patterns": (),
            "truncated": (),
            "incomplete": False,
        }
        return {"event_id": self.event_id, "sealed": None, "payload": alert}

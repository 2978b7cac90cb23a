"""The dedup job as a peer would write it by hand: count by fingerprint, tell of what is new.

Generous to the peers: no windows, no copies, no severities to compare, no check of what was decoded,
the time of a batch read once, and events written from plain values.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from schemas import ids
from schemas.codec import AVRO_CONTENT, Codec
from schemas.envelope import from_millis, to_millis
from schemas.headers import iso, plain_headers
from schemas.incident import IncidentHit, IncidentOpened
from streams.runner import Outgoing

BATCH = 3000
"""Repeats are told of once in so many alerts of a partition: about as many events as ours."""
MOST_CAUSES = 100
VERSION = b"0.1.0"
State = list[Any]
"""incident id, hits, opened at, last seen, severity: plain values, so that any store can keep them"""


@dataclass(slots=True)
class Told:
    """The repeats of one incident that no event has told of yet."""

    state: State
    fingerprint: str
    causes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Job:
    codec: Codec = field(default_factory=Codec)
    pending: dict[str, Told] = field(default_factory=dict)
    opened: list[Outgoing] = field(default_factory=list)

    def count(self, event: dict[str, Any], state: State | None) -> State:
        """Take one decoded alert in; the new state of its fingerprint."""
        alert = event["payload"]
        at = to_millis(alert["received_at"])
        if state is None:
            return self._open(event, alert, at)
        state = [state[0], state[1] + 1, state[2], at, alert["severity"]]
        told = self.pending.get(state[0])
        if told is None:
            told = self.pending[state[0]] = Told(state, alert["fingerprint"])
        told.state = state
        told.causes.append(event["event_id"])
        return state

    def tell(self) -> list[Outgoing]:
        """What the alerts since the last time add up to."""
        outputs, self.opened = self.opened, []
        now = time.time_ns() // 1_000_000
        outputs += [self._hit(told, now) for told in self.pending.values()]
        self.pending.clear()
        return outputs

    def _open(self, event: dict[str, Any], alert: dict[str, Any], at: int) -> State:
        event_id = ids.output_id("incident.opened", (event["event_id"],))
        incident = ids.incident_id(event["project_id"], event_id, alert["received_at"])
        state: State = [incident, 1, at, at, alert["severity"]]
        payload = {
            **_counts(state, alert["fingerprint"]),
            "alert_type": alert["alert_type"],
            "source": alert["source"],
            "message": alert["message"],
            "cluster": alert["cluster"],
            "namespace": alert["namespace"],
            "target_resource": alert["target_resource"],
            "resource_type": alert["resource_type"],
            "alert": alert,
        }
        plain = _envelope("incident.opened", event_id, state, (event["event_id"],), at)
        self.opened.append(self._out(IncidentOpened, {**plain, "payload": payload}))
        return state

    def _hit(self, told: Told, now: int) -> Outgoing:
        state = told.state
        event_id = ids.hit_id(state[0], state[1])
        plain = _envelope("incident.hit", event_id, state, told.causes[:MOST_CAUSES], now)
        return self._out(IncidentHit, {**plain, "payload": _counts(state, told.fingerprint)})

    def _out(self, kind: Any, plain: dict[str, Any]) -> Outgoing:
        event_id, occurred = plain["event_id"], iso(from_millis(plain["occurred_at"]))
        trace = event_id.replace("-", "").encode()
        headers = plain_headers(event_id, plain["type"], "dedup", occurred, AVRO_CONTENT, trace, VERSION)
        value = self.codec.encode_plain(kind, plain)
        return Outgoing("incidents", plain["incident_id"].encode(), value, headers)


def _counts(state: State, fingerprint: str) -> dict[str, Any]:
    _, hits, opened_at, last_seen, severity = state
    return {
        "fingerprint": fingerprint,
        "severity": severity,
        "highest_severity": severity,
        "hit_count": hits,
        "opened_at": opened_at,
        "last_seen_at": last_seen,
        "generation": 0,
        "count_5m": hits,
        "count_1h": hits,
        "count_24h": hits,
        "last_occurrence_at": None,
    }


def _envelope(kind: str, event_id: str, state: State, causes: Any, now: int) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "event_id": event_id,
        "type": kind,
        "project_id": "default",
        "incident_id": state[0],
        "run_id": "",
        "occurred_at": state[3],
        "recorded_at": now,
        "stage": "dedup",
        "actor": "",
        "causes": causes,
        "sealed": None,
    }

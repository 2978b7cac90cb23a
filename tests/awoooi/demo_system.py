"""A whole system in memory for the demo's tests: each fault of it is a switch.

Signatures are judged by the stages themselves.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from awoooi.argument import KINDS, TURNS
from awoooi.demo_look import Sighting
from awoooi.demo_record import TOTALS
from awoooi.demo_steps import ACTS, CALLS, EVENTS, VERDICTS
from awoooi.demo_story import Story, nothing
from awoooi.settings import Settings
from connectors.http import Reply
from schemas.approval import ApprovalRequest, ApprovalRequested
from schemas.codec import Codec
from schemas.envelope import Event
from schemas.operations import Operation, Step, Target
from schemas.run import EndReason, RunState
from schemas.switch import SwitchSet
from schemas.tool import Scope, ToolStatus
from streams.memory import MemoryLog
from streams.placed import Placed
from streams.policy.action_hash import act_of, action_hash
from streams.policy.exam import Rules
from streams.policy.in_force import PolicyInForce
from streams.policy.verifier import Verifier
from streams.runner import Runner
from streams.stages.approve import Approve
from streams.stages.intake import Intake
from tests.awoooi.test_argument import row
from tests.schemas.golden_events import golden

ALERT = {
    "alert_type": "FrontendErrorRateHigh",
    "severity": "critical",
    "source": "prometheus",
    "namespace": "demo",
    "fingerprint": "f",
    "description": "17.2 % of its requests failed",
}
INCIDENT = "INC-20260301-0A1B2C3D4E"
POD = Target(cluster="demo", namespace="demo", kind="pod", name="postgres-db-0", id="0" * 32)
SIGNATURES, REQUESTS = "approvals.signatures", "approvals.requests"
WRITTEN = (REQUESTS, "approvals.votes", "approvals.outcomes", "decisions", "authorizations")
SUCCEEDED = "execution.succeeded"


@dataclass
class FakeSystem:
    """Counts what it is sent, and answers questions from that; each fault is a switch."""

    status: int = 202
    loses_alerts: bool = False
    opens_nothing: bool = False
    counts_twice: bool = False
    severity: str = "critical"
    busy: int = 0
    ends: str = "COMPLETED"
    """how the debate does; empty: not at all"""
    behind: str = "postgres-db"
    """whom the graph suspects"""
    asks: Mapping[str, Any] | None = field(default_factory=dict)
    """of people, beside what the demo's incident asks; None: nothing"""
    loses_votes: bool = False
    hides: str = ""
    """a type of event that the record never gets"""
    executed: int = 1
    has_cluster: bool = True
    executor: str = "mcp"
    calls: int = 1
    replaces: bool = True
    loses_data: bool = False
    ends_execution: str = SUCCEEDED
    is_over: bool = False
    starts: list[str] = field(default_factory=list)
    switched: dict[str, str] = field(default_factory=dict)
    acts: list[SwitchSet] = field(default_factory=list)
    log: MemoryLog = field(init=False)

    def on(self, settings: Settings) -> Story:
        self.log = log_of(settings)
        if self.asks is not None:
            request = request_of(self.asks)
            self.log.append(REQUESTS, self.log.codec.encode(request), request.incident_id.encode())
        look, began = self.look if self.has_cluster else nothing, datetime.now(UTC)
        return Story("tb2-x", settings, "t", self, self.ask, self.write, self.record, look, began)

    async def record(self, act: SwitchSet) -> None:
        self.switched[act.payload.subject] = act.payload.state
        self.acts.append(act)

    async def look(self) -> Sighting:
        """The cluster: what was authorized is done there."""
        is_done = self.is_over and self.replaces
        claims = {} if is_done and self.loses_data else {"data-postgres-db-0": "the very one"}
        return Sighting("after" if is_done else "before", is_done, claims)

    async def post(self, url: str, content: bytes, headers: Mapping[str, str] | None = None) -> Reply:
        if url.endswith("/signatures"):
            await self.write(SIGNATURES, content)
            return Reply(200, {}, b"{}")
        if self.busy:
            self.busy -= 1
            return Reply(503, {"retry-after": "0"}, b"{}")
        self.starts.append(json.loads(content)["alerts"][0]["startsAt"])
        return Reply(self.status, {}, b'{"topic":"t","partition":0,"offset":0}')

    async def write(self, topic: str, value: bytes) -> str:
        if not self.loses_votes:
            self.log.append(topic, value, b"any")
        return topic

    async def ask(self, sql: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
        count = 0 if self.loses_alerts else len(self.starts)
        if sql in (EVENTS, VERDICTS, TOTALS):
            return await self._events(sql, params, count)
        if sql == TURNS:
            return debate(self.ends, self.behind)
        if sql == CALLS:
            return [row_of(write_call())] * self.calls
        if sql == ACTS:
            told = [row_of(act) for act in self.acts if str(act.event_id) == str(params["act"])]
            return [] if self.hides == "switch.set" else told
        if "v_alerts" in sql:
            return [{**ALERT, "severity": self.severity}] if count else []
        if self.opens_nothing or not count:
            return []
        status = "MITIGATED" if self.is_over else "PENDING"
        return [{"incident_id": INCIDENT, "status": status, "hit_count": count * (1 + self.counts_twice)}]

    async def _events(self, sql: str, params: Mapping[str, Any], alerts: int) -> list[dict[str, Any]]:
        await self.log.run()
        self.log.tick()  # an end is told by the next one
        await self.log.run()
        events = [event for topic in WRITTEN for event in self.log.events(topic) if event.type != self.hides]
        self.is_over = any(event.type == "action.authorized" for event in events)
        if self.is_over and self.executed:
            events += [
                event
                for event in executions(self.ends_execution, events, self.executor)
                if event.type != self.hides
            ]
        if sql == EVENTS:
            return [row_of(event) for event in events if event.type in params["kinds"]]
        if sql == VERDICTS:
            judged = [event for event in events if event.type in ("vote.counted", "vote.refused")]
            return [row_of(event) for event in judged if event.payload.signature == params["signature"]]
        kinds = [event.type for event in events]
        signed, authorized = kinds.count("vote.counted"), kinds.count("action.authorized")
        done = self.executed if self.is_over else 0
        ours = {"alerts": alerts, "incidents": 1, "runs": 1, "executions": done}
        return [{**ours, "signatures": signed, "authorizations": authorized}]


def write_call() -> Event:
    event = golden("tool.called")
    done = {
        "scope": Scope.WRITE,
        "status": ToolStatus.OK,
        "server": "kubernetes",
        "tool": "mcp.kubernetes.delete_pod",
    }
    return event.model_copy(update={"payload": event.payload.model_copy(update=done)})


def executions(end: str, events: list[Event], executor: str) -> list[Event]:
    """The contract's own examples, of the action that was authorized; and how the run ended."""
    (authorized,) = [event for event in events if event.type == "action.authorized"]
    kinds = ["execution.claimed", "execution.started", end]
    told = [golden(kind) for kind in (*kinds, *(["execution.verified"] if end == SUCCEEDED else []))]
    hashed = {"action_hash": authorized.payload.action_hash}
    by = {"executor": executor}
    run = golden("run.finished")
    finished = run.payload.model_copy(update={"state": RunState.SUCCEEDED, "reason": EndReason.VERIFIED})
    return [
        *(
            one.model_copy(
                update={
                    "payload": one.payload.model_copy(update=hashed | (by if one.type == SUCCEEDED else {}))
                }
            )
            for one in told
        ),
        run.model_copy(update={"payload": finished}),
    ]


def log_of(settings: Settings) -> MemoryLog:
    codec, approvals = Codec(), settings.approvals
    verifier = Verifier(Rules(audience=approvals.environment), approvals.signers_file)
    stages = (Intake(verifier), Approve(verifier, PolicyInForce(codec, dict)))

    def clock() -> int:
        return time.time_ns() // 1_000_000

    placed = [
        Placed(Runner(stage, codec, clock=clock), stage.reads, keyed=stage.name == "approve")
        for stage in stages
    ]
    return MemoryLog(placed, codec, clock)


def request_of(changes: Mapping[str, Any]) -> ApprovalRequested:
    """What the gate asks of people in the demo's incident."""
    event: ApprovalRequested = golden("approval.requested")
    action = event.payload.action.model_copy(
        update={"step": Step(operation=Operation.DELETE_POD, target=POD), "undo": None}
    )
    about = {
        "approval_id": f"{INCIDENT}-A1",
        "action": action,
        "commitments": {},
        "needed": event.payload.needed.model_copy(update={"signatures": 2}),
        "halts": ("kill_switch",),
        "proposed_by": "rules",
        "expires_at": datetime.now(UTC) + timedelta(minutes=60),
    }
    payload: ApprovalRequest = event.payload.model_copy(update={**about, **changes})
    hashed = payload.model_copy(update={"action_hash": action_hash(act_of(payload))})
    return event.model_copy(update={"incident_id": INCIDENT, "payload": hashed})


def row_of(event: Event) -> dict[str, Any]:
    """As ClickHouse gives it back: times without a zone."""
    plain = event.model_dump(exclude={"payload", "sealed"})
    times = {name: plain[name].replace(tzinfo=None) for name in ("occurred_at", "recorded_at")}
    return {**plain, **times, "payload": event.payload.model_dump_json()}


def debate(ends: str, behind: str) -> list[dict[str, Any]]:
    """The contract's own examples as the record gives them back."""
    rows = [row(kind) for kind in KINDS if kind != "rca.decided"]
    decided = json.loads(row("rca.decided")["payload"])
    decided["brief"]["surroundings"]["suspects"][0]["service"] = behind
    last = row("rca.decided", payload=json.dumps({**decided, "session_status": ends}))
    return [*rows, last] if ends else rows

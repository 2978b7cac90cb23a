"""A run as the reading API shows it: in a list, and whole, with its steps and one timeline."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from connectors.gateway.shown import Shown, Time
from schemas.run import RunState

MOST_ON_A_TIMELINE = 100
LATEST_BY_WORK_ITEM = 20
SAID_LETTERS = 128
"""of a person's reason, in a step"""
VERIFICATION_LETTERS = 200


class RemediationStatus(StrEnum):
    """From a run's latest remediation record, the first that fits."""

    MCP_OBSERVED = "mcp_observed"
    """there is no record, and a tool was called"""
    NO_EVIDENCE = "no_evidence"
    """there is no record, and no tool was called"""
    BLOCKED = "blocked"
    """unsuccessful, or not allowed"""
    WRITE_OBSERVED = "write_observed"
    READ_ONLY_DRY_RUN = "read_only_dry_run"
    OBSERVED = "observed"


class RemediationSummary(Shown):
    records: int = Field(0, description="how many there are")
    last_at: Time | None = None
    last_agent: str = ""
    last_tool: str = ""


class RunItem(Shown):
    run_id: str
    project_id: str
    incident_ids: tuple[str, ...] = Field(description="all that it serves")
    number: int = Field(description="which run of its incident, from 1")
    agent: str = Field(description="who spoke or acted last")
    state: RunState
    trigger_type: str = Field(description="why it was asked for: opened, reopened, rerun, …")
    reason: str = Field(description="what happened last; while it goes on, why it was asked for")
    shadow: bool = Field(description="its project only watches: nothing of it is executed")
    cost_usd: float = Field(description="of its models, by the configured prices")
    steps: int = Field(description="how many its page numbers")
    created_at: Time
    timeout_at: Time | None = Field(description="when the whole run must have ended")
    release_at: Time | None = Field(None, description="while it is throttled: when it is asked for again")
    parent_incident_id: str = Field("", description="of a shared run: the incident whose run serves it")
    parent_run_id: str = Field("", description="of a shared run: the one that serves it")
    remediation_status: RemediationStatus
    remediation: RemediationSummary


class Remediation(Shown):
    """One thing that was tried or done because of the run."""

    at: Time
    incident_id: str
    work_item: str = Field(description="the action that it belongs to")
    mode: str = Field(description="live or shadow")
    agent: str
    tool: str
    scope: str = Field(description="read or write")
    allowed: bool
    success: bool
    verification: str = Field(description=f"its first {VERIFICATION_LETTERS} letters")
    writes_incident_state: bool
    writes_repair_result: bool


class GateTotal(Shown):
    gate: str = Field(description="of the tool gateway: tool_known, agent_allowed, scope, policy, …")
    outcome: str = Field(description="passed or blocked")
    count: int


class Run(RunItem):
    trace_id: str = Field(description="by which its spans are found, 32 hex digits; empty: not known")
    trigger_ref: str = Field(description="the event that asked for it")
    attempts: int = Field(description="claims of its action; 0: it did not come so far")
    max_attempts: int
    error_code: str
    error_detail: str
    started_at: Time | None
    completed_at: Time | None
    heartbeat_at: Time | None = Field(description="the latest that the record has of it")
    remediation_by_work_item: dict[str, tuple[Remediation, ...]] = Field(
        description=f"the latest {LATEST_BY_WORK_ITEM} records, newest first"
    )
    gate_totals: tuple[GateTotal, ...]


class Step(Shown):
    number: int = Field(description="from 1, in the order of time")
    at: Time
    kind: str = Field(description="the event's type")
    who: str = Field(description="the person, else the agent or stage")
    what: str
    reason: str = Field(description=f"at most {SAID_LETTERS} letters")
    by_person: bool
    event_id: str


class Message(Shown):
    at: Time
    channel: str
    message_id: str
    kind: str = Field(description="interim, approval_request, final or error; empty of what came in")
    state: str = Field(description="the state that caused it")
    title: str
    text: str
    duplicate: bool
    status: str = Field(description="queued, sent, failed, skipped or received")


class Messages(Shown):
    inbound: tuple[Message, ...] = ()
    outbound: tuple[Message, ...] = ()


class Gate(Shown):
    name: str
    passed: bool
    why: str


class ToolCall(Shown):
    at: Time
    call_id: str
    agent: str
    node: str
    server: str
    tool: str
    scope: str
    status: str
    blocked_by: str
    detail: str
    latency_ms: int
    shadow: bool
    gates: tuple[Gate, ...]


class Kind(StrEnum):
    RUN = "run"
    INBOUND = "inbound"
    STEP = "step"
    APPROVAL = "approval"
    MCP = "mcp"
    REMEDIATION = "remediation"
    OUTBOUND = "outbound"


class TimelineItem(Shown):
    at: Time
    kind: Kind
    title: str
    status: str
    summary: str
    metadata: dict[str, str | int | float | bool | None]


class Counts(Shown):
    steps: int
    inbound: int
    outbound: int
    tool_calls: int
    remediations: int
    approvals: int
    timeline: int = Field(description="before it was cut")


class RunDetail(Shown):
    run: Run
    steps: tuple[Step, ...]
    messages: Messages
    tool_calls: tuple[ToolCall, ...]
    remediation: tuple[Remediation, ...] = Field(description="newest first")
    counts: Counts
    timeline: tuple[TimelineItem, ...] = Field(
        description=f"ordered by time, at most {MOST_ON_A_TIMELINE}: of more, the latest"
    )

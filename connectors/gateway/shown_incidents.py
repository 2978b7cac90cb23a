"""An incident as the reading API shows it: in a list, and whole, with its argument and what was done."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from connectors.gateway.shown import Plain, Shown, Time
from connectors.gateway.shown_approvals import Card
from connectors.gateway.shown_runs import RunItem, TimelineItem


class IncidentItem(Shown):
    incident_id: str
    project_id: str
    status: str
    severity: str
    alert_type: str
    cluster: str
    namespace: str
    target_resource: str
    message: str
    fingerprint: str
    hit_count: int
    runs: int
    generation: int = Field(description="how often it was reopened")
    opened_at: Time | None
    last_seen_at: Time | None
    resolved_at: Time | None
    updated_at: Time
    parent_incident_id: str = Field(
        "", description="the older one that it belongs to; empty: it stands alone"
    )
    children: int = Field(0, description="how many belong to it")
    assignee: str = Field("", description="whose it is; empty: nobody's")
    acknowledged_by: str = ""
    flapping: bool = Field(False, description="its alert goes on and off: only people ask for runs")
    quiet: tuple[str, ...] = Field(
        (), description="what keeps it quiet now: silence, maintenance, inhibition; then people alone act"
    )
    waiting_approval: str = Field("", description="the approval that waits; empty: none does")


class Act(Shown):
    """What a person did about it; a field is empty where the act does not say it."""

    at: Time
    person: str
    act: str
    run_id: str = ""
    note: str = ""
    text: str = ""
    reason: str = ""
    assignee: str = ""
    verdict: str = ""
    cause: str = ""
    service: str = ""


class TurnShown(Shown):
    run_id: str
    agent: str
    at: Time
    vote: str
    failed: str
    degraded: bool
    headline: str = Field(description="at most 200 letters")
    body: Plain = Field(description="the event's payload, without the brief, which is the evidence")


class EvidenceShown(Shown):
    id: str = Field(description="what cites it names it by")
    source: str
    kind: str
    about: str
    title: str
    text: str
    at: Time


class GapShown(Shown):
    source: str
    reason: str


class Evidence(Shown):
    run_id: str = ""
    items: tuple[EvidenceShown, ...] = ()
    gaps: tuple[GapShown, ...] = ()


class NodeRole(StrEnum):
    TARGET = "target"
    CAUSE = "cause"
    AFFECTED = "affected"
    OTHER = "other"


class Node(Shown):
    id: str
    name: str
    kind: str
    health: str
    blame: float = Field(description="the share of the symptom that it explains, 0 to 1")
    role: NodeRole


class Edge(Shown):
    from_: str = Field(alias="from", description="depends on")
    to: str
    kind: str


class Graph(Shown):
    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()


class ExecutionStep(Shown):
    action_id: str
    at: Time
    operation: str
    target: str
    step: str = Field(description="claimed, started, succeeded, verified, …")
    result: str
    reason: str
    undoes: str = Field(description="the action that this one takes back")


class IncidentDetail(Shown):
    incident: IncidentItem
    children: tuple[str, ...] = Field((), description="the incidents that belong to it, at most 50")
    acts: tuple[Act, ...]
    runs: tuple[RunItem, ...]
    turns: tuple[TurnShown, ...]
    evidence: Evidence = Field(description="of the latest run that has some")
    decision: Plain | None = Field(description="the latest decision package, without its brief")
    graph: Graph
    approvals: tuple[Card, ...]
    executions: tuple[ExecutionStep, ...]
    timeline: tuple[TimelineItem, ...]

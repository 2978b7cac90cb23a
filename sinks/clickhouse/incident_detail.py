"""One incident, whole: what people did, what the agents argued, what was decided, asked and done."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors.gateway.reading import Projects
from connectors.gateway.shown_approvals import ApprovalState, Card
from connectors.gateway.shown_incidents import (
    Edge,
    Evidence,
    EvidenceShown,
    GapShown,
    Graph,
    IncidentDetail,
    IncidentItem,
    Node,
    NodeRole,
)
from schemas.flapping import FlappingState
from sinks.clickhouse import incident_list
from sinks.clickhouse.approval_list import CardFacts, approvals_of
from sinks.clickhouse.run_list import runs_of
from sinks.clickhouse.steps import acts_of, body_of, cut, executed_of, timeline_of, turns_of
from sinks.clickhouse.story import Ask, Row, Told, of_incident

DEPENDS_ON = "depends_on"
MOST_SHOWN = 50
"""children on a page"""
ROLES = {"upstream": NodeRole.AFFECTED, "downstream": NodeRole.OTHER}


async def incident(ask: Ask, incident_id: str, projects: Projects, cards: CardFacts) -> IncidentDetail | None:
    """Whose it is comes first, and is soon known; then all else is asked at once."""
    project = await incident_list.project_of(ask, incident_id, projects)
    if project is None:
        return None
    row, story, runs, approvals, children = await asyncio.gather(
        incident_list.one(ask, incident_id, [project]),
        of_incident(ask, project, incident_id),
        runs_of(ask, project, incident_id),
        approvals_of(ask, project, incident_id, cards),
        incident_list.children_of(ask, project, incident_id),
    )
    if row is None:  # erased meanwhile
        return None
    gathered = _latest(story, "evidence.collected")
    decided = _latest(story, "rca.decided")
    return IncidentDetail(
        incident=_item(row, story, approvals, len(children)),
        children=children[:MOST_SHOWN],
        acts=tuple(acts_of(story)),
        runs=runs,
        turns=tuple(turns_of(story)),
        evidence=_evidence(gathered),
        decision=None if decided is None else body_of(decided),
        graph=_graph(gathered),
        approvals=approvals,
        executions=tuple(executed_of(story)),
        timeline=cut(timeline_of(story)),
    )


def _item(row: Row, story: Sequence[Told], approvals: Sequence[Card], children: int) -> IncidentItem:
    acts = [
        {
            "incident_id": told.incident_id,
            "type": told.type,
            "actor": told.actor,
            "assignee": told.says("assignee"),
            "parent_id": told.says("parent_incident_id"),
            "flapping": told.says("state") != FlappingState.SETTLED,
            "quiet": told.payload.get("active") is True,
            "quiet_kind": told.says("kind"),
            "silence_id": told.says("silence_id"),
            "quiet_until": datetime.fromisoformat(until) if (until := told.says("until")) else None,
        }
        for told in story
        if told.type in incident_list.MARKS
    ]
    whose = incident_list.whose_of(acts).get(row["incident_id"], {})
    waiting = (card.approval_id for card in approvals if card.state is ApprovalState.WAITING)
    return incident_list.item_of(row, whose, next(waiting, ""), children)


def _latest(story: Sequence[Told], kind: str) -> Told | None:
    return next((told for told in reversed(story) if told.type == kind), None)


def _evidence(gathered: Told | None) -> Evidence:
    if gathered is None:
        return Evidence()
    items = (
        EvidenceShown(
            id=item["id"],
            source=item["source"],
            kind=item["kind"],
            about=item["about"],
            title=" ".join(filter(None, (item["kind"].replace("_", " "), item["about"]))),
            text=item["text"],
            at=item["observed_at"],
        )
        for item in gathered.many("items")
    )
    gaps = (GapShown(**gap) for gap in gathered.many("gaps"))
    return Evidence(run_id=gathered.run_id, items=tuple(items), gaps=tuple(gaps))


def _graph(gathered: Told | None) -> Graph:
    """The services around the target, as they were seen then."""
    around = (gathered.payload.get("surroundings") if gathered else None) or {}
    if not around.get("service"):
        return Graph()
    nodes = nodes_of(around)
    return Graph(nodes=nodes, edges=tuple(edges_of(around)))


def edges_of(around: Mapping[str, Any]) -> Iterator[Edge]:
    for caller, callees in (around.get("needs") or {}).items():
        for callee in callees:
            yield Edge(**{"from": caller, "to": callee, "kind": DEPENDS_ON})


def nodes_of(around: Mapping[str, Any]) -> tuple[Node, ...]:
    """The target, who depends on it, what it depends on; a suspect is a cause, whatever else it is."""
    target, blamed = around["service"], {one["service"]: one for one in around["suspects"]}
    found = {target: Node(**_named(target), role=NodeRole.TARGET)}
    for side, role in ROLES.items():
        for near in around[side]:
            found.setdefault(near["service"], Node(**_named(near["service"], near), role=role))
    for name, suspect in blamed.items():
        role = NodeRole.TARGET if name == target else NodeRole.CAUSE
        found[name] = Node(**{**_named(name, suspect), "blame": suspect["share"]}, role=role)
    return tuple(found.values())


def _named(name: str, known: Mapping[str, Any] | None = None) -> dict[str, Any]:
    kind, health = (known["kind"], known["health"]) if known else ("service", "unknown")
    return {"id": name, "name": name, "kind": kind, "health": health, "blame": 0.0}

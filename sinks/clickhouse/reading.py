"""The record as people read it: the gateway's `Record`, and what the command line shows.

It asks as the reader. Whoever is away is Away within a few seconds, and found again by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from connectors.gateway.reading import (
    ApprovalFilter,
    ChannelFilter,
    ContractFilter,
    Filter,
    IncidentFilter,
    Projects,
    RunFilter,
)
from connectors.gateway.shown import Listed, Page
from connectors.gateway.shown_approvals import Card
from connectors.gateway.shown_incidents import IncidentDetail, IncidentItem
from connectors.gateway.shown_rest import ChannelEvent, Contract, Project
from connectors.gateway.shown_runs import RunDetail, RunItem
from schemas.topology import ServiceObserved
from sinks.clickhouse import (
    approval_list,
    incident_detail,
    incident_list,
    messages,
    reference_list,
    run_detail,
    run_list,
)
from sinks.clickhouse.approval_list import CardFacts, ToSign
from sinks.clickhouse.story import Ask


@dataclass(frozen=True, slots=True)
class Facts:
    """What the record itself does not know."""

    audience: str = "local"
    """what a signature's `aud` must say"""
    most_attempts: int = 5
    """claims of one action"""
    usd_by_project: Mapping[str, float] = field(default_factory=dict)
    usd_default: float = 0.0
    to_sign: ToSign = lambda _: None

    def budget(self, project: str) -> float:
        return self.usd_by_project.get(project, self.usd_default)

    @property
    def cards(self) -> CardFacts:
        return CardFacts(self.audience, self.to_sign)


def within(wanted: Filter, projects: Projects) -> Projects:
    """The project that is asked for, where it is among those that may be read; else none."""
    if not wanted.project:
        return projects
    return (wanted.project,) if projects is None or wanted.project in projects else ()


class Reading:
    def __init__(self, ask: Ask, facts: Facts) -> None:
        self._ask, self._facts = ask, facts

    async def runs(self, wanted: RunFilter, projects: Projects) -> Page[RunItem]:
        return await run_list.runs(self._ask, wanted, within(wanted, projects))

    async def run(self, run_id: str, projects: Projects) -> RunDetail | None:
        return await run_detail.run(self._ask, run_id, projects, self._facts.most_attempts)

    async def incidents(self, wanted: IncidentFilter, projects: Projects) -> Page[IncidentItem]:
        return await incident_list.incidents(self._ask, wanted, within(wanted, projects))

    async def incident(self, incident_id: str, projects: Projects) -> IncidentDetail | None:
        return await incident_detail.incident(self._ask, incident_id, projects, self._facts.cards)

    async def approvals(self, wanted: ApprovalFilter, projects: Projects) -> Page[Card]:
        return await approval_list.approvals(self._ask, wanted, within(wanted, projects), self._facts.cards)

    async def approval(self, named: str, projects: Projects) -> Card | None:
        return await approval_list.approval(self._ask, named, projects, self._facts.cards)

    async def projects(self, projects: Projects) -> Listed[Project]:
        return await reference_list.projects(self._ask, projects, self._facts.budget)

    async def contracts(self, wanted: ContractFilter, projects: Projects) -> Listed[Contract]:
        return await reference_list.contracts(self._ask, wanted, projects)

    async def channel_events(self, wanted: ChannelFilter, projects: Projects) -> Listed[ChannelEvent]:
        return await messages.channel_events(self._ask, wanted, within(wanted, projects))

    async def services(self, projects: Projects) -> list[ServiceObserved]:
        return await reference_list.services(self._ask, projects)

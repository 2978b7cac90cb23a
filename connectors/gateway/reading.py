"""What the gateway is lent to read with: the record, as a few questions. Filled in by awoooi.

The filters stand here too: what they allow is what the API allows, and what a 422 names.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Protocol, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from connectors.gateway.shown import LARGEST_PAGE, MOST_PAGES, PAGE_SIZE, Listed, Page
from connectors.gateway.shown_approvals import Card, Which
from connectors.gateway.shown_incidents import Graph, IncidentDetail, IncidentItem
from connectors.gateway.shown_rest import ChannelEvent, Contract, LifeCycle, Project
from connectors.gateway.shown_runs import RemediationStatus, RunDetail, RunItem
from connectors.tokens import PROJECT_PATTERN
from schemas.alert import Severity
from schemas.incident import IncidentStatus
from schemas.run import RunState

MOST_CONTRACTS = 200
MOST_CHANNEL_EVENTS = 100
PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
"""without what steers a terminal"""
A_RUN = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
AN_INCIDENT = r"^INC-[0-9]{8}-[A-Z0-9]{10}$"
AN_APPROVAL = r"^INC-[0-9]{8}-[A-Z0-9]{10}-A[1-9][0-9]{0,3}$"
Projects: TypeAlias = Collection[str] | None
"""whose it may be; None: anybody's"""


def _none_where_empty(value: object) -> object:
    return None if value == "" else value


Unsaid = BeforeValidator(_none_where_empty)
"""`?state=` asks for no state, as a form that is sent with an empty field"""


class Filter(BaseModel):
    """A name that it does not know is refused: a misspelt filter must not show everything."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    project: str = Field("", pattern=f"^$|^{PROJECT_PATTERN}$", description="only of this project")


class Paged(Filter):
    page: int = Field(1, ge=1, le=MOST_PAGES)
    page_size: int = Field(PAGE_SIZE, ge=1, le=LARGEST_PAGE)

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.page_size

    @property
    def place(self) -> dict[str, int]:
        """As an answer repeats it."""
        return {"page": self.page, "page_size": self.page_size}


class RunFilter(Paged):
    state: Annotated[RunState | None, Unsaid] = None
    remediation_status: Annotated[RemediationStatus | None, Unsaid] = None
    incident_id: str = Field("", pattern=f"^$|{AN_INCIDENT}", description="any of those that a run serves")


class IncidentFilter(Paged):
    status: Annotated[IncidentStatus | None, Unsaid] = None
    severity: Annotated[Severity | None, Unsaid] = None
    open: Annotated[bool | None, Unsaid] = Field(None, description="neither resolved nor expired, or one")
    q: str = Field(
        "", max_length=200, pattern=PRINTABLE, description="in its id, kind, target, namespace or message"
    )


class ApprovalFilter(Paged):
    state: Which = Field(Which.WAITING, description="waiting, the oldest first; decided, the newest first")


class ContractFilter(Filter):
    life_cycle: Annotated[LifeCycle | None, Unsaid] = None


class ChannelFilter(Filter):
    channel: str = Field("", max_length=100, pattern=PRINTABLE)
    id_prefix: str = Field("", max_length=200, pattern=PRINTABLE, description="how a message's id begins")
    limit: int = Field(50, ge=1, le=MOST_CHANNEL_EVENTS)


class TopologyFilter(Filter):
    service: str = Field("", max_length=300, pattern=PRINTABLE, description="empty: everything that is known")


class Record(Protocol):
    """Raises NotNow while it is away. What is of no project of `projects` is not there."""

    async def runs(self, wanted: RunFilter, projects: Projects) -> Page[RunItem]: ...

    async def run(self, run_id: str, projects: Projects) -> RunDetail | None: ...

    async def incidents(self, wanted: IncidentFilter, projects: Projects) -> Page[IncidentItem]: ...

    async def incident(self, incident_id: str, projects: Projects) -> IncidentDetail | None: ...

    async def approvals(self, wanted: ApprovalFilter, projects: Projects) -> Page[Card]: ...

    async def approval(self, named: str, projects: Projects) -> Card | None:
        """By its own id, or by that of its run."""
        ...

    async def projects(self, projects: Projects) -> Listed[Project]: ...

    async def contracts(self, wanted: ContractFilter, projects: Projects) -> Listed[Contract]: ...

    async def channel_events(self, wanted: ChannelFilter, projects: Projects) -> Listed[ChannelEvent]: ...

    async def topology(self, wanted: TopologyFilter, projects: Projects) -> Graph | None:
        """None: no such service."""
        ...

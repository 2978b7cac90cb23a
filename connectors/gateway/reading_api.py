"""What the reading API answers: one question to the record each, bound to the caller's projects.

Every role may read. What is another project's is not there: 404, as if it had never been.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable
from typing import Annotated, TypeVar

import structlog
from fastapi import Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError

from connectors.gateway.meters import ReadMeters
from connectors.gateway.problems import Refused, come_again
from connectors.gateway.reader_door import Caller, ReaderDoor
from connectors.gateway.reading import (
    A_RUN,
    AN_APPROVAL,
    AN_INCIDENT,
    ApprovalFilter,
    ChannelFilter,
    ContractFilter,
    Filter,
    IncidentFilter,
    Projects,
    Record,
    RunFilter,
    TopologyFilter,
)
from connectors.gateway.shown import Listed, Page, Shown
from connectors.gateway.shown_approvals import Card
from connectors.gateway.shown_incidents import Graph, IncidentDetail, IncidentItem
from connectors.gateway.shown_rest import ChannelEvent, Contract, Project
from connectors.gateway.shown_runs import RunDetail, RunItem
from schemas.errors import AwoooiError, NotNow

log = structlog.get_logger(__name__)

AWAY = "the record is away: nothing can be read just now; alerts are taken in all the same"
_MISCONFIGURED_RETRY_SECS = 30
RunId = Annotated[str, Path(pattern=A_RUN)]
IncidentId = Annotated[str, Path(pattern=AN_INCIDENT)]
ApprovalId = Annotated[str, Path(pattern=f"{AN_APPROVAL}|{A_RUN}", description="its own id, or its run's")]
S = TypeVar("S", bound=Shown)
T = TypeVar("T")


class ReadingApi:
    def __init__(self, door: ReaderDoor, record: Record, meters: ReadMeters, retry_after_secs: int) -> None:
        self._door, self._record, self._meters = door, record, meters
        self._retry_after_secs = retry_after_secs

    async def counted(self, request: Request) -> AsyncIterator[None]:
        """Around each question, with whatever becomes of it."""
        question, started = request.scope["route"].operation_id, time.perf_counter()
        outcome = "failed"
        try:
            yield
            outcome = "answered"
        except Refused as refused:
            outcome = refused.reason
            raise
        except RequestValidationError:
            outcome = "bad_question"
            raise
        finally:
            self._meters.count(question, outcome, started)

    async def let_in(self, request: Request, response: Response) -> None:
        """Before anything else is looked at: who may not read learns nothing of what there is to ask."""
        caller = await self._door.caller(dict(request.scope["headers"]))
        self._door.let_in(caller)
        request.state.caller = caller
        response.headers["Cache-Control"] = "no-store"

    # -- the questions

    async def runs(self, request: Request, wanted: Annotated[RunFilter, Query()]) -> Page[RunItem]:
        return await self._read(request, self._record.runs(wanted, _within(request, wanted)))

    async def run(self, request: Request, run_id: RunId) -> RunDetail:
        return await self._one(request, self._record.run(run_id, _whose(request)), f"no run {run_id}")

    async def incidents(
        self, request: Request, wanted: Annotated[IncidentFilter, Query()]
    ) -> Page[IncidentItem]:
        return await self._read(request, self._record.incidents(wanted, _within(request, wanted)))

    async def incident(self, request: Request, incident_id: IncidentId) -> IncidentDetail:
        question = self._record.incident(incident_id, _whose(request))
        return await self._one(request, question, f"no incident {incident_id}")

    async def approvals(self, request: Request, wanted: Annotated[ApprovalFilter, Query()]) -> Page[Card]:
        return await self._read(request, self._record.approvals(wanted, _within(request, wanted)))

    async def approval(self, request: Request, approval_id: ApprovalId) -> Card:
        question = self._record.approval(approval_id, _whose(request))
        return await self._one(request, question, f"nothing is asked under {approval_id}")

    async def projects(self, request: Request) -> Listed[Project]:
        return await self._read(request, self._record.projects(_whose(request)))

    async def contracts(
        self, request: Request, wanted: Annotated[ContractFilter, Query()]
    ) -> Listed[Contract]:
        return await self._read(request, self._record.contracts(wanted, _within(request, wanted)))

    async def channel_events(
        self, request: Request, wanted: Annotated[ChannelFilter, Query()]
    ) -> Listed[ChannelEvent]:
        return await self._read(request, self._record.channel_events(wanted, _within(request, wanted)))

    async def topology(self, request: Request, wanted: Annotated[TopologyFilter, Query()]) -> Graph:
        question = self._record.topology(wanted, _within(request, wanted))
        return await self._one(request, question, f"no service {wanted.service}")

    # -- how they are asked

    async def _one(self, request: Request, question: Awaitable[S | None], missing: str) -> S:
        found = await self._read(request, question)
        if found is None:
            raise Refused(404, "unknown", f"{missing} in {_caller(request).told_projects}")
        return found

    async def _read(self, request: Request, question: Awaitable[T]) -> T:
        """The record's absence is ours, and is not held against the caller."""
        try:
            return await question
        except AwoooiError as error:
            self._door.give_back(_caller(request))
            raise self._away(error) from error

    def _away(self, error: AwoooiError) -> Refused:
        """What no retry mends is the operator's to mend: tables that were not migrated, a log-in."""
        if isinstance(error, NotNow):
            log.warning("record_away", detail=str(error))
            return come_again("record_away", AWAY, self._retry_after_secs)
        log.error("record_not_read", detail=str(error))
        return come_again("record_away", AWAY, _MISCONFIGURED_RETRY_SECS)


def _caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


def _whose(request: Request) -> Projects:
    return _caller(request).projects


def _within(request: Request, wanted: Filter) -> Projects:
    """Of the project that is asked for, or of all that are the caller's."""
    return _caller(request).asking_for(wanted.project)

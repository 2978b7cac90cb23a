"""GET /api/v1/…: where the reading API's answers are served, and how they are documented."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError

from connectors.gateway.act_desk import LIKE
from connectors.gateway.openapi import refusal
from connectors.gateway.problems import PROBLEM_CONTENT, Refused, problem
from connectors.gateway.reading_api import ReadingApi
from connectors.gateway.shown_examples import EXAMPLES

PREFIX = "/api/v1"
_REFUSALS = {
    401: "no token of a person and no log-in, or a wrong one",
    403: "the person was removed",
    404: "there is no such thing in the caller's projects",
    422: "a filter or an id that is none: the answer names it and what is allowed",
    503: "over the caller's limit, or the record is away: ask again after Retry-After",
}
_LIKE = {
    "run_id": "no run's id; one looks like 1a2b3c4d-0000-5000-8000-000000000001",
    "incident_id": f"no incident's id; {LIKE}",
    "approval_id": "neither an approval's id nor a run's; one looks like INC-20260301-0A1B2C3D4E-A1",
    "project": "no project's name: small letters, digits, dots, dashes",
}


@dataclass(frozen=True, slots=True)
class Told:
    """One path: what it is called, and what it answers."""

    path: str
    name: str
    summary: str
    answer: Callable[..., Any]


def told(api: ReadingApi) -> tuple[Told, ...]:
    return (
        Told("/runs", "list_runs", "Runs, the newest first", api.runs),
        Told("/runs/{run_id}", "show_run", "A run, with its steps and one timeline", api.run),
        Told("/incidents", "list_incidents", "Incidents, the latest first", api.incidents),
        Told("/incidents/{incident_id}", "show_incident", "An incident and its argument", api.incident),
        Told("/approvals", "list_approvals", "What waits for people, or was decided", api.approvals),
        Told("/approvals/{approval_id}", "show_approval", "What is asked, and who signed", api.approval),
        Told("/projects", "list_projects", "The caller's projects", api.projects),
        Told("/contracts", "list_contracts", "Revisions of policy and playbooks", api.contracts),
        Told("/channel-events", "list_channel_events", "Messages, the newest first", api.channel_events),
        Told("/topology", "show_topology", "Services, and what each depends on", api.topology),
    )


def add_reading(app: FastAPI, api: ReadingApi) -> None:
    router = APIRouter(
        prefix=PREFIX, tags=["reading"], dependencies=[Depends(api.counted), Depends(api.let_in)]
    )
    for one in told(api):
        router.add_api_route(
            one.path,
            one.answer,
            operation_id=one.name,
            summary=one.summary,
            responses=_answers(one.name),
            openapi_extra={"security": [{"personalToken": []}]},
        )
    app.include_router(router)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RequestValidationError, _misasked)


def with_reading(document: dict[str, Any]) -> None:
    """What the paths refer to."""
    parts = document["components"]
    parts["securitySchemes"].setdefault("personalToken", {"type": "http", "scheme": "bearer"})


def _answers(name: str) -> dict[int | str, dict[str, Any]]:
    refusals: dict[int | str, dict[str, Any]] = {
        code: refusal(code, text) for code, text in _REFUSALS.items()
    }
    return {200: {"content": {"application/json": {"example": EXAMPLES[name]}}}, **refusals}


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    body = problem(error.status, error.detail)
    return Response(body, error.status, dict(error.headers), PROBLEM_CONTENT)


async def _misasked(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return Response(problem(422, _fault(error.errors()[0])), 422, media_type=PROBLEM_CONTENT)


def _fault(fault: Mapping[str, Any]) -> str:
    """Where and what, without the value."""
    where = str(fault["loc"][-1])
    if fault["type"] == "extra_forbidden":
        return "there is no such filter; GET /openapi.json names those there are"
    if fault["type"] == "string_pattern_mismatch" and where in _LIKE:
        return f"{where}: {_LIKE[where]}"
    return f"{where}: {fault['msg'].replace('Input should', 'should').replace('String should', 'should')}"

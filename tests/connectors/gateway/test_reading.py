"""The reading API's door: what it counts, what it shows of itself, what it says where there is no record."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from connectors.gateway.app import create_app
from connectors.gateway.config import GatewayConfig
from connectors.gateway.desks import Desks
from connectors.gateway.shown import Listed, Page, Shown
from connectors.gateway.shown_approvals import Card
from connectors.gateway.shown_examples import EXAMPLES
from connectors.gateway.shown_incidents import Graph, IncidentDetail, IncidentItem
from connectors.gateway.shown_rest import ChannelEvent, Contract, Project
from connectors.gateway.shown_runs import RunDetail, RunItem
from connectors.http import HttpClient
from connectors.tokens import Limits, TokenFile, new_personal_token
from schemas.errors import Misconfigured, Never, NotNow
from tests.connectors.gateway.support import SECRET, SOURCES, MemoryLog, serving

MODELS: dict[str, type[Shown]] = {
    "list_runs": Page[RunItem],
    "show_run": RunDetail,
    "list_incidents": Page[IncidentItem],
    "show_incident": IncidentDetail,
    "list_approvals": Page[Card],
    "show_approval": Card,
    "list_projects": Listed[Project],
    "list_contracts": Listed[Contract],
    "list_channel_events": Listed[ChannelEvent],
    "show_topology": Graph,
}
RUN = "1a2b3c4d-0000-5000-8000-000000000001"


@pytest.mark.parametrize("name", MODELS)
def test_an_example_is_an_answer(name: str) -> None:
    assert EXAMPLES.keys() == MODELS.keys()
    MODELS[name].model_validate(EXAMPLES[name])


@dataclass
class Record:
    """It has no run; what is told to be wrong with it is raised."""

    wrong: Exception | None = None

    async def runs(self, wanted: Any, projects: Any) -> Page[RunItem]:
        if self.wrong is not None:
            raise self.wrong
        return Page[RunItem](items=(), total=0, **wanted.place)

    async def run(self, run_id: str, projects: Any) -> None:
        return None


@dataclass
class Door:
    url: str
    token: str
    record: Record
    registry: CollectorRegistry

    async def get(self, path: str, token: str | None = None) -> tuple[int, dict[str, str]]:
        headers = {"authorization": f"Bearer {self.token if token is None else token}"}
        async with HttpClient(timeout_secs=20) as http:
            reply = await http.request("GET", f"{self.url}/api/v1{path}", headers=headers)
        return reply.status, dict(reply.headers)

    def counted(self, question: str, outcome: str) -> float:
        labels = {"question": question, "outcome": outcome}
        return self.registry.get_sample_value("awoooi_read_requests_total", labels) or 0


@asynccontextmanager
async def opened(folder: Path, limits: Limits | None = None) -> AsyncIterator[Door]:
    path, record, registry = folder / "tokens.json", Record(), CollectorRegistry()
    _, token = new_personal_token(path, "bob", "bob", ["viewer"], projects=("shop",), limits=limits)
    config, known = GatewayConfig(tokens_file=path, stamp_secret=SECRET, port=0), TokenFile(path)
    desks: Any = Desks(record=record)  # type: ignore[arg-type]
    app = create_app(
        config, MemoryLog().publish, SOURCES, known, registry=registry, people=known, desks=desks
    )
    async with serving(app) as port:
        yield Door(f"http://127.0.0.1:{port}", token, record, registry)


async def test_what_is_read_is_counted_with_what_became_of_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        assert (await door.get("/runs"))[0] == 200
        assert (await door.get(f"/runs/{RUN}"))[0] == 404
        assert (await door.get("/runs/abc"))[0] == 422
        assert (await door.get("/runs", "awp_0123456789_x"))[0] == 401

        counted = {("list_runs", "answered"), ("show_run", "unknown"), ("show_run", "bad_question")}
        assert {door.counted(*one) for one in (*counted, ("list_runs", "unauthorized"))} == {1.0}


async def test_an_answer_is_kept_by_nobody(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        assert (await door.get("/runs"))[1]["cache-control"] == "no-store"


WRONG = [
    pytest.param(NotNow("ClickHouse does not answer"), "2", id="away"),
    pytest.param(Never("no such table"), "30", id="never migrated"),
    pytest.param(Misconfigured("no password in /secret/place"), "30", id="no log-in"),
]


@pytest.mark.parametrize(("wrong", "after"), WRONG)
async def test_a_record_that_is_away_is_not_held_against_the_caller(
    tmp_path: Path, wrong: Exception, after: str
) -> None:
    async with opened(tmp_path, Limits(requests_per_minute=2)) as door:
        door.record.wrong = wrong
        for _ in range(4):
            status, headers = await door.get("/runs")
            assert (status, headers["retry-after"]) == (503, after)
        door.record.wrong = None
        assert [(await door.get("/runs"))[0] for _ in range(3)] == [200, 200, 503], "over the limit"
        assert door.counted("list_runs", "rate_requests") == 1


async def test_a_fault_of_ours_is_told_as_one(tmp_path: Path) -> None:
    async with opened(tmp_path) as door:
        door.record.wrong = ValueError("something of ours")
        status, headers = await door.get("/runs")
        assert (status, headers["content-type"]) == (500, "application/problem+json")
        assert door.counted("list_runs", "failed") == 1

"""Requests that a machine makes up from the acts' part of the OpenAPI document: none of them is a 500."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import given, settings
from schemathesis.generation import GenerationMode

from connectors.gateway.act_kinds import ACTS
from tests.connectors.gateway.desk import OPEN, Office, office
from tests.connectors.gateway.test_generated import CHECKS, FULL, generously

EXAMPLES = 500 if FULL else 20


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """In a thread of its own, since the generators do not wait for a loop."""
    ready, stop, found = threading.Event(), threading.Event(), []

    async def serve(folder: Path) -> None:
        async with office(folder) as running:
            found.append(running)
            ready.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve(tmp_path_factory.mktemp("acts"))))
    thread.start()
    assert ready.wait(10)
    yield found[0]
    stop.set()
    thread.join()


@pytest.fixture(scope="module")
def api_schema(gate: Office) -> Any:
    return schemathesis.openapi.from_url(f"{gate.url}/openapi.json")


@pytest.mark.parametrize("mode", GenerationMode, ids=lambda mode: mode.name.lower())
@pytest.mark.parametrize("act", ["judge", "assign", "comment"])
def test_no_request_of_the_document_is_a_fault(
    gate: Office, api_schema: Any, act: str, mode: GenerationMode
) -> None:
    described, session = api_schema.find_operation_by_id(f"{act}_incident"), requests.Session()
    headers = {"Authorization": f"Bearer {gate.token('operator')}"}

    @settings(generously, max_examples=EXAMPLES)
    @given(case=described.as_strategy(generation_mode=mode))
    def call(case: schemathesis.Case) -> None:
        if mode is GenerationMode.POSITIVE:
            case.path_parameters["incident_id"] = OPEN.incident_id
        case.call_and_validate(headers=headers, checks=CHECKS, session=session)

    call()


def test_every_act_is_documented_with_an_example_that_is_taken(gate: Office, api_schema: Any) -> None:
    paths = api_schema.raw_schema["paths"]
    for act in ACTS.values():
        post = paths[f"/api/v1/incidents/{{incident_id}}/{act.name}"]["post"]
        example = post["requestBody"]["content"]["application/json"]["example"]
        url = f"{gate.url}/api/v1/incidents/{OPEN.incident_id}/{act.name}"
        headers = {"Authorization": f"Bearer {gate.token('operator')}"}
        assert requests.post(url, json=example, headers=headers, timeout=10).status_code == 202

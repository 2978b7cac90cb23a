"""Requests that a machine makes up from the OpenAPI document: none of them is ever a 500.

About a thousand in every run, more than ten thousand with AWOOOI_FULL=1.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.connectors.gateway.support import Gateway, running_gateway

FULL = os.environ.get("AWOOOI_FULL") == "1"
FROM_SCHEMA = 2000 if FULL else 200  # by the document and against it, for each of two operations
RAW = 2000 if FULL else 200
ALERT = b'{"alerts": [{"labels": {"alertname": "X", "n": [1.5e3, null, true]}, "status": "firing"}]}'
generously = settings(
    deadline=None,
    derandomize=not FULL,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@dataclass
class Served:
    """A gateway in a thread of its own, since the generators do not wait for a loop."""

    gateway: Gateway
    calls: int = 0

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.gateway.token}"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    ready, stop, found = threading.Event(), threading.Event(), []

    async def serve(folder: Path) -> None:
        async with running_gateway(folder) as gateway:
            found.append(Served(gateway))
            ready.set()
            await asyncio.to_thread(stop.wait)

    folder = tmp_path_factory.mktemp("gateway")
    thread = threading.Thread(target=lambda: asyncio.run(serve(folder)))
    thread.start()
    assert ready.wait(10)
    yield found[0]
    stop.set()
    thread.join()


@pytest.fixture(scope="module")
def api_schema(served: Served) -> Any:
    return schemathesis.openapi.from_url(served.gateway.url("/openapi.json"))


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


OPERATIONS = [("send_webhook", mode) for mode in GenerationMode]
OPERATIONS += [("send_alerts_v2", mode) for mode in GenerationMode]
OPERATIONS += [(name, GenerationMode.POSITIVE) for name in ("healthz", "readyz", "metrics")]


@pytest.mark.parametrize(("operation", "mode"), OPERATIONS)
def test_no_request_of_the_document_is_a_fault(
    served: Served, api_schema: Any, operation: str, mode: GenerationMode
) -> None:
    described = api_schema.find_operation_by_id(operation)
    session = requests.Session()

    @settings(generously, max_examples=FROM_SCHEMA)
    @given(case=described.as_strategy(generation_mode=mode))
    def call(case: schemathesis.Case) -> None:
        served.calls += 1
        case.call_and_validate(headers=served.headers, checks=CHECKS, session=session)

    call()


BODIES = (
    st.binary(max_size=3000)
    | st.text(max_size=500).map(lambda text: text.encode("utf-8", "surrogatepass"))
    | st.integers(0, len(ALERT)).map(lambda length: ALERT[:length])
)


@pytest.mark.parametrize("path", ["/api/v1/webhooks/alerts", "/api/v2/alerts"])
def test_no_bytes_are_a_fault(served: Served, path: str) -> None:
    session = requests.Session()

    @settings(generously, max_examples=RAW)
    @given(body=BODIES)
    def post(body: bytes) -> None:
        served.calls += 1
        headers = {**served.headers, "Content-Type": "application/json"}
        answer = session.post(served.gateway.url(path), data=body, headers=headers, timeout=10)
        assert answer.status_code in {200, 202, 400}

    post()


def test_they_were_as_many_as_is_claimed(served: Served) -> None:
    assert served.calls >= (10_000 if FULL else 1_000)

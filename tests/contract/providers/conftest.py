"""Each provider beside a stand-in that speaks its wire format."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from connectors.http import HttpClient
from tests.agents.models.standins import (
    TONGUES,
    StandIn,
    Tongue,
    stand_in,
)
from tests.contract.providers.asked import ASKING


@pytest.fixture(params=TONGUES, ids=lambda tongue: tongue.name)
def tongue(request: pytest.FixtureRequest) -> Tongue:
    found: Tongue = request.param
    return found


@pytest.fixture
async def service() -> AsyncIterator[StandIn]:
    async with stand_in() as server:
        yield server


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    async with HttpClient(max_answer_bytes=64 * ASKING.max_answer_bytes) as client:
        yield client


@pytest.fixture
def provider(tongue: Tongue, service: StandIn, http: HttpClient) -> Any:
    return tongue.make(service.url, http, ASKING)

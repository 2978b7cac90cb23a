"""The API server killed (-9) with an executor's calls in it, and started again: an action is done once."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from uuid import uuid4

import pytest

from tests.connectors.kubernetes import roles
from tests.connectors.kubernetes.worlds import World
from tests.faults.executing import Setup
from tests.faults.executions import Report
from tests.faults.mortal_api import COME_IN, WRITTEN, Mortal, MortalApi, mortal_api
from tests.faults.site import standing
from tests.peers import KafkaPeer
from tests.peers.tools import skip_without_tools
from tests.peers.waiting import wait_until_async

pytestmark = [
    pytest.mark.faults,
    pytest.mark.kafka,
    pytest.mark.kubernetes,
    pytest.mark.timeout(1800),
]

KILLS = max(1, int(os.environ.get("AWOOOI_TEST_ROUNDS", "1")) // 5)
AT_ONCE = 4
STAGES = (COME_IN, WRITTEN)
PATIENCE = 2.5
"""a server needs some seconds to come back"""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MortalApi]:
    with skip_without_tools("kubernetes"), mortal_api(tmp_path_factory.mktemp("mortal") / "home") as api:
        yield api


@pytest.fixture
async def site(broker: KafkaPeer, api: MortalApi, tmp_path: Path) -> AsyncIterator[Mortal]:
    login, world = roles.apply(api.peer, "executor-role.yaml"), World(api.peer, f"test-{uuid4().hex[:10]}")
    api.peer.ask("POST", "/api/v1/namespaces", {"metadata": {"name": world.namespace}})
    async with standing(Mortal, tmp_path, broker, world, login, api=api) as site:
        replace(Setup.read(site.folder), patience=PATIENCE).write(site.folder)
        yield site


async def test_an_action_is_done_once_when_the_api_server_is_killed_under_its_call(
    site: Mortal, capsys: pytest.CaptureFixture[str]
) -> None:
    await site.begin(site.launch("the-one"))
    for _ in range(KILLS):
        await kill_under_calls(site)
    done = site.done()
    ends = site.executions.check(done)
    with capsys.disabled():
        report = Report(kills=Counter({"the API server": KILLS}))
        sys.stdout.write(f"\n{report.told(ends, done.total())}\n")


async def test_who_sends_again_unasked_does_some_of_them_twice(site: Mortal) -> None:
    """The negative control: what got no answer is sent once more, as by any client that repeats its calls."""
    await site.begin(site.launch("another", AWOOOI_GUARD_OFF="asks_first"))
    await kill_under_calls(site)

    with pytest.raises(AssertionError, match="done more than once"):
        site.executions.check(site.done())


async def kill_under_calls(site: Mortal) -> None:
    """Some are written by then and some are not; none was answered."""
    events = [await site.restart() for _ in range(AT_ONCE)]
    held = [
        site.api.hold(event.payload.action.step.target.name, stage)
        for event, stage in zip(events, cycle(STAGES), strict=False)
    ]
    await site.executions.authorize(*events)
    await wait_until_async(lambda: all(one.arrived.is_set() for one in held), 30, what="all in the server")
    await asyncio.to_thread(site.api.kill)
    await asyncio.to_thread(site.api.start)
    await site.executions.until_ended()

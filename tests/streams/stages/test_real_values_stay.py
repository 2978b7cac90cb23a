"""Real names are put back for the calls alone: no log, event, row or metric has one, however it ends."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from prometheus_client import generate_latest

from awoooi.logs import THIRD_PARTIES
from connectors.kubernetes.fake import FakeCluster
from connectors.kubernetes.fake_server import FakeServer, Fault, serving
from schemas import ids
from schemas.envelope import Event
from schemas.operations import Operation
from sinks.clickhouse.rows import row_of
from tests.connectors.kubernetes.authorized import INCIDENTS, RightBefore, authorized
from tests.connectors.kubernetes.orders import executing
from tests.connectors.kubernetes.worlds import fake_world
from tests.peers import wait_until_async
from tests.streams.policy.forgeries import of
from tests.streams.stages.evidence_support import CODEC, KEYS
from tests.streams.stages.executions import World
from tests.streams.stages.test_preflight import LABEL, NODE, VALUES, checked, decided, named
from tests.streams.stages.verifying import Verified

INCIDENT = INCIDENTS[0]
RUN = ids.run_id(INCIDENT, 1)
BODY = orjson.dumps({"message": f"node {NODE} says no"})
WRITE = f"PATCH /api/v1/nodes/{NODE}"


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with serving(FakeCluster()) as server:
        server.cluster.add({"kind": "Node", "metadata": {"name": NODE}, "spec": {}})
        yield server


@pytest.fixture
def logs(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Everything, but what our own set-up of logs never lets through."""
    for name, level in THIRD_PARTIES.items():
        caplog.set_level(level, logger=name)
    caplog.set_level(logging.DEBUG)  # last: it is its handler's level too
    return caplog


def refuses(server: FakeServer) -> None:
    server.faults.append(Fault(on=WRITE, status=403, body=BODY))


def falls_silent(server: FakeServer) -> None:
    server.faults.append(Fault(status=500, body=BODY))


def loses_it(server: FakeServer) -> None:
    server.cluster.objects.clear()


def does_it(server: FakeServer) -> None:
    pass


ENDS: dict[str, tuple[Callable[[FakeServer], None], bool, str]] = {
    "done": (does_it, False, "execution.unverified"),  # with a query that nobody answers here
    "refused by the server": (refuses, False, "execution.failed"),
    "nobody answers any more": (falls_silent, False, "execution.unknown"),
    "nobody answers at all": (falls_silent, True, "execution.refused"),
    "it is gone": (loses_it, True, "execution.voided"),
}
"""what happens; at once, or right before the write → the last that is told"""


@pytest.mark.parametrize(("happens", "at_once", "end"), ENDS.values(), ids=ENDS)
async def test_no_real_value_is_written_anywhere(
    happens: Callable[[FakeServer], None],
    at_once: bool,
    end: str,
    server: FakeServer,
    logs: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    world = fake_world(server, tmp_path)
    event = decided(Operation.CORDON_NODE, named("node", LABEL, NODE, ""))
    event = of_run(event)
    told, calls = await checked(event, world.peer.kubeconfig)
    async with executing(world.peer.kubeconfig) as executor:
        log = World(
            executor=executor, knows=RightBefore(happens=None if at_once else lambda: happens(server))
        )
        log.clock.now += 60
        if at_once:
            happens(server)
        story = Verified(looks=None, world=log)  # type: ignore[arg-type]  # its own: real looks
        await story.run(signed(event, told))

        async def ended() -> bool:
            await story.tick(1)
            return any(one.type == end for one in log.written)

        await wait_until_async(ended, 10, what=end, every=0.01)

    written = [told, *calls, *log.written]
    assert any(NODE in call for call in server.calls), "it was asked by its real name"
    assert {
        place
        for place, text in everything(written, story, logs, capfd).items()
        if NODE.encode() in text or b"10.1.2" in text
    } == set()


def of_run(event: Any) -> Any:
    """With its real values, sealed to a run that asks for approval."""
    assert KEYS.sealer is not None
    sealed = KEYS.sealer.seal(VALUES, project_id=event.project_id, event_id=RUN)
    return event.model_copy(update={"run_id": RUN, "sealed": sealed})


def signed(event: Any, told: Any) -> Any:
    seen = {name: getattr(told.payload, name) for name in ("observed_state", "workload", "commitments")}
    made = authorized(event.payload.recommended_action.step, INCIDENT, **seen, checks=told.payload.checks)
    return of(made, sealed=told.sealed)


def everything(
    written: list[Event], story: Verified, logs: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> dict[str, bytes]:
    """By where it was found."""
    records = [CODEC.encode(event) for event in written]
    rows = [row_of(CODEC, "e", "t", 0, number, value) for number, value in enumerate(records)]
    assert len(rows) >= 4
    said = capfd.readouterr()
    return {
        "events": "".join(event.model_dump_json(exclude={"sealed"}) for event in written).encode(),
        "records": b"".join(records),
        "headers": b"".join(value for one in story.world.records for _, value in one.headers),
        "keys": b"".join(one.key or b"" for one in story.world.records),
        "rows of ClickHouse": repr(rows).encode(),
        "rows of the stages": b"".join([*story.process.rows.values(), *story.rows.values()]),
        "metrics": generate_latest(),
        "logs": "".join(f"{one.getMessage()} {one.exc_text}" for one in logs.records).encode(),
        "output": (said.out + said.err).encode(),
    }

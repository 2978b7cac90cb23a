"""Evidence as it is put together from settings: every tool is known, and nothing that is away is a fault."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from awoooi.evidence import Outside, evidence_needs
from awoooi.loading import load
from connectors.prometheus.fake import FakePrometheus
from connectors.prometheus.service_series import CONVENTIONS
from schemas.evidence import NodeKind
from schemas.tool import ToolStatus
from schemas.topology import ServiceObserved
from streams.stages.evidence import Evidence
from tests.awoooi.test_check_prometheus import served
from tests.peers import free_port
from tests.streams.stages.evidence_support import (
    CODEC,
    KEYS,
    START,
    brief_of,
    calls_of,
    gaps_of,
    started,
    taken,
)

FIXED = [
    ServiceObserved(subject="f/default/checkout", service="checkout", depends_on=("db",), observer="f"),
    ServiceObserved(subject="f/default/db", service="db", kind=NodeKind.DATABASE, observer="f"),
]


class View:
    """The reference data as far as it has been read."""

    def __init__(self, *, read: bool = True) -> None:
        self.ready = asyncio.Event()
        if read:
            self.ready.set()

    def values(self, topic: str) -> Mapping[bytes, bytes]:
        return {}


async def gathered(tmp_path: Path, view: Any = None, **environment: str) -> list[Any]:
    given = {
        "AWOOOI_STATE_DIR": str(tmp_path),
        "AWOOOI_CLICKHOUSE_URL": f"http://127.0.0.1:{free_port()}",
        **environment,
    }
    settings = load(given).settings
    async with AsyncExitStack() as opened:
        outside = Outside(settings, opened)
        needs = evidence_needs(settings, CODEC, view or View(), outside, KEYS, FIXED)
        return await taken(Evidence(needs), started())


async def test_with_everything_away_there_is_a_brief_with_a_reason_for_each_gap(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text("{}")
    began = time.monotonic()
    events = await gathered(
        tmp_path,
        AWOOOI_PROMETHEUS_URL=f"http://127.0.0.1:{free_port()}",
        AWOOOI_KUBERNETES_CLUSTERS=f"*={kubeconfig}",
    )
    assert time.monotonic() - began < 20
    gaps, calls = gaps_of(events), calls_of(events)
    assert {"kubernetes", "prometheus", "history"} <= gaps.keys()
    assert "does not answer" in gaps["history"]
    assert ToolStatus.BLOCKED not in {call.status for call in calls.values()}
    assert {"prometheus.query_range", "prometheus.service_series", "clickhouse.history",
            "clickhouse.open_incidents", "silences.list", "topology.around"} <= calls.keys()  # fmt: skip
    assert brief_of(events).items[0].kind == "alert"
    assert brief_of(events).surroundings.service == "checkout", "the pod's owner is in the topology"


async def test_what_is_not_configured_is_not_asked(tmp_path: Path) -> None:
    calls = calls_of(await gathered(tmp_path))
    assert {call.server for call in calls.values()} == {"clickhouse", "awoooi"}


async def test_reference_data_that_is_still_being_read_is_a_gap(tmp_path: Path) -> None:
    events = await gathered(tmp_path, View(read=False))
    assert gaps_of(events)["silences"] == "the topic silences is being read"
    assert gaps_of(events)["topology"]


async def test_metrics_of_services_reach_the_blame(tmp_path: Path) -> None:
    fake, mesh = FakePrometheus(), CONVENTIONS[1]
    minute, before = 60_000, START - 65 * 60_000
    for name, slow in (("checkout", 4.0), ("db", 4.0)):
        for metric, now in ((mesh.requests, 10.0), (f"{mesh.seconds}_sum", slow)):
            quiet = [
                (before + number * minute, 10.0 if metric == mesh.requests else 0.1) for number in range(60)
            ]
            busy = [(START - number * minute, now) for number in range(5, -1, -1)]
            fake.add(metric, [*quiet, *busy], server=name)
    with served(fake) as url:
        events = await gathered(tmp_path, AWOOOI_PROMETHEUS_URL=url)
    calls = calls_of(events)
    assert calls["prometheus.service_series"].status is ToolStatus.OK
    assert calls["prometheus.service_graph"].status is ToolStatus.OK
    [db, *_] = brief_of(events).surroundings.suspects
    assert (db.service, db.share > 0) == ("db", True)
    assert "explains" in next(item.text for item in brief_of(events).items if item.kind == "blame")


async def test_the_switches_of_settings_reach_the_run(tmp_path: Path) -> None:
    events = await gathered(
        tmp_path,
        AWOOOI_RUNS_DEBATE_OFF_PROJECTS="default",
        AWOOOI_EVIDENCE_MASK_NAMES="true",
        AWOOOI_EVIDENCE_CALLS_PER_RUN="1",
    )
    assert brief_of(events).debate is False
    calls = calls_of(events)
    assert {call.status for call in calls.values()} >= {ToolStatus.BLOCKED}
    assert "checkout-0" not in "".join(call.model_dump_json() for call in calls.values())

"""The topology's slice: cyclic, empty or very large, with observers and metrics away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from agents.snapshot import Gathered
from connectors.evidence import Unavailable, Wanted
from connectors.prometheus.service_series import Windows
from connectors.series import Series, Signal
from connectors.tools import Caller, Session
from schemas.envelope import from_millis
from schemas.evidence import Health, NodeKind, Source
from schemas.topology import ServiceObserved, TopologyObserved
from streams.around import Around, Slice
from streams.known_services import KnownServices
from streams.observing import REFRESH_SECS, RETRY_SECS, Observing
from tests.peers.waiting import wait_until_async
from tests.streams.stages.evidence_support import CODEC, START, Clock, gateway

OBSERVER, METRICS, INCIDENTS = "kubernetes.observe", "prometheus.services", "clickhouse.open_incidents"


def observed(service: str, *needs: str, **more: Any) -> ServiceObserved:
    return ServiceObserved(
        **{
            "subject": f"file/default/{service}",
            "service": service,
            "depends_on": needs,
            "observer": "file",
            **more,
        }
    )


def event(told: ServiceObserved) -> bytes:
    moment = from_millis(START)
    return CODEC.encode(
        TopologyObserved(
            event_id=f"id-{told.subject}",
            project_id="default",
            occurred_at=moment,
            recorded_at=moment,
            stage="test",
            payload=told,
        )
    )


def wanted(name: str = "checkout", **more: Any) -> Wanted:
    facts: dict[str, Any] = {
        "project_id": "default",
        "incident_id": "INC-1",
        "run_id": "run-1",
        "fingerprint": "ab" * 8,
        "alert_type": "HighLatency",
        "severity": "critical",
        "cluster": "default",
        "namespace": "",
        "kind": "service",
        "name": name,
        "labels": {},
        "metrics": {},
        "opened_at": START - 60_000,
        "now": START,
    }
    return Wanted(**{**facts, **more})


def session(*tools: str) -> Session:
    config = gateway(OBSERVER, METRICS, INCIDENTS, *tools)
    return Session(config, Caller("run-1", "evidence", "evidence"), Clock())


async def look(around: Around, about: Wanted | None = None) -> Slice:
    return await around.look(about or wanted(), session(), 10)


def gaps(found: Slice) -> list[str]:
    return [part.gap for part in found.gathered if part.gap]


async def test_the_slice_says_who_needs_it_and_what_it_needs() -> None:
    told = [observed("web", "checkout"), observed("checkout", "db"), observed("db", kind=NodeKind.DATABASE)]
    found = await look(Around(KnownServices(CODEC, fixed=told), Clock()))

    around = found.surroundings
    assert around.service == "checkout"
    assert [one.service for one in around.upstream] == ["web"]
    assert [(one.service, one.kind) for one in around.downstream] == [("db", NodeKind.DATABASE)]
    texts = [finding.text for part in found.gathered for finding in part.findings]
    assert "checkout is needed by web (service, unknown) and depends on db (database, unknown)" in texts
    assert [entry.ask.tool for entry in found.entries] == ["topology.around"]


EMPTY: list[tuple[str, list[ServiceObserved], str]] = [
    ("empty", [], "no services are known"),
    ("of others", [observed("other")], "the target is none of the known services"),
]


@pytest.mark.parametrize(("told", "says"), [case[1:] for case in EMPTY], ids=[case[0] for case in EMPTY])
async def test_a_topology_without_the_target_is_a_gap(told: list[ServiceObserved], says: str) -> None:
    found = await look(Around(KnownServices(CODEC, fixed=told), Clock()))
    assert found.gathered == [Gathered(Source.TOPOLOGY, gap=says)]
    assert found.surroundings.service == ""


async def test_a_cycle_ends() -> None:
    told = [observed("checkout", "db"), observed("db", "cache"), observed("cache", "checkout", "cache")]
    found = await look(Around(KnownServices(CODEC, fixed=told), Clock()))
    assert {one.service for one in found.surroundings.downstream} == {"db", "cache"}


async def test_a_hundred_thousand_services_give_an_answer_in_time_and_others_go_on() -> None:
    """They are read once, beside the event loop; after that an answer takes no time."""
    size = 100_000
    edges = {f"s{number}": (f"s{(number * 7 + 1) % size}", f"s{number // 2}") for number in range(size)}
    known, longest = KnownServices(CODEC), 0.0
    known.told("all", [observed(name, *needs) for name, needs in edges.items()])
    around = Around(known, Clock(), timeout_secs=120)

    async def others() -> None:
        nonlocal longest
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.01)
            longest = max(longest, time.monotonic() - began)

    beside, began = asyncio.create_task(others()), time.monotonic()
    first = await around.look(wanted("s77"), session(), 120)
    took = time.monotonic() - began
    beside.cancel()
    assert first.surroundings.service == "s77"
    assert longest < took / 2, f"the event loop stood still for {longest:.1f} of {took:.1f} s"

    began = time.monotonic()
    assert (await around.look(wanted("s99999"), session(), 120)).surroundings.downstream
    assert time.monotonic() - began < 5


async def test_what_a_run_had_no_time_to_wait_for_is_there_for_the_next() -> None:
    values = {b"%d" % number: event(observed(f"s{number}")) for number in range(20_000)}
    around = Around(KnownServices(CODEC, lambda: values), Clock(), timeout_secs=0.01)
    assert "no answer within" in gaps(await look(around, wanted("s1")))[0]

    async def there() -> bool:
        return (await look(around, wanted("s1"))).surroundings.service == "s1"

    deadline = time.monotonic() + 20
    while not await there():
        assert time.monotonic() < deadline


async def test_values_that_are_no_observations_are_passed_over() -> None:
    values = {b"1": b"\xff\xfe rubbish", b"2": b"{}", b"3": event(observed("checkout", "db"))}
    found = await look(Around(KnownServices(CODEC, lambda: values), Clock()))
    assert found.surroundings.service == "checkout"


async def test_a_changed_value_is_read_and_a_removed_one_is_gone() -> None:
    values = {b"1": event(observed("checkout", "db"))}
    around = Around(KnownServices(CODEC, lambda: values), Clock())
    await look(around)
    values[b"1"] = event(observed("checkout", "cache"))
    assert [one.service for one in (await look(around)).surroundings.downstream] == ["cache"]
    del values[b"1"]
    assert gaps(await look(around)) == ["no services are known"]


@dataclass
class Watcher:
    """An observer that says what it is told to."""

    says: Any
    source: Source = Source.KUBERNETES
    tool: str = OBSERVER
    server: str = "kubernetes"
    timeout_secs: float = 5.0
    asked: int = 0
    waits: asyncio.Event | None = None

    async def observe(self) -> Sequence[ServiceObserved]:
        self.asked += 1
        if self.waits is not None:
            await self.waits.wait()
        if isinstance(self.says, BaseException):
            raise self.says
        said: Sequence[ServiceObserved] = self.says
        return said


def watching(watcher: Watcher) -> tuple[Around, Clock]:
    clock, known = Clock(), KnownServices(CODEC)
    return Around(known, clock, Observing(known, [watcher], clock)), clock


async def test_an_observer_is_asked_now_and_then_and_its_last_word_stands() -> None:
    watcher = Watcher([observed("checkout", "db")])
    around, clock = watching(watcher)
    for _ in range(3):
        assert (await look(around)).surroundings.service == "checkout"
    assert watcher.asked == 1

    watcher.says = Unavailable("the cluster is away")
    clock.now += REFRESH_SECS
    found = await look(around)
    assert found.surroundings.service == "checkout"
    assert gaps(found) == [f"{OBSERVER}: the cluster is away"]
    assert gaps(await look(around)) == gaps(found), "the next run is told too, without asking again"
    assert watcher.asked == 2

    watcher.says = [observed("other")]
    clock.now += RETRY_SECS
    assert gaps(await look(around)) == ["the target is none of the known services"]


async def test_runs_side_by_side_wait_for_the_first_answer_together() -> None:
    watcher = Watcher([observed("checkout", "db")], waits=asyncio.Event())
    around, _ = watching(watcher)
    both = [asyncio.create_task(look(around)) for _ in range(2)]
    await asyncio.sleep(0)
    assert watcher.waits is not None
    watcher.waits.set()
    assert [(await one).surroundings.service for one in both] == ["checkout", "checkout"]
    assert watcher.asked == 1


async def test_a_run_that_goes_leaves_the_question_to_another() -> None:
    watcher = Watcher([observed("checkout")], waits=asyncio.Event())
    around, _ = watching(watcher)
    going = asyncio.create_task(look(around))
    await wait_until_async(lambda: watcher.asked, 5, every=0)
    going.cancel()
    await asyncio.wait((going,))
    watcher.waits = None
    assert (await look(around)).surroundings.service == "checkout"


@dataclass
class Incidents:
    says: Any
    tool: str = INCIDENTS
    server: str = "clickhouse"
    timeout_secs: float = 5.0

    async def open_targets(self, project_id: str, now: int) -> Sequence[tuple[str, str, str]]:
        if isinstance(self.says, BaseException):
            raise self.says
        said: Sequence[tuple[str, str, str]] = self.says
        return said


@dataclass
class Meter:
    says: Any
    tool: str = METRICS
    server: str = "prometheus"
    timeout_secs: float = 5.0
    asked: list[Mapping[str, str]] = field(default_factory=list)

    async def read(self, services: Mapping[str, str], windows: Windows) -> Mapping[str, Series]:
        self.asked.append(services)
        if isinstance(self.says, BaseException):
            raise self.says
        said: Mapping[str, Series] = self.says
        return said


CHAIN = [
    observed("checkout", "db", "cache"),
    observed("db", kind=NodeKind.DATABASE),
    observed("cache", kind=NodeKind.CACHE),
]


async def test_an_open_incident_makes_a_dependency_a_suspect() -> None:
    incidents = Incidents([("", "db", "critical"), ("", "nobody", "critical"), ("", "cache", "info")])
    around = Around(KnownServices(CODEC, fixed=CHAIN), Clock(), incidents=incidents)
    found = await look(around)
    suspects = {suspect.service: suspect.health for suspect in found.surroundings.suspects}
    assert suspects["db"] == Health.UNHEALTHY
    assert "cache" not in suspects
    [blame] = [f for part in found.gathered for f in part.findings if f.kind == "blame" and f.about == "db"]
    assert blame.words["kind"] == "database"

    incidents.says = []
    again = await look(around)
    assert "db" not in {suspect.service for suspect in again.surroundings.suspects}, "health is judged anew"


async def test_metrics_are_asked_for_the_target_and_what_it_needs() -> None:
    busy = Series(latency=Signal([9.0] * 10, [1.0] * 60), rate=Signal([5.0] * 10, [5.0] * 60))
    meter = Meter({"checkout": busy, "db": busy})
    found = await look(Around(KnownServices(CODEC, fixed=CHAIN), Clock(), metrics=meter))
    assert next(iter(meter.asked[0])) == "checkout", "the target is asked for first"
    assert meter.asked[0].keys() == {"checkout", "db", "cache"}
    assert found.surroundings.service == "checkout"


async def test_what_was_measured_of_the_target_and_its_suspects_is_told() -> None:
    slow = Series(latency=Signal([9.0] * 10, [1.0] * 60), rate=Signal([5.0] * 10, [5.0] * 60))
    meter = Meter({"checkout": slow, "db": slow, "cache": Series()})
    incidents = Incidents([("", "db", "critical")])
    around = Around(KnownServices(CODEC, fixed=CHAIN), Clock(), incidents=incidents, metrics=meter)
    found = await look(around)
    told = [one for part in found.gathered if part.source is Source.PROMETHEUS for one in part.findings]
    assert told[0].about == "checkout"
    assert {(one.about, one.words["metric"]) for one in told} >= {("checkout", "latency"), ("db", "latency")}
    latency = next(one for one in told if one.words["metric"] == "latency")
    assert latency.text == "latency of checkout rose from 1 to 9, against quiet time before the alert"
    assert (latency.numbers["first"], latency.numbers["last"]) == (1.0, 9.0)


async def test_measurements_that_make_no_sense_leave_the_slice() -> None:
    """Blame by what was measured fails: by health alone there is still an answer, and a reason."""
    rubbish: Any = Series(latency=Signal((), ["a"]))  # type: ignore[list-item]
    incidents = Incidents([("", "db", "critical")])
    meter = Meter({"checkout": rubbish})
    around = Around(KnownServices(CODEC, fixed=CHAIN), Clock(), incidents=incidents, metrics=meter)
    found = await look(around)
    assert found.surroundings.service == "checkout"
    assert [suspect.service for suspect in found.surroundings.suspects] == ["db"]
    assert gaps(found)[0].startswith("blame: ")


@pytest.mark.parametrize(("kind", "asked"), [("service", True), ("deployment", True), ("node", False)])
async def test_a_service_that_no_topology_knows_is_measured_all_the_same(kind: str, asked: bool) -> None:
    meter = Meter({"checkout": Series(errors=Signal([0.5], [0.0]))})
    found = await look(Around(KnownServices(CODEC), Clock(), metrics=meter), wanted(kind=kind))
    assert bool(meter.asked) is asked
    assert any(part.findings for part in found.gathered) is asked
    assert "no services are known" in gaps(found)


async def test_without_incidents_and_metrics_the_slice_is_still_there() -> None:
    around = Around(
        KnownServices(CODEC, fixed=CHAIN),
        Clock(),
        incidents=Incidents(Unavailable("ClickHouse is away")),
        metrics=Meter(Unavailable("Prometheus is away")),
    )
    found = await look(around)
    assert found.surroundings.service == "checkout"
    assert gaps(found) == [
        "open incidents: ClickHouse is away",
        "metrics of services: Prometheus is away",
    ]


CLUSTERS: list[tuple[str, str, list[str], bool]] = [
    ("by its name", "eu", ["eu", "us"], True),
    ("an alert without a cluster, and the only one there is", "default", ["eu"], True),
    ("an alert without a cluster, and several", "default", ["eu", "us"], False),
    ("observers without a cluster tell of any", "eu", ["default"], True),
    ("and of none that others tell of", "eu", ["default", "us"], False),
    ("another cluster", "us", ["eu"], False),
]


@pytest.mark.parametrize(
    ("cluster", "told_of", "found"), [case[1:] for case in CLUSTERS], ids=[case[0] for case in CLUSTERS]
)
async def test_the_cluster_of_the_alert(cluster: str, told_of: list[str], found: bool) -> None:
    told = [observed("checkout", "db", cluster=known, subject=f"f/{known}/checkout") for known in told_of]
    around = await look(Around(KnownServices(CODEC, fixed=told), Clock()), wanted(cluster=cluster))
    assert bool(around.surroundings.service) is found


async def test_what_names_no_cluster_adds_to_the_only_one() -> None:
    told = [observed("checkout", "db", cluster="eu"), observed("checkout", "cache", subject="traces")]
    found = await look(Around(KnownServices(CODEC, fixed=told), Clock()), wanted(cluster="eu"))
    assert {one.service for one in found.surroundings.downstream} == {"db", "cache"}


async def test_another_cluster_s_service_of_the_same_name_is_not_taken() -> None:
    told = [observed("checkout", "db", cluster="eu"), observed("other", cluster="us")]
    found = await look(Around(KnownServices(CODEC, fixed=told), Clock()), wanted(cluster="us"))
    assert found.surroundings.service == ""

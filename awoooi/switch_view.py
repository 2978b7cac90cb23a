"""What a running process knows of the switches, for its /metrics and for `awoooi kill-switch status`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from awoooi.parts import INTAKE, WORKERS, metrics_url
from awoooi.processes import health_port
from awoooi.settings import Settings
from awoooi.state_file import running
from connectors.http import HttpClient
from connectors.metrics import Described
from schemas.codec import Codec
from schemas.errors import AwoooiError
from schemas.switch import EVERYWHERE, SwitchKind, SwitchSetting
from streams.pipeline import WORKERS as STAGES
from streams.policy.switches import TOPIC, Switches
from streams.reference import Reference

ENGAGED = Described(
    "awoooi_kill_switch_engaged",
    "1 while the kill switch stops a project's executions, as this process knows it; * is everywhere",
    ("project",),
)
OFFSET = Described("awoooi_reference_offset", "how far this process has read a reference topic", ("topic",))
AGE = Described(
    "awoooi_reference_age_seconds",
    "since the broker last said that there is no more of a reference topic; after 10 it is out of date",
    ("topic",),
)
ASK_SECS = 2.0


class SwitchView(Collector):
    """Looked up when it is asked for: never older than what the process itself goes by."""

    def __init__(self, codec: Codec, reference: Reference) -> None:
        self._reference = reference
        self._switches = Switches(codec, lambda: reference.current(TOPIC))

    def collect(self) -> Iterator[GaugeMetricFamily]:
        engaged, offset, age = (
            GaugeMetricFamily(one.name, one.help, labels=one.labels) for one in (ENGAGED, OFFSET, AGE)
        )
        for project in self._projects():
            engaged.add_metric([project], float(bool(self._switches.engaged(project))))
        for topic in self._reference.topics:
            offset.add_metric([topic], self._reference.offset(topic))
            age.add_metric([topic], self._reference.age_secs(topic))
        yield from (engaged, offset, age)

    def _projects(self) -> list[str]:
        """Everywhere, and wherever somebody has set it."""
        found = (one for one in self._switches.settings() if isinstance(one, SwitchSetting))
        named = {one.name for one in found if one.kind == SwitchKind.KILL_SWITCH}
        return sorted({EVERYWHERE, *named})


@contextmanager
def measured(registry: CollectorRegistry, codec: Codec, reference: Reference) -> Iterator[None]:
    """The view stands in the registry for the length of a block."""
    view = SwitchView(codec, reference)
    registry.register(view)
    try:
        yield
    finally:
        registry.unregister(view)


# -- what the running processes say


@dataclass(frozen=True, slots=True)
class Seen:
    """By one process that answered."""

    process: str
    engaged: bool
    offset: int


async def seen_by_all(settings: Settings, project: str) -> list[Seen]:
    """Those of this machine's settings that answer; a process that is not there says nothing."""
    async with HttpClient(timeout_secs=ASK_SECS) as http:
        asked = [_seen(http, name, url, project) for name, url in _processes(settings).items()]
        return [one for one in await asyncio.gather(*asked) if one is not None]


def _processes(settings: Settings) -> Mapping[str, str]:
    """Under `up` all workers are one process, elsewhere each kind has a page of its own."""
    health, gateway = settings.health, settings.gateway
    found = {INTAKE: metrics_url(gateway.host, gateway.port)}
    if running(settings.state_dir) is not None:
        return {**found, WORKERS: metrics_url(health.host, health.ingest_port)}
    return {
        **found,
        **{f"worker {kind}": metrics_url(health.host, health_port(settings, kind)[0]) for kind in STAGES},
    }


async def _seen(http: HttpClient, process: str, url: str, project: str) -> Seen | None:
    try:
        reply = await http.get(url)
        values = _values(reply.body.decode(errors="replace")) if reply.ok else {}
    except (AwoooiError, ValueError):  # nobody there, or somebody else's page
        return None
    everywhere = values.get((ENGAGED.name, EVERYWHERE))
    if everywhere is None:
        return None
    engaged = values.get((ENGAGED.name, project), everywhere)
    return Seen(process, bool(engaged), int(values.get((OFFSET.name, TOPIC), -1)))


def _values(text: str) -> dict[tuple[str, str], float]:
    """Of the metrics with one label, by its value."""
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if family.name in (ENGAGED.name, OFFSET.name)
    }

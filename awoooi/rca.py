"""What the stages of `rca` and `policy` are given: gatherers, topology, keys, playbooks, models.

What is not configured is a gap in evidence or one voice less, never a fault.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

from agents.desk import Desk
from agents.key_rotation import opener
from agents.models.model import NoPanel, Panel
from agents.playbooks.book import load_book
from agents.sealing import Sealer, load_public_key
from agents.snapshot import Keys
from awoooi.settings import Settings
from connectors.evidence import Gatherer, Observer, Unavailable
from connectors.silences import Silences
from connectors.tools import GatewayConfig, Grant, Tool
from schemas.codec import Codec
from schemas.errors import Misconfigured
from schemas.tool import Scope
from streams.around import Around, Metrics, OpenIncidents
from streams.known_services import KnownServices
from streams.observing import Observing
from streams.pipeline import Given
from streams.reference import Reference
from streams.stages.evidence import AGENT, EvidenceNeeds

if TYPE_CHECKING:
    from awoooi.worker import Make

TOPOLOGY_TOOL = "topology.around"


def policy_given(settings: Settings) -> Make:
    """Rules only: no model and no cluster is asked from here."""
    desk = desk_of(settings, NoPanel())
    return lambda codec, _: Given(codec, desk=desk)


@asynccontextmanager
async def rca_given(settings: Settings) -> AsyncIterator[Make]:
    """Its connections close with the block."""
    from prometheus_client import REGISTRY

    from awoooi.models import panel_of

    async with AsyncExitStack() as opened:
        panel = panel_of(settings, REGISTRY)
        opened.push_async_callback(panel.close)
        desk, keys = desk_of(settings, panel), keys_of(settings)
        outside = Outside(settings, opened)

        def make(codec: Codec, reference: Reference) -> Given:
            return Given(codec, desk=desk, evidence=_needs(settings, codec, reference, outside, keys))

        yield make


def desk_of(settings: Settings, panel: Panel) -> Desk:
    return Desk(load_book(settings.playbooks), time.monotonic, panel)


def keys_of(settings: Settings) -> Keys:
    """Raises Misconfigured where a key is missing: `awoooi init` makes them."""
    sealing = settings.sealing
    try:
        target = sealing.target_key_file.read_bytes().strip()
    except OSError as error:
        raise Misconfigured(
            f"AWOOOI_SEALING_TARGET_KEY_FILE: {sealing.target_key_file} cannot be read: {error.strerror}; "
            "`awoooi init` makes it"
        ) from error
    return Keys(opener(sealing.private_key_file), Sealer(load_public_key(sealing.public_key_file)), target)


class Outside:
    """What is asked over the network: only what the settings name, and closed with the process."""

    def __init__(self, settings: Settings, opened: AsyncExitStack) -> None:
        self.gatherers: list[Gatherer] = []
        self.observers: list[Observer] = []
        self.incidents: OpenIncidents | None = None
        self.metrics: Metrics | None = None
        self._kubernetes(settings, opened)
        self._prometheus(settings, opened)
        self._history(settings, opened)

    def _kubernetes(self, settings: Settings, opened: AsyncExitStack) -> None:
        if not settings.kubernetes.clusters:
            return
        from connectors.kubernetes.client import Clusters
        from connectors.kubernetes.evidence import KubernetesEvidence

        clusters = Clusters(settings.kubernetes)
        opened.push_async_callback(clusters.close)
        self.gatherers.append(KubernetesEvidence(clusters))

    def _prometheus(self, settings: Settings, opened: AsyncExitStack) -> None:
        if settings.prometheus.url is None:
            return
        from connectors.prometheus.client import Prometheus, http_of
        from connectors.prometheus.evidence import PrometheusEvidence

        http = http_of(settings.prometheus)
        opened.push_async_callback(http.close)
        self.gatherers.append(PrometheusEvidence(settings.prometheus, Prometheus(settings.prometheus, http)))

    def _history(self, settings: Settings, opened: AsyncExitStack) -> None:
        from sinks.clickhouse.history import History

        history = History(settings.clickhouse.reader())
        opened.push_async_callback(history.close)
        self.gatherers.append(history)


def _needs(
    settings: Settings, codec: Codec, reference: Reference, outside: Outside, keys: Keys
) -> EvidenceNeeds:
    def silences() -> Mapping[bytes, bytes]:
        if not reference.ready.is_set():
            raise Unavailable("the silences are being read")
        return reference.values("silences")

    services = KnownServices(codec, lambda: reference.values("topology"))
    gatherers = [*outside.gatherers, Silences(silences)]
    clock, off = time.monotonic, frozenset(settings.runs.debate_off_projects)
    around = Around(
        services,
        clock,
        Observing(services, outside.observers, clock) if outside.observers else None,
        outside.incidents,
        outside.metrics,
    )
    return EvidenceNeeds(
        gatherers, around, _gateway(gatherers, outside), keys, clock, lambda project: project not in off
    )


def _gateway(gatherers: Sequence[Gatherer], outside: Outside) -> GatewayConfig:
    """Evidence reads, and reads only what is here."""
    asked: list[Any] = [*gatherers, *outside.observers]
    tools = {one.tool: Tool(one.tool, one.server, Scope.READ) for one in asked}
    tools |= {tool: Tool(tool, tool.partition(".")[0], Scope.READ) for tool in _tools_around(outside)}
    return GatewayConfig(tools=tools, grants={AGENT: Grant(Scope.READ)})


def _tools_around(outside: Outside) -> Iterator[str]:
    yield TOPOLOGY_TOOL
    for one in (outside.incidents, outside.metrics):
        if one is not None:
            yield one.tool

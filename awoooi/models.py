"""The model panel out of the settings: who is asked, in which order, behind which breaker, at which price."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Protocol

from prometheus_client import CollectorRegistry

from agents.models.breaker import Breaker, Clock
from agents.models.config import Asking, Service
from agents.models.fallback import Fallback, Seat
from agents.models.metrics import Meters
from agents.models.model import NoPanel, Panel, Provider
from agents.models.pricing import NOTHING, Price
from agents.models.recorder import Recorder, Replayed
from agents.models.registry import Given, Maker, made, makers
from awoooi.settings import Settings
from connectors.http import HttpClient
from schemas.errors import Misconfigured

WIRE_BYTES_PER_ANSWER_BYTE = 64
"""A streamed answer wraps each token in JSON: so much larger than its text it may be on the wire."""


class OpenPanel(Panel, Protocol):
    async def close(self) -> None: ...


def panel_of(
    settings: Settings, registry: CollectorRegistry | None = None, *, clock: Clock = time.monotonic
) -> OpenPanel:
    """One for a process. Nobody is asked yet; a wrong setting is told by Misconfigured."""
    clients = list[HttpClient]()
    seats = seats_of(settings, clients, clock)
    if not seats:
        return NoPanel()

    async def close() -> None:
        for client in clients:
            await client.close()

    meters = Meters(registry or CollectorRegistry())
    return Fallback(seats, settings.models, meters, clock=clock, closing=close)


def seats_of(settings: Settings, clients: list[HttpClient], clock: Clock = time.monotonic) -> list[Seat]:
    """In their order, without those whose mode is OFF. Each brings a client that somebody must close."""
    seats = (_seat(name, settings, clients, clock) for name in settings.models.order)
    return [seat for seat in seats if seat is not None]


def _seat(name: str, settings: Settings, clients: list[HttpClient], clock: Clock) -> Seat | None:
    """None where its mode is OFF."""
    asking, service = settings.models, services(settings).get(name)
    maker = _maker(name)
    mode = "LIVE" if service is None else service.in_mode
    if mode == "OFF":
        return None
    client = _client(asking, None if service is None else service.ca_file)
    clients.append(client)
    provider = made(name, maker, Given(client, asking, service, asking.options_of(name)))
    breaker = Breaker(clock, asking.breaker_failures, asking.breaker_secs)
    return Seat(_on_tape(provider, asking), breaker, _price(name, service, asking), mode)


def services(settings: Settings) -> dict[str, Service]:
    """The built-in providers' settings."""
    return {
        "ollama": settings.ollama,
        "openai": settings.openai,
        "gemini": settings.gemini,
        "claude": settings.claude,
    }


def _maker(name: str) -> Maker:
    there = makers()
    if name not in there:
        raise Misconfigured(
            f"AWOOOI_MODELS_ORDER: {name}: no such provider; installed are {', '.join(sorted(there))}"
        )
    return there[name]


def _client(asking: Asking, ca_file: Path | None) -> HttpClient:
    """As many questions at once as there are: the stages bound them."""
    return HttpClient(
        timeout_secs=asking.connect_secs,
        ca_file=None if ca_file is None else str(ca_file),
        max_answer_bytes=asking.max_answer_bytes * WIRE_BYTES_PER_ANSWER_BYTE,
        max_connections=None,
    )


def _on_tape(provider: Provider, asking: Asking) -> Provider:
    if asking.replay_file is not None:
        return Replayed(asking.replay_file, provider.name, cloud=provider.cloud)
    return provider if asking.record_file is None else Recorder(provider, asking.record_file)


def _price(name: str, service: Service | None, asking: Asking) -> Price:
    """What runs at home costs nothing unless the settings say so; of a cloud model it must be known."""
    if service is None:
        return asking.price(name) or NOTHING
    price = asking.price(service.model)
    if price is None and service.leaves and service.in_mode == "LIVE":
        raise Misconfigured(
            f"AWOOOI_MODELS_PRICES: lacks {service.model}, so that its cost could not be counted: add "
            f"{service.model}=in/out, in USD per million tokens (0/0 where it costs nothing)"
        )
    return price or NOTHING

"""How soon a person sees an incident: a real gateway over a filled store, and a real browser on it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from statistics import quantiles
from typing import Any

from awoooi import defaults
from benchmarks.broker import broker
from benchmarks.live import NO_LIMIT
from benchmarks.measured import Measured, Scale
from benchmarks.product import Product
from benchmarks.stored import Filled
from connectors.tokens import new_personal_token
from tests.peers.chromium import ChromiumPeer, Watched

PERSON = "bench"
_SOME = "SELECT incident_id FROM v_runs ORDER BY cityHash64(run_id, 'paint') LIMIT {many:UInt32}"
_PAINTED = """() => new Promise((done) => {
    const look = () => document.querySelector(".head.incident h1")
        ? requestAnimationFrame(() => setTimeout(() => done([
            performance.getEntriesByName("first-contentful-paint")[0].startTime, performance.now()])))
        : requestAnimationFrame(look);
    look();
})"""
"""what is seen first, and when the incident itself stands there: in ms from the start of the navigation"""


async def measure_on(stored: Filled, scale: Scale) -> Measured:
    """Each page is loaded whole, as from a link in a message, by a person who is logged in."""
    some = [row["incident_id"] for row in await stored.client.ask(_SOME, {"many": scale.of(20, 3)})]
    async with broker() as kafka:
        assert stored.product is not None, "a store of its own"
        product = Product(stored.product.folder, kafka.bootstrap, stored.product.ports)
        token = new_personal_token(
            product.state / defaults.TOKENS, PERSON, PERSON, ["viewer"], limits=NO_LIMIT
        )[1]
        with product.running("gateway", port="GATEWAY_PORT"):
            origin = f"http://127.0.0.1:{product.ports['GATEWAY_PORT']}"
            seen = await asyncio.to_thread(_loaded, origin, token, some, scale.folder / "paint")
    first, whole = ([one[part] for one in seen] for part in (0, 1))
    return Measured({"incident_paint_ms": _p95(whole)}, {"first_contentful_paint_ms": _p95(first)})


def _loaded(origin: str, token: str, incidents: Sequence[str], folder: Path) -> list[tuple[float, float]]:
    folder.mkdir()
    with ChromiumPeer.running(folder) as chromium, chromium.window(origin) as window:
        window.page.goto(f"{origin}/console/")
        window.page.fill("input[name=token]", token)
        window.page.keyboard.press("Enter")
        window.page.wait_for_selector("main#main")
        return [_painted(window, incident) for incident in incidents]


def _painted(window: Watched, incident: str) -> tuple[float, float]:
    page: Any = window.page
    page.goto("about:blank")  # what follows is a load, not a step within the page
    page.goto(f"{window.origin}/console/#/incidents/{incident}", wait_until="commit")
    first, whole = page.evaluate(_PAINTED)
    return first, whole


def _p95(values: Sequence[float]) -> float:
    return quantiles(values, n=20, method="inclusive")[18]

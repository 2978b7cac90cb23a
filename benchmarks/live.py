"""Live listeners on one gateway: whether each hears all, how late, and what the gateway needs for it."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime

from awoooi import defaults
from benchmarks.broker import Broker, broker
from benchmarks.child import child, cpu_secs, wait_ready
from benchmarks.idle import resident_bytes
from benchmarks.measured import Measured, Scale
from benchmarks.product import Product
from connectors.kafka.producer import Publisher
from connectors.tokens import Limits, new_personal_token
from schemas import ids
from schemas.catalog import key_of, topic_of
from schemas.codec import Codec
from schemas.incident import Comment, IncidentCommented

LISTENERS, PER_SECOND = 100, 50
NO_LIMIT = Limits(requests_per_minute=10**9, bytes_per_minute=10**12)
WORDS = "the front end answers again; the database behind it is being looked at " * 3


async def measure(scale: Scale) -> Measured:
    secs = scale.of(30, 6)
    events = secs * PER_SECOND
    async with broker() as kafka:
        product = Product(
            scale.folder / "live",
            kafka.bootstrap,
            more={"AWOOOI_GATEWAY_STREAMS_OF_ONE_PERSON": str(2 * LISTENERS)},
        )
        product.run("init")
        token = new_personal_token(
            product.state / defaults.TOKENS, "bench", "bench", ["viewer"], limits=NO_LIMIT
        )[1]
        answer = scale.folder / "live.json"
        with product.running("gateway", port="GATEWAY_PORT") as gateway:
            given = (product.ports["GATEWAY_PORT"], token, LISTENERS, events, secs, answer)
            with child(scale.folder, "listeners", "benchmarks.listeners", *map(str, given)) as listeners:
                wait_ready(listeners)
                used, highest = cpu_secs(gateway.pid), await _happening(kafka, events, gateway.pid)
                if listeners.wait(60):
                    raise RuntimeError(listeners.tail())
            used = cpu_secs(gateway.pid) - used
    told = json.loads(answer.read_bytes())
    if told["failed"] or told["lost"] or told["doubled"]:
        raise RuntimeError(f"not everybody was told everything once: {told}")
    more = {
        "live_p50_ms": told["p50_ms"],
        "live_p99_ms": told["p99_ms"],
        "live_gateway_cpu_percent": used / secs * 100,
    }
    return Measured({"live_listeners_mb": highest / 1e6}, more)


async def _happening(kafka: Broker, events: int, gateway: int) -> int:
    """Something happens so often a second; the most memory that the gateway had meanwhile."""
    codec, publisher, highest = Codec(), Publisher(kafka.config), 0
    await publisher.start()
    try:
        start = time.perf_counter()
        for number in range(events):
            await asyncio.sleep(max(0.0, start + number / PER_SECOND - time.perf_counter()))
            event = _comment(number)
            await publisher.send(topic_of(type(event)).name, key_of(event), codec.encode(event), ())
            if number % PER_SECOND == 0:
                highest = max(highest, resident_bytes(gateway))
    finally:
        await publisher.stop()
    return max(highest, resident_bytes(gateway))


def _comment(number: int) -> IncidentCommented:
    now = datetime.now(UTC)
    return IncidentCommented(
        event_id=ids.derive_id("bench", str(number)),
        project_id="default",
        incident_id=f"INC-20260301-{number % 40:010d}",
        occurred_at=now,
        recorded_at=now,
        stage="bench",
        actor="bob",
        payload=Comment(text=WORDS),
    )

"""Durable webhooks: how many a second one gateway process takes, each answered after Kafka has it."""

from __future__ import annotations

import json

from awoooi import defaults
from benchmarks.broker import broker
from benchmarks.child import child, cpu_secs
from benchmarks.loads import RAW_TOPIC
from benchmarks.measured import Measured, Scale
from benchmarks.product import Product
from connectors.tokens import Limits, new_token

CONNECTIONS = 64
NO_LIMIT = Limits(requests_per_minute=10**9, bytes_per_minute=10**12)


async def measure(scale: Scale) -> Measured:
    secs = scale.of(10, 4)
    async with broker() as kafka:
        product = Product(scale.folder / "webhooks", kafka.bootstrap)
        product.run("init")
        _, token = new_token(product.state / defaults.TOKENS, "bench", limits=NO_LIMIT)
        answer = scale.folder / "webhooks.json"
        with product.running("gateway", port="GATEWAY_PORT") as gateway:
            used = cpu_secs(gateway.pid)
            port = str(product.ports["GATEWAY_PORT"])
            arguments = (port, token, str(secs), str(CONNECTIONS), str(answer))
            with child(scale.folder, "webhook-client", "benchmarks.webhook_client", *arguments) as client:
                if client.wait(secs + 60):
                    raise RuntimeError(client.tail())
            used = cpu_secs(gateway.pid) - used
        told = json.loads(answer.read_bytes())
        stored = sum((await kafka.ends(RAW_TOPIC)).values())
    if stored != told["accepted"]:
        raise RuntimeError(f"{told['accepted']} webhooks were accepted, {stored} are in Kafka")
    more = {
        "webhook_p50_ms": told["p50_ms"],
        "webhook_p99_ms": told["p99_ms"],
        "webhook_gateway_cpu_us": used / told["accepted"] * 1e6,
    }
    return Measured({"webhooks_per_s": told["per_s"]}, more)

"""Real senders against the door: what they send is taken, what is refused comes again."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from schemas.errors import BrokerAway
from tests.connectors.gateway.support import WEBHOOK, running_gateway
from tests.peers import wait_until_async
from tests.peers.alertmanager import webhook_config
from tests.peers.fixtures import StartAlertmanager, StartPrometheus
from tests.peers.prometheus import alerting_config

REFUSALS = 3


async def test_a_prometheus_sends_without_an_alertmanager(
    prometheus: StartPrometheus, tmp_path: Path
) -> None:
    async with running_gateway(tmp_path) as gateway:
        config = alerting_config(gateway.url(""), token=gateway.token)
        await asyncio.to_thread(prometheus, config, rules=[{"alert": "Fires", "expr": "vector(1)"}])
        await wait_until_async(lambda: gateway.log.records, timeout=30, what="Prometheus sends")

    [alert] = json.loads(gateway.log.records[0].value)
    assert alert["labels"]["alertname"] == "Fires"


async def test_an_alertmanager_sends_again_what_was_refused(
    alertmanager: StartAlertmanager, tmp_path: Path
) -> None:
    async with running_gateway(tmp_path) as gateway:
        gateway.log.failure = BrokerAway("gone")
        config = webhook_config(gateway.url(WEBHOOK), gateway.token)
        peer = await asyncio.to_thread(alertmanager, config)
        await asyncio.to_thread(peer.post_alerts, {"labels": {"alertname": "Fires"}})

        def refused() -> bool:
            counted = "awoooi_webhook_requests_total"
            times = gateway.metric(counted, source="alertmanager", outcome="broker_away")
            return times >= REFUSALS

        await wait_until_async(refused, timeout=30, what="Alertmanager tries again")
        gateway.log.failure = None
        await wait_until_async(lambda: gateway.log.records, timeout=30, what="Alertmanager gets through")

        ended = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
        await asyncio.to_thread(peer.post_alerts, {"labels": {"alertname": "Fires"}, "endsAt": ended})
        await wait_until_async(lambda: len(gateway.log.records) > 1, timeout=30, what="it says resolved")

    firing, resolved = gateway.log.records[:2]
    assert [json.loads(record.value)["status"] for record in (firing, resolved)] == ["firing", "resolved"]
    assert firing.key == resolved.key != gateway.token_id.encode()

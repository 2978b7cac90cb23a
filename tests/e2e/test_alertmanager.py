"""Real Alertmanagers, while what stands behind them goes away and comes back."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.e2e.stack import Row, Stack, alert, group
from tests.peers import AlertmanagerPeer, wait_until, webhook_config
from tests.peers.fixtures import StartAlertmanager
from tests.peers.http import get
from tests.peers.kafka import KafkaPeer

AWAY_SECS = 30.0
ALERTS = 20
KILLS = 5


def fired(name: str, pod: int, started: datetime) -> Row:
    """In the shape of Alertmanager's own API."""
    labels = {"alertname": name, "namespace": "shop", "pod": f"checkout-{pod}", "severity": "warning"}
    return {
        "labels": labels,
        "annotations": {"summary": f"{name} {pod}"},
        "startsAt": started.isoformat(timespec="milliseconds"),
    }


def hits(stack: Stack, name: str, pods: int, timeout: float = 60) -> Counter[str]:
    """Of each resource, once so many have an incident and nothing is under way any more."""
    sql = f"SELECT target_resource, hit_count FROM v_incidents WHERE alert_type = '{name}'"
    stack.wait_for_rows(sql, lambda rows: len(rows) >= pods, timeout)
    stack.wait_until_settled()
    rows = stack.ask(sql)
    assert len(rows) == pods, rows
    return Counter({row["target_resource"]: row["hit_count"] for row in rows})


def once_each(pods: int) -> Counter[str]:
    return Counter({f"checkout-{pod}": 1 for pod in range(pods)})


def refusals(stack: Stack, outcome: str) -> float:
    """Counted by the gateway that runs now."""
    wanted = f'awoooi_webhook_requests_total{{outcome="{outcome}",source="alertmanager"}}'
    for line in (get(f"{stack.url('gateway')}/metrics") or "").splitlines():
        if line.startswith(wanted):
            return float(line.rpartition(" ")[2])
    return 0.0


def each_alone(start: StartAlertmanager, config: Row) -> list[AlertmanagerPeer]:
    """An HA pair that has lost sight of each other: both notify."""
    return [start(config), start(config)]


def gossiping(start: StartAlertmanager, config: Row) -> list[AlertmanagerPeer]:
    return start.pair(config)


Pair = Callable[[StartAlertmanager, Row], list[AlertmanagerPeer]]


@pytest.mark.parametrize(("pair", "sent"), [(gossiping, 1), (each_alone, 2)], ids=["gossiping", "each alone"])
def test_a_pair_that_sends_the_same_alert_gives_one_hit(
    stack: Stack, alertmanager: StartAlertmanager, pair: Pair, sent: int
) -> None:
    name = f"SentBy{sent}"
    before = refusals(stack, "accepted")
    now = datetime.now(UTC)
    for peer in pair(alertmanager, webhook_config(stack.webhook(), stack.token)):
        peer.post_alerts(*(fired(name, pod, now) for pod in range(3)))
    wait_until(lambda: refusals(stack, "accepted") - before >= sent, 30, what=f"{sent} notifications")
    assert hits(stack, name, 3) == once_each(3)


def test_nothing_is_lost_while_kafka_is_away(
    stack: Stack, kafka: KafkaPeer, alertmanager: StartAlertmanager
) -> None:
    # by alert: each of them is a notification of its own, and has to come through by itself
    peer = alertmanager(webhook_config(stack.webhook(), stack.token, group_by=["..."]))
    kafka.stop()
    away_since = time.monotonic()
    peer.post_alerts(*(fired("KafkaAway", pod, datetime.now(UTC)) for pod in range(ALERTS)))
    wait_until(lambda: refusals(stack, "broker_away") >= ALERTS, AWAY_SECS, what="503 to each")
    wait_until(lambda: time.monotonic() - away_since > AWAY_SECS, AWAY_SECS + 1)
    kafka.start()
    assert hits(stack, "KafkaAway", ALERTS, timeout=90) == once_each(ALERTS)


def test_nothing_is_lost_through_a_restart_of_the_gateway(
    stack: Stack, alertmanager: StartAlertmanager
) -> None:
    peer = alertmanager(webhook_config(stack.webhook(), stack.token, group_by=["..."]))
    now = datetime.now(UTC)
    peer.post_alerts(*(fired("GatewayRestarts", pod, now) for pod in range(ALERTS // 2)))
    stack.kill("gateway")
    peer.post_alerts(*(fired("GatewayRestarts", pod, now) for pod in range(ALERTS // 2, ALERTS)))
    wait_until(lambda: _failed_notifications(peer) > 0, 30, what="Alertmanager finds nobody")
    stack.parts["gateway"].start()
    assert hits(stack, "GatewayRestarts", ALERTS) == once_each(ALERTS)


def _failed_notifications(peer: AlertmanagerPeer) -> float:
    name = 'alertmanager_notification_requests_failed_total{integration="webhook"'
    lines = (get(f"{peer.url}/metrics") or "").splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def test_what_was_accepted_outlives_a_kill_right_after_the_answer(stack: Stack) -> None:
    for number in range(KILLS):
        stack.wait_for("gateway")
        status = stack.post(group(alert("AcceptedThenKilled", number, pod=f"checkout-{number}")))
        stack.kill("gateway")
        assert status == 202
        stack.parts["gateway"].start()
    stack.wait_for("gateway")
    assert hits(stack, "AcceptedThenKilled", KILLS) == once_each(KILLS)

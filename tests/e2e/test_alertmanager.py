"""Real Alertmanagers, while what stands behind them goes away and comes back."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.codec import Codec
from schemas.operations import Target
from streams.policy.silenced import Quiet
from tests.e2e.documented import yaml_snippet
from tests.e2e.stack import Row, Stack, alert, group
from tests.peers import AlertmanagerPeer, wait_until, webhook_config
from tests.peers.fixtures import StartAlertmanager
from tests.peers.http import get, post_json
from tests.peers.kafka import KafkaPeer

AWAY_SECS = 30.0
ALERTS = 20
KILLS = 5


def fired(name: str, pod: int, started: datetime, severity: str = "warning", **more: str) -> Row:
    """In the shape of Alertmanager's own API."""
    labels = {"alertname": name, "namespace": "shop", "pod": f"checkout-{pod}", "severity": severity}
    return {
        "labels": labels,
        "annotations": {"summary": f"{name} {pod}"},
        "startsAt": started.isoformat(timespec="microseconds"),
        **more,
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


# -- its event recorder


class Recording(AlertmanagerPeer):
    """One that writes its own log to Kafka."""

    @classmethod
    def prepare(cls, config: Mapping[str, Any], folder: Path, *, flags: Sequence[str]) -> AlertmanagerPeer:
        return super().prepare(config, folder, flags=(*flags, "--enable-feature=event-recorder"))


def recorded(stack: Stack, kafka: KafkaPeer) -> Row:
    """Webhook and recorder at once; what is critical inhibits what is only told."""
    config = webhook_config(stack.webhook(), stack.token)
    recorder = yaml_snippet("event_recorder:", {"kafka:9092": kafka.bootstrap})
    rule = {
        "source_matchers": ["severity = critical"],
        "target_matchers": ["severity = info"],
        "equal": ["namespace"],
    }
    return {**config, **recorder, "inhibit_rules": [rule]}


QUIET = """
SELECT q.kind AS kind, q.active AS active, i.alert_type AS alert_type, i.target_resource AS resource
FROM v_quiet AS q JOIN v_incidents AS i ON i.incident_id = q.incident_id
WHERE startsWith(i.alert_type, 'Recorded')
"""


def test_a_pair_that_records_and_notifies_counts_once_and_marks_what_it_keeps_quiet(
    stack: Stack, kafka: KafkaPeer, tmp_path: Path
) -> None:
    now, config = datetime.now(UTC), recorded(stack, kafka)
    with Recording.running_pair(config, tmp_path) as pair:
        _tell(pair, *(fired("RecordedTarget", pod, now) for pod in range(3)))
        _until_alerts(stack, "RecordedTarget", 3 * 3)  # from two recorders and one webhook
        assert hits(stack, "RecordedTarget", 3) == once_each(3)

        stack.parts["ingest"].stop()
        _silence(pair[0], pod="checkout-1", until=now + timedelta(hours=1))
        _tell(pair, fired("RecordedCause", 7, now, "critical"))
        _tell(pair, fired("RecordedInhibited", 8, now, "info"))
        stack.parts["ingest"].start()
        told = stack.wait_for_rows(QUIET, lambda rows: len(rows) >= 2, timeout=40)
        assert {tuple(row.values()) for row in told} == {
            ("silence", True, "RecordedTarget", "checkout-1"),
            ("inhibition", True, "RecordedInhibited", "checkout-8"),
        }

        over = (now + timedelta(milliseconds=1)).isoformat()
        _tell(pair, fired("RecordedCause", 7, now, "critical", endsAt=over))
        ended = {"kind": "inhibition", "active": False}
        stack.wait_for_rows(QUIET, lambda rows: [row for row in rows if row.items() >= ended.items()])
        assert hits(stack, "RecordedTarget", 3) == once_each(3)
        assert not stack.ask("SELECT reason FROM v_rejected WHERE source = 'eventrecorder'")
    _still_silenced(stack)


def _tell(pair: Sequence[AlertmanagerPeer], *alerts: Row) -> None:
    """As Prometheus does: each of them is told."""
    for peer in pair:
        peer.post_alerts(*alerts)


def _until_alerts(stack: Stack, name: str, count: int) -> None:
    stack.wait_for_rows(
        f"SELECT * FROM v_alerts WHERE alert_type = '{name}'", lambda rows: len(rows) >= count
    )


def _silence(peer: AlertmanagerPeer, *, pod: str, until: datetime) -> None:
    matcher = {"name": "pod", "value": pod, "isRegex": False, "isEqual": True}
    told = {
        "matchers": [matcher],
        "startsAt": datetime.now(UTC).isoformat(),
        "endsAt": until.isoformat(),
        "createdBy": "dana",
        "comment": "moving it",
    }
    assert post_json(f"{peer.url}/api/v2/silences", told) == 200


def _still_silenced(stack: Stack) -> None:
    """What the gate, the executor and evidence read: one silence, however often it was told."""
    records = stack.records("silences")
    assert len({record.key for record in records}) == 1
    known = Quiet(Codec(), lambda: {record.key: record.value for record in records})
    now = int(time.time() * 1000)
    for name, held in (("checkout-1", True), ("checkout-2", False)):
        target = Target(cluster="default", namespace="shop", kind="pod", name=name, id="t")
        assert ("moving it" in known.silenced_at("default", target, now)) is held

"""A real rule of a real Prometheus, fired by a target that is down, seen the way an engineer sees it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.answering import Quiet, answering
from tests.e2e.documented import snippet, yaml_snippet
from tests.e2e.stack import Row, Stack
from tests.peers import alerting_config, free_port, wait_until
from tests.peers.fixtures import StartAlertmanager, StartPrometheus

PATIENCE_SECS = 60.0


def rule(name: str) -> Row:
    return {
        "alert": name,
        "expr": 'up{job="shop"} == 0',
        "labels": {"severity": "page"},
        "annotations": {"summary": "{{ $labels.instance }} does not answer", "description": "memory at 91%"},
    }


def scraping(config: dict[str, Any], port: int) -> dict[str, Any]:
    target = {"job_name": "shop", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
    return {**config, "scrape_configs": [target]}


@contextmanager
def shop_answers(port: int) -> Iterator[None]:
    """Ends the alert: something listens there now."""

    class Shop(Quiet):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(b"shop_orders_total 1\n")

    with answering(Shop, port):
        yield


def the_incident(stack: Stack, name: str, *options: str) -> Row | None:
    found = [row for row in stack.incidents(*options) if row["alert_type"] == name]
    assert len(found) <= 1, found
    return found[0] if found else None


def follow(stack: Stack, name: str, port: int) -> None:
    """From firing to resolved: in the command's output, and in ClickHouse."""
    opened = wait_until(lambda: the_incident(stack, name, "--status", "open"), PATIENCE_SECS, every=0.5)
    assert opened is not None
    assert opened["severity"] == "critical"
    assert opened["target_resource"] == f"127.0.0.1:{port}"  # the machine that it is about stays known
    assert opened["resolved_at"] is None
    assert opened["runs"] == 1
    assert opened["incident_id"] in stack.told("incidents")  # what a person reads

    with shop_answers(port):
        resolved = wait_until(
            lambda: the_incident(stack, name, "--status", "resolved"), PATIENCE_SECS, every=0.5
        )
    assert resolved is not None
    assert resolved["incident_id"] == opened["incident_id"]
    [row] = stack.ask("SELECT * FROM v_incidents WHERE alert_type = {name:String}", name=name)
    assert (row["status"], row["hit_count"], row["generation"]) == ("RESOLVED", 1, 0)
    assert row["resolved_at"] is not None
    assert row["message"] == f"127.0.0.1:{port} does not answer" or "[IP_1]" in row["message"]
    alerts = stack.ask(
        "SELECT DISTINCT status, source FROM v_alerts WHERE alert_type = {name:String}", name=name
    )
    assert {(row["status"], row["source"]) for row in alerts} == {
        ("firing", "prometheus"),
        ("resolved", "prometheus"),
    }


def alertmanager_config(stack: Stack) -> dict[str, Any]:
    """The documented one, with shorter waits."""
    places = {"gateway:8080": address(stack), "/etc/alertmanager/awoooi-token": token_file(stack)}
    config = yaml_snippet("alertmanager.yml", places)
    config["route"] |= {"group_wait": "1s", "group_interval": "2s"}
    return config


def prometheus_config(stack: Stack) -> dict[str, Any]:
    """The documented one, with a rule looked at every second."""
    places = {"gateway:8080": address(stack), "/etc/prometheus/awoooi-token": token_file(stack)}
    return {
        **yaml_snippet("prometheus.yml", places),
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
    }


def address(stack: Stack) -> str:
    return stack.url("gateway").removeprefix("http://")


def token_file(stack: Stack) -> str:
    path = stack.folder / "token"
    path.write_text(stack.token)
    return str(path)


def test_a_rule_fires_through_an_alertmanager_into_an_incident(
    stack: Stack, alertmanager: StartAlertmanager, prometheus: StartPrometheus
) -> None:
    port = free_port()
    peer = alertmanager(alertmanager_config(stack))
    prometheus(scraping(alerting_config(peer.url), port), rules=[rule("ShopIsDown")])
    follow(stack, "ShopIsDown", port)


def test_a_prometheus_sends_straight_without_an_alertmanager(
    stack: Stack, prometheus: StartPrometheus
) -> None:
    port = free_port()
    prometheus(
        scraping(prometheus_config(stack), port), rules=[rule("ShopIsDownStraight")], resend_delay="1s"
    )
    follow(stack, "ShopIsDownStraight", port)


def test_the_documented_kafka_producer_opens_an_incident(stack: Stack) -> None:
    servers = stack.settings.kafka.bootstrap_servers
    program = snippet("python", "AIOKafkaProducer", {"kafka:9092": servers})
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)
    sql = "SELECT * FROM v_incidents WHERE alert_type = 'QueueBacklog'"
    [incident] = stack.wait_for_rows(sql, bool)
    assert (incident["project_id"], incident["target_resource"]) == ("default", "invoice-worker")

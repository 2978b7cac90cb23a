"""Each peer is what it claims to be: the tests that rest on them rest on this."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import UnknownTopicOrPartitionError

from tests.peers import (
    KafkaPeer,
    KubernetesPeer,
    Process,
    TansuPeer,
    Webhook,
    alerting_config,
    wait_until,
    webhook_config,
)
from tests.peers.cache import cached
from tests.peers.fixtures import StartAlertmanager, StartPrometheus
from tests.peers.kubernetes import Refused
from tests.peers.tools import REQUIRE, find_tool, skip_without_tools


async def make_topic(client: dict[str, Any]) -> str:
    topic = f"peers.{uuid4().hex}"
    admin = AIOKafkaAdminClient(**client)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()
    return topic


async def send(client: dict[str, Any], topic: str, value: bytes, **producing: Any) -> None:
    async with AIOKafkaProducer(**client, **producing) as producer:
        await producer.send_and_wait(topic, value)


async def first_value(client: dict[str, Any], topic: str) -> bytes | None:
    async with AIOKafkaConsumer(topic, auto_offset_reset="earliest", **client) as consumer:
        record = await consumer.getone()
        return record.value  # type: ignore[no-any-return]


@pytest.mark.parametrize("compression", ["gzip", "snappy", "lz4", "zstd"])
async def test_kafka_takes_and_gives_back_a_record(kafka: KafkaPeer, compression: str) -> None:
    client = {"bootstrap_servers": kafka.bootstrap}
    topic = await make_topic(client)

    await send(client, topic, b"an alert " * 100, compression_type=compression)

    assert await first_value(client, topic) == b"an alert " * 100


async def test_kafka_takes_records_up_to_eight_mebibytes(kafka: KafkaPeer) -> None:
    client = {"bootstrap_servers": kafka.bootstrap}
    topic = await make_topic(client)
    large = b"x" * (8 * 1024 * 1024 - 1000)

    await send(client, topic, large, max_request_size=9_000_000)

    assert await first_value(client, topic) == large


async def test_kafka_makes_no_topic_that_nobody_declared(kafka: KafkaPeer) -> None:
    with pytest.raises(UnknownTopicOrPartitionError):
        await send(
            {"bootstrap_servers": kafka.bootstrap, "request_timeout_ms": 1000}, f"peers.{uuid4().hex}", b"x"
        )


@pytest.mark.parametrize("end", [KafkaPeer.stop, KafkaPeer.kill], ids=["stopped", "killed"])
async def test_kafka_keeps_its_data_and_its_address(fresh_kafka: KafkaPeer, end: Any) -> None:
    client = {"bootstrap_servers": fresh_kafka.bootstrap}
    topic = await make_topic(client)
    await send(client, topic, b"before")

    end(fresh_kafka)
    fresh_kafka.start()

    assert await first_value(client, topic) == b"before"


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
async def test_secure_kafka_lets_in_who_logs_in(secure_kafka: KafkaPeer, mechanism: str) -> None:
    login = secure_kafka.login
    assert login is not None
    client = {
        "bootstrap_servers": secure_kafka.bootstrap,
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": mechanism,
        "sasl_plain_username": login.user,
        "sasl_plain_password": login.password,
        "ssl_context": ssl.create_default_context(cafile=login.ca_file),
    }
    topic = await make_topic(client)

    await send(client, topic, b"in secret")

    assert await first_value(client, topic) == b"in secret"


async def test_the_embedded_broker_takes_and_gives_back_a_record(tansu: TansuPeer) -> None:
    client = {"bootstrap_servers": tansu.bootstrap}
    topic = await make_topic(client)

    await send(client, topic, b"an alert")

    assert await first_value(client, topic) == b"an alert"


def test_alertmanager_delivers_to_a_webhook_with_its_token(
    alertmanager: StartAlertmanager, webhook: Webhook
) -> None:
    peer = alertmanager(webhook_config(webhook.url, token="s3cret"))

    peer.post_alerts({"labels": {"alertname": "DiskFull", "host": "db-1"}})

    wait_until(lambda: webhook.deliveries, timeout=10)
    delivery = webhook.deliveries[0]
    assert delivery.headers["Authorization"] == "Bearer s3cret"
    assert delivery.json()["alerts"][0]["labels"] == {"alertname": "DiskFull", "host": "db-1"}


def test_alertmanager_tries_again_after_a_503(alertmanager: StartAlertmanager, webhook: Webhook) -> None:
    webhook.status = 503
    peer = alertmanager(webhook_config(webhook.url))
    peer.post_alerts({"labels": {"alertname": "DiskFull"}})
    wait_until(lambda: webhook.deliveries, timeout=10)

    webhook.status = 200

    wait_until(lambda: webhook.deliveries[-1].answered == 200, timeout=10)


def test_two_alertmanagers_notify_once(alertmanager: StartAlertmanager, webhook: Webhook) -> None:
    first, second = alertmanager.pair(webhook_config(webhook.url))

    for peer in (first, second):
        peer.post_alerts({"labels": {"alertname": "DiskFull"}})
    wait_until(lambda: webhook.deliveries, timeout=20)
    second.post_alerts({"labels": {"alertname": "Other"}})

    wait_until(lambda: len(webhook.deliveries) > 1, timeout=20)
    names = [delivery.json()["groupLabels"]["alertname"] for delivery in webhook.deliveries]
    assert names == ["DiskFull", "Other"]


def test_prometheus_fires_a_rule_through_alertmanager(
    prometheus: StartPrometheus, alertmanager: StartAlertmanager, webhook: Webhook
) -> None:
    peer = alertmanager(webhook_config(webhook.url))
    rule = {"alert": "AlwaysTrue", "expr": "vector(1) > 0", "labels": {"severity": "critical"}}
    prometheus(alerting_config(peer.url), rules=[rule])

    wait_until(lambda: webhook.deliveries, timeout=30)

    assert webhook.deliveries[0].json()["commonLabels"] == {"alertname": "AlwaysTrue", "severity": "critical"}


def test_prometheus_answers_a_query(prometheus: StartPrometheus) -> None:
    peer = prometheus(alerting_config())

    found = wait_until(lambda: peer.query("vector(42)"), timeout=10)

    assert found[0]["value"][1] == "42"


def test_kubernetes_rolls_out_a_deployment(kubernetes: KubernetesPeer) -> None:
    path = f"/apis/apps/v1/namespaces/{kubernetes.make_namespace()}/deployments"
    labels = {"app": "api"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "api", "image": "api:1"}]}}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}

    kubernetes.ask("POST", path, {"metadata": {"name": "api"}, "spec": spec})

    wait_until(lambda: kubernetes.get(f"{path}/api")["status"].get("readyReplicas") == 2, timeout=60)


def test_kubernetes_lets_nobody_do_what_no_role_grants(kubernetes: KubernetesPeer) -> None:
    namespace = kubernetes.make_namespace()
    nobody = KubernetesPeer(kubernetes.login(kubernetes.token_of(namespace, "default")), kubernetes.folder)

    with pytest.raises(Refused) as refused:
        nobody.get("/api/v1/pods")

    assert refused.value.status == 403


@pytest.mark.parametrize(
    ("required", "outcome"),
    [
        pytest.param("", pytest.skip.Exception, id="nothing required"),
        pytest.param("prometheus", pytest.skip.Exception, id="another one required"),
        pytest.param("all", pytest.fail.Exception, id="all required"),
        pytest.param("prometheus,kafka", pytest.fail.Exception, id="this one required"),
    ],
)
def test_a_missing_tool_skips_unless_its_peer_is_required(
    monkeypatch: pytest.MonkeyPatch, required: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv(REQUIRE, required)

    with pytest.raises((pytest.skip.Exception, pytest.fail.Exception)) as raised, skip_without_tools("kafka"):
        find_tool("no-such-tool", "from nowhere")

    assert raised.type is outcome
    assert "`no-such-tool` is missing" in str(raised.value)


def test_what_was_built_in_part_is_built_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def breaks_off(workshop: Path) -> None:
        (workshop / "half").touch()
        raise ConnectionError("the registry went away")

    with pytest.raises(ConnectionError):
        cached("thing", "1", breaks_off)
    whole = cached("thing", "1", lambda workshop: (workshop / "whole").touch())

    assert [path.name for path in whole.iterdir()] == ["whole"]


def test_a_killed_process_takes_its_children_along(tmp_path: Path) -> None:
    process = Process(["/bin/sh", "-c", "sleep 600 & echo $!; wait"], tmp_path / "parent.log").start()
    child = int(wait_until(process.output, timeout=10))

    process.kill()

    wait_until(lambda: not is_running(child), timeout=10)
    assert process.exit_status == -9


def is_running(pid: int) -> bool:
    """A zombie that nobody has waited for yet counts as ended."""
    try:
        os.kill(pid, 0)
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_a_process_that_ends_before_it_is_ready_says_why(tmp_path: Path) -> None:
    process = Process(["/bin/sh", "-c", "echo no such setting; exit 1"], tmp_path / "short.log").start()

    with pytest.raises(RuntimeError, match=r"ended with 1 before it was ready\nno such setting"):
        process.wait_for_output("ready", timeout=10)

"""What makes an alert the same alert again."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.alerts.identity import WORKLOAD, Fingerprints, Identity
from connectors.alerts.source import RawAlert
from connectors.alerts.workload import workload_of
from schemas.alert import AlertStatus, ResourceType, Severity
from schemas.errors import Misconfigured

POD, JOB = ResourceType.POD, ResourceType.JOB
LONG = "kube-prometheus-stack-of-the-whole-platform-grafana-agent"


def raw(target: str | None = "web-5d59d67564-x2k4j", **more: object) -> RawAlert:
    facts: dict[str, object] = {
        "alert_type": "KubePodCrashLooping",
        "severity": Severity.WARNING,
        "source": "prometheus",
        "message": "",
        "status": AlertStatus.FIRING,
        "namespace": "shop",
        "target_resource": target,
        "resource_type": POD,
    }
    return RawAlert(**(facts | more))  # type: ignore[arg-type]


def test_by_default_it_is_type_namespace_and_resource_for_life() -> None:
    of = Fingerprints(Identity()).of
    text = b"KubePodCrashLooping:shop:web-5d59d67564-x2k4j"
    assert of(raw()) == hashlib.sha256(text).hexdigest()[:16] == "252c9e63fa2987cf"
    assert of(raw(None, namespace=None)) == hashlib.sha256(b"KubePodCrashLooping::").hexdigest()[:16]


def test_by_workload_a_pod_that_was_made_anew_is_the_same() -> None:
    of = Fingerprints(Identity(WORKLOAD)).of
    assert of(raw("web-5d59d67564-x2k4j")) == of(raw("web-86c57db685-9qmzt")) == of(raw("web"))
    assert of(raw("web-5d59d67564-x2k4j")) != of(raw("api-5d59d67564-x2k4j"))
    assert of(raw("web-5d59d67564-x2k4j")) != of(raw("web-5d59d67564-x2k4j", namespace="other"))


def test_without_a_pod_by_workload_is_as_by_resource() -> None:
    by_resource, by_workload = Fingerprints(Identity()).of, Fingerprints(Identity(WORKLOAD)).of
    for alert in (raw(None), raw("db-0", resource_type=ResourceType.HOST), raw("web", resource_type=None)):
        assert by_workload(alert) == by_resource(alert)


def test_a_source_may_have_fields_of_its_own() -> None:
    of = Fingerprints(Identity(by_source={"datadog": ("alert_type", "cluster", "labels.monitor_id")})).of
    one = raw(source="datadog", cluster="eu", labels={"monitor_id": "7"})
    assert of(one) == hashlib.sha256(b"KubePodCrashLooping:eu:7").hexdigest()[:16]
    assert of(one) == of(raw("another", source="datadog", cluster="eu", labels={"monitor_id": "7"}))
    assert of(one) != of(raw(source="datadog", cluster="eu", labels={}))
    assert of(raw()) == Fingerprints(Identity()).of(raw()), "the others keep theirs"


@pytest.mark.parametrize("name", ["prometheus", "alertmanager", "eventrecorder"])
def test_alertmanagers_webhook_and_its_recorder_are_one_source(name: str) -> None:
    of = Fingerprints(Identity(by_source={name: ("alert_type",)})).of
    assert of(raw("one")) == of(raw("two"))


@pytest.mark.parametrize("wrong", ["pod", "labels.", "", "Alert_Type"])
def test_a_field_that_there_is_not_is_refused_with_those_that_there_are(wrong: str) -> None:
    with pytest.raises(
        Misconfigured, match=r"of datadog: .*allowed are alert_type, .*, workload, .*labels\.NAME"
    ):
        Identity(by_source={"datadog": ("alert_type", wrong)})


def test_no_fields_are_no_identity() -> None:
    with pytest.raises(Misconfigured, match="fingerprint fields"):
        Identity(())


# -- names of pods and jobs


@pytest.mark.parametrize(
    ("name", "workload"),
    [
        pytest.param("web-5d59d67564-x2k4j", "web", id="deployment"),
        pytest.param("my-web-api-7d9f8b6c5-x2k4j", "my-web-api", id="deployment-of-nine"),
        pytest.param("web-66f8d-x2k4j", "web-66f8d", id="too-short-for-a-hash"),
        pytest.param("web-6c8b4d5-x2k4j", "web", id="a-small-number-hashed"),
        pytest.param("web-7k2m9x4tqz-x2k4j", "web", id="random-hash"),
        pytest.param("pay-service-7b9d5c4f6-qwerty", "pay-service", id="a-hash-and-some-suffix"),
        pytest.param("web-7b9d5c4f6-release", "web-7b9d5c4f6-release", id="a-hash-and-a-word"),
        pytest.param("web-qwrtzpsdfg-x2k4j", "web-qwrtzpsdfg", id="no-digit-no-hash"),
        pytest.param("node-exporter-x2k4j", "node-exporter", id="daemon-set"),
        pytest.param("kafka-0", "kafka", id="stateful-set"),
        pytest.param("prometheus-k8s-11", "prometheus-k8s", id="stateful-set-of-many"),
        pytest.param("shard-1-0", "shard-1", id="the-last-number-alone"),
        pytest.param("web-007", "web-007", id="no-ordinal-begins-with-0"),
        pytest.param("report-2026", "report", id="looks-like-an-ordinal-and-may-be"),
        pytest.param("report-20260101", "report-20260101", id="a-date"),
        pytest.param("backup-29012345-x2k4j", "backup", id="cron-job"),
        pytest.param("backup-1612345600-x2k4j", "backup", id="cron-job-of-old"),
        pytest.param("report-20260101-x2k4j", "report-20260101", id="job-with-a-date"),
        pytest.param("migrate-x2k4j", "migrate", id="job"),
        pytest.param("proxy-https", "proxy-https", id="a-word"),
        pytest.param("web-nginx", "web-nginx", id="vowels"),
        pytest.param("web-A2K4J", "web-A2K4J", id="capitals"),
        pytest.param("x2k4j", "x2k4j", id="nothing-before-it"),
        pytest.param("-x2k4j", "-x2k4j", id="nothing-would-be-left"),
        pytest.param("-0", "-0", id="nothing-but-a-number"),
        pytest.param("kube-apiserver-master-1", "kube-apiserver-master-1", id="static"),
        pytest.param(f"{LONG}x2k4j"[:63].rjust(63, "a"), LONG.rjust(58, "a"), id="cut-and-joined"),
        pytest.param("a" * 49 + "-5d59d675x2k4j", "a" * 49, id="cut-in-the-hash"),
        pytest.param("", "", id="empty"),
    ],
)
def test_the_workload_of_a_pod(name: str, workload: str) -> None:
    assert workload_of(name, POD, "shop") == workload


def test_etcd_is_its_nodes_in_the_control_plane_alone() -> None:
    assert workload_of("etcd-node-1", POD, "kube-system") == "etcd-node-1"
    assert workload_of("etcd-1", POD, "shop") == "etcd"


@pytest.mark.parametrize(
    ("name", "workload"),
    [
        pytest.param("backup-29012345", "backup", id="of-a-cron-job"),
        pytest.param("backup-x2k4j", "backup-x2k4j", id="a-job-has-no-suffix"),
        pytest.param("backup-20260101", "backup-20260101", id="dated"),
    ],
)
def test_the_workload_of_a_job(name: str, workload: str) -> None:
    assert workload_of(name, JOB) == workload


@pytest.mark.parametrize("kind", [kind for kind in ResourceType if kind not in (POD, JOB)])
def test_what_is_no_pod_keeps_its_name(kind: ResourceType) -> None:
    assert workload_of("web-5d59d67564-x2k4j", kind) == "web-5d59d67564-x2k4j"


@given(st.text(max_size=80))
def test_any_name_has_a_workload_that_it_begins_with(name: str) -> None:
    found = workload_of(name, POD)
    assert name.startswith(found)
    assert bool(found) == bool(name)


SAFE = "bcdfghjklmnpqrstvwxz2456789"


@given(st.integers(10**6, 2**32 - 1), st.text(SAFE, min_size=5, max_size=5))
def test_every_pod_that_kubernetes_names_is_its_deployments(number: int, suffix: str) -> None:
    hashed = "".join(SAFE[ord(digit) % len(SAFE)] for digit in str(number))
    assert workload_of(f"checkout-{hashed}-{suffix}", POD) == "checkout"

"""Lines about what was measured, by the kind of thing that an alert is about."""

from __future__ import annotations

import pytest

from connectors.evidence import Unavailable
from connectors.http import Reply
from connectors.prometheus.evidence import MOST_FINDINGS, PrometheusEvidence
from connectors.prometheus.fake import FakePrometheus
from connectors.prometheus.questions import asked_for
from schemas.errors import NotNow
from tests.connectors.prometheus.support import MINUTE, NOW, client, config, line, wanted


def gatherer(fake: FakePrometheus) -> PrometheusEvidence:
    return PrometheusEvidence(config(), client(fake))


async def test_a_pod_s_memory_rose() -> None:
    fake = FakePrometheus()
    values = [2e8] * 10 + [9e8] * 5
    fake.add(
        "container_memory_working_set_bytes", line(*values), namespace="shop", pod="web-1", container="web"
    )
    [memory] = [one for one in await gatherer(fake).gather(wanted()) if one.words["metric"] == "memory"]

    assert memory.text == (
        "memory of shop/web-1 rose from 200M to 900M bytes in 14 min (lowest 200M, highest 900M)"
    )
    assert memory.numbers["change"] == pytest.approx(7 / 9)
    assert memory.words == {"metric": "memory", "unit": "bytes", "trend": "rose"}
    assert memory.targets == (("pod", "shop", "web-1"),)
    assert memory.observed_at == NOW


async def test_what_hardly_moved_is_told_as_such_and_after_what_did() -> None:
    fake = FakePrometheus()
    fake.add(
        "kube_pod_container_status_restarts_total", line(1, 1, 1, 9, 9, 9), namespace="shop", pod="web-1"
    )
    fake.add(
        "container_cpu_usage_seconds_total", line(*[0.5] * 10), namespace="shop", pod="web-1", container="c"
    )
    found = await gatherer(fake).gather(wanted())
    assert [one.words["metric"] for one in found] == ["restarts", "cpu"]
    assert "stayed near 0.5 cores" in found[1].text


async def test_a_series_that_ended_long_ago_proves_nothing() -> None:
    fake = FakePrometheus()
    fake.add(
        "kube_pod_container_status_restarts_total",
        line(1, 2, until=NOW - 20 * MINUTE),
        namespace="shop",
        pod="web-1",
    )
    [found] = await gatherer(fake).gather(wanted())
    assert found.targets == ()


KINDS: list[tuple[str, str, str, dict[str, str], str]] = [
    ("pod", "web-1", "container_cpu_cfs_periods_total", {"namespace": "shop", "pod": "web-1"}, "throttled"),
    ("deployment", "web", "kube_pod_container_status_restarts_total", {"pod": "web-5d9-x2x9k"}, "restarts"),
    (
        "deployment",
        "web",
        "kube_deployment_status_replicas_unavailable",
        {"deployment": "web"},
        "unavailable",
    ),
    ("statefulset", "db", "kube_pod_container_status_restarts_total", {"pod": "db-0"}, "restarts"),
    ("job", "backup", "kube_job_status_failed", {"job_name": "backup"}, "failed"),
    ("pvc", "data", "kubelet_volume_stats_used_bytes", {"persistentvolumeclaim": "data"}, "used"),
    ("service", "web", "up", {"service": "web"}, "up"),
    ("", "web", "up", {"job": "web"}, "up"),
]


@pytest.mark.parametrize(("kind", "name", "metric", "labels", "what"), KINDS)
async def test_each_kind_of_thing_is_asked_about(
    kind: str, name: str, metric: str, labels: dict[str, str], what: str
) -> None:
    fake = FakePrometheus()
    fake.add(metric, line(1, 2, 3), **{"namespace": "shop", **labels})
    found = await gatherer(fake).gather(wanted(kind, name))
    assert what in {one.words["metric"] for one in found}


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("10.0.0.7:9100", {"instance": "10.0.0.7:9100"}),
        ("10.0.0.7", {"instance": "10.0.0.7:9100"}),
        ("10.0.0.7:9100", {"instance": "10.0.0.7"}),
        ("node-3", {"instance": "10.0.0.7:9100", "node": "node-3"}),
        ("node-3", {"instance": "10.0.0.7:9100", "nodename": "node-3"}),
    ],
)
async def test_a_machine_is_found_by_what_exporters_call_it(name: str, labels: dict[str, str]) -> None:
    fake = FakePrometheus()
    fake.add("node_load5", line(1, 2, 3), **labels)
    [found] = await gatherer(fake).gather(wanted("node", name))
    assert found.words["metric"] == "load"


async def test_other_pods_and_other_machines_are_not_taken_along() -> None:
    fake = FakePrometheus()
    for pod in ("webby-1", "web", "web-5d9-x2x9k-extra-long-name", "other-web-5d9-x2x9k"):
        fake.add("kube_pod_container_status_restarts_total", line(1, 2), namespace="shop", pod=pod)
    fake.add("node_load5", line(1, 2), instance="110.0.0.7:9100")
    assert await gatherer(fake).gather(wanted("deployment", "web")) == []
    assert await gatherer(fake).gather(wanted("node", "10.0.0.7")) == []


async def test_an_alert_that_names_nothing_is_a_gap() -> None:
    with pytest.raises(Unavailable, match="names nothing"):
        await gatherer(FakePrometheus()).gather(wanted("pod", ""))


async def test_a_server_that_refuses_everything_is_a_gap_and_one_refusal_is_none() -> None:
    fake = FakePrometheus(broken=NotNow("nobody answers"))
    with pytest.raises(Unavailable, match="nobody answers"):
        await gatherer(fake).gather(wanted())

    class Picky(FakePrometheus):
        async def post(self, url: str, content: bytes, headers: object = None) -> Reply:
            refused = Reply(422, {}, b'{"status":"error","error":"no"}')
            return refused if b"memory" in content else await FakePrometheus.post(self, url, content)

    picky = Picky()
    picky.add("kube_pod_container_status_restarts_total", line(1, 2), namespace="shop", pod="web-1")
    assert len(await gatherer(picky).gather(wanted())) == 1


async def test_the_answer_is_bounded() -> None:
    fake = FakePrometheus()
    for number in range(500):
        for metric in ("kube_pod_container_status_restarts_total", "container_cpu_usage_seconds_total"):
            fake.add(metric, line(1, 2), namespace="shop", pod=f"web-5d9-{number}", container="c")
    found = await gatherer(fake).gather(wanted("deployment", "web"))
    assert 10 <= len(found) <= MOST_FINDINGS


INJECTIONS = [
    'web"} or vector(1) or up{pod="',
    "web\\",
    'web\\"} or up{a="',
    "web|.*",
    ".*",
    "web\nor up",
    "SEL",
]


@pytest.mark.parametrize("name", INJECTIONS, ids=repr)
@pytest.mark.parametrize("kind", ["pod", "deployment", "node", "pvc", "service", ""])
async def test_a_hostile_name_asks_for_nothing_but_itself(kind: str, name: str) -> None:
    fake = FakePrometheus()
    for metric in ("up", "node_load5", "kube_pod_container_status_restarts_total"):
        fake.add(metric, line(1, 2), namespace="shop", pod="web-1", instance="web", job="web")
    hostile = wanted(kind, name, namespace=name)
    assert await gatherer(fake).gather(hostile) == []


async def test_a_thing_that_is_really_called_so_is_found() -> None:
    fake = FakePrometheus()
    fake.add("kube_pod_container_status_restarts_total", line(1, 2), namespace="shop", pod=INJECTIONS[0])
    assert len(await gatherer(fake).gather(wanted("pod", INJECTIONS[0]))) == 1


@pytest.mark.parametrize("label", [None, "cluster"])
def test_the_cluster_is_named_where_a_label_names_it(label: str | None) -> None:
    ways = [way for _, ways in asked_for(wanted(cluster="eu"), label) for way in ways]
    assert all(('cluster="eu"' in way) is (label is not None) for way in ways)

"""What the benchmarks feed in: alerts as monitoring stacks send them, always the same but for the time."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from zlib import crc32

import orjson

from connectors.alerts.registry import sources
from schemas.codec import Codec
from schemas.envelope import from_millis
from streams.runner import Outgoing, Runner
from streams.stage import Record
from streams.stages.normalize import Normalize, NormalizeConfig

RAW_TOPIC = "alerts.raw.alertmanager"


@dataclass(frozen=True, slots=True)
class Kind:
    """One alerting rule, as it stands in many a cluster."""

    name: str
    severity: str
    summary: str
    description: str


KINDS = (
    Kind(
        "KubePodCrashLooping",
        "warning",
        "Pod is crash looping.",
        "Pod {namespace}/{pod} (checkout) is in waiting state (reason: CrashLoopBackOff) on cluster eu-1. "
        "It was restarted {n} times in the last 10 minutes.",
    ),
    Kind(
        "CPUThrottlingHigh",
        "info",
        "Processes experience elevated CPU throttling.",
        "{n}% throttling of CPU in namespace {namespace} for container app in pod {pod}.",
    ),
    Kind(
        "KubeContainerOOMKilled",
        "critical",
        "Container was killed because it ran out of memory.",
        "Container app in pod {namespace}/{pod} was OOM-killed, its limit is 512Mi and it asked for {n}Mi. "
        "See the runbook at https://runbooks.example.org/kubernetes/oom",
    ),
    Kind(
        "HighErrorRate",
        "critical",
        "The share of answers with status 5xx is above its objective.",
        "Service {pod} in {namespace} answers {n}% of its requests with an error (objective: 0.1%). "
        "p99 latency is 840 ms; last deployment 14 minutes ago.",
    ),
)
NAMESPACES = ("shop", "payments", "search", "identity", "platform")


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that alerts: one fingerprint."""

    kind: Kind
    namespace: str
    pod: str

    def labels(self) -> dict[str, str]:
        return {
            "alertname": self.kind.name,
            "namespace": self.namespace,
            "pod": self.pod,
            "container": "app",
            "job": "kube-state-metrics",
            "prometheus": "monitoring/k8s",
            "severity": self.kind.severity,
            "cluster": "eu-1",
        }

    def annotations(self, number: int) -> dict[str, str]:
        told = self.kind.description.format(namespace=self.namespace, pod=self.pod, n=number)
        return {"summary": self.kind.summary, "description": told}


def subject(number: int) -> Subject:
    return Subject(
        KINDS[number % len(KINDS)],
        NAMESPACES[number // len(KINDS) % len(NAMESPACES)],
        f"api-{number // 7}-7d4b8c9f5-{number:05x}",
    )


def order(count: int, subjects: int, seed: int = 1) -> list[int]:
    """Which subject alerts when: each comes once before any comes again, then at random."""
    dice = random.Random(seed)
    first = list(range(min(subjects, count)))
    dice.shuffle(first)
    return first + [dice.randrange(subjects) for _ in range(count - len(first))]


def minutes_ago() -> int:
    """When a load begins, in epoch milliseconds: what is a day old would expire at once."""
    return time.time_ns() // 1_000_000 - 20 * 60_000


# -- alerts as normalize writes them


async def normalized(count: int, subjects: int) -> list[Outgoing]:
    """Through the real stage, so that dedup gets what it always gets; each began at its own time."""
    codec, start = Codec(), minutes_ago()
    runner = Runner(Normalize(NormalizeConfig(), sources()), codec)
    records = (
        Record(RAW_TOPIC, i % 4, i // 4, None, body, (), start + i, codec)
        for i, body in enumerate(raw(count, subjects, 1, start))
    )
    outputs: list[Outgoing] = []
    while batch := list(islice(records, 2000)):
        outputs += (await runner.turn(batch)).outputs
    return outputs


# -- raw records as Alertmanager sends them


def raw(count: int, subjects: int, alerts_each: int, start: int, first_subject: int = 0) -> Iterator[bytes]:
    """`count` webhook bodies of Alertmanager's version 4, each of so many alerts."""
    numbers = [first_subject + number for number in order(count * alerts_each, subjects)]
    for i in range(count):
        first = i * alerts_each
        yield orjson.dumps(_group(numbers[first : first + alerts_each], start + first))


def _group(numbers: list[int], moment: int) -> dict[str, object]:
    alerts = [_raw_alert(subject(number), moment + i) for i, number in enumerate(numbers)]
    kind = subject(numbers[0]).kind
    return {
        "receiver": "awoooi",
        "status": "firing",
        "alerts": alerts,
        "groupLabels": {"alertname": kind.name},
        "commonLabels": {"alertname": kind.name, "prometheus": "monitoring/k8s", "cluster": "eu-1"},
        "commonAnnotations": {"summary": kind.summary},
        "externalURL": "http://alertmanager.monitoring:9093",
        "version": "4",
        "groupKey": f'{{}}/{{severity="{kind.severity}"}}:{{alertname="{kind.name}"}}',
        "truncatedAlerts": 0,
    }


def _raw_alert(about: Subject, moment: int) -> dict[str, object]:
    began = from_millis(moment).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "status": "firing",
        "labels": about.labels(),
        "annotations": about.annotations(10 + moment % 90),
        "startsAt": began,
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus-k8s-0:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
        "fingerprint": f"{crc32(about.pod.encode()):016x}",  # of the labels, as Alertmanager's is
    }

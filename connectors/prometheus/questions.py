"""What is asked of Prometheus, by the kind of thing that an alert is about.

`SEL` stands for the label matchers of that thing; several ways of naming it are tried in turn, the usual
exporters' first. A new question is one more line here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connectors.evidence import Wanted
from connectors.prometheus.promql import literal, selector


@dataclass(frozen=True, slots=True)
class Question:
    what: str
    """the metric's name for rules: cpu, memory, …"""
    unit: str
    """of its numbers; `share` is 0 to 1"""
    promql: str
    kind: str = ""
    """what a series tells of, where its labels prove that this exists"""
    name_label: str = ""


def _pods(what: str, unit: str, promql: str) -> Question:
    return Question(what, unit, promql, "pod", "pod")


CONTAINERS = 'container!="",container!="POD"'
PODS: Sequence[Question] = (
    _pods(
        "cpu",
        "cores",
        f"sum by (namespace, pod) (rate(container_cpu_usage_seconds_total{{SEL,{CONTAINERS}}}[5m]))",
    ),
    _pods(
        "memory", "bytes", f"sum by (namespace, pod) (container_memory_working_set_bytes{{SEL,{CONTAINERS}}})"
    ),
    _pods(
        "memory_of_limit",
        "share",
        f"sum by (namespace, pod) (container_memory_working_set_bytes{{SEL,{CONTAINERS}}})"
        ' / sum by (namespace, pod) (kube_pod_container_resource_limits{SEL,resource="memory"} > 0)',
    ),
    _pods("restarts", "count", "sum by (namespace, pod) (kube_pod_container_status_restarts_total{SEL})"),
    _pods(
        "throttled",
        "share",
        "sum by (namespace, pod) (rate(container_cpu_cfs_throttled_periods_total{SEL}[5m]))"
        " / sum by (namespace, pod) (rate(container_cpu_cfs_periods_total{SEL}[5m]))",
    ),
)
WORKLOAD: Mapping[str, Sequence[Question]] = {
    "deployment": (
        Question(
            "unavailable",
            "pods",
            "kube_deployment_status_replicas_unavailable{SEL}",
            "deployment",
            "deployment",
        ),
    ),
    "statefulset": (
        Question(
            "not_ready",
            "pods",
            "kube_statefulset_replicas{SEL} - kube_statefulset_status_replicas_ready{SEL}",
            "statefulset",
            "statefulset",
        ),
    ),
    "daemonset": (
        Question(
            "unavailable",
            "pods",
            "kube_daemonset_status_number_unavailable{SEL}",
            "daemonset",
            "daemonset",
        ),
    ),
    "job": (Question("failed", "pods", "kube_job_status_failed{SEL}", "job", "job_name"),),
}
NODES: Sequence[Question] = (
    Question("cpu", "share", '1 - avg by (instance) (rate(node_cpu_seconds_total{SEL,mode="idle"}[5m]))'),
    Question("memory", "share", "1 - node_memory_MemAvailable_bytes{SEL} / node_memory_MemTotal_bytes{SEL}"),
    Question(
        "disk",
        "share",
        'max by (instance, mountpoint) (1 - node_filesystem_avail_bytes{SEL,fstype!~"tmpfs|overlay|squashfs"}'
        " / (node_filesystem_size_bytes{SEL} > 0))",
    ),
    Question("load", "runnable", "node_load5{SEL}"),
    Question("io", "share", "max by (instance) (rate(node_disk_io_time_seconds_total{SEL}[5m]))"),
)
VOLUMES: Sequence[Question] = (
    Question(
        "used",
        "share",
        "kubelet_volume_stats_used_bytes{SEL} / (kubelet_volume_stats_capacity_bytes{SEL} > 0)",
        "pvc",
        "persistentvolumeclaim",
    ),
    Question(
        "inodes",
        "share",
        "kubelet_volume_stats_inodes_used{SEL} / (kubelet_volume_stats_inodes{SEL} > 0)",
        "pvc",
        "persistentvolumeclaim",
    ),
)
UP = Question("up", "1 is up", "min by (job, instance) (up{SEL})")

Asked = Sequence[tuple[Question, Sequence[str]]]
"""Questions, each with the ways of naming the thing, in the order in which they are tried."""


def asked_for(wanted: Wanted, cluster_label: str | None) -> Asked:
    """The questions about what the alert is about; none where it names nothing."""
    if not wanted.name:
        return ()
    common = _common(wanted, cluster_label)
    match wanted.kind:
        case "pod":
            return _with(PODS, [selector({**common, "pod": wanted.name})])
        case "deployment" | "statefulset" | "daemonset" | "job":
            return _workload(wanted, common)
        case "node" | "host":
            return _with((*NODES, UP), _machine(wanted, common))
        case "pvc":
            return _with(VOLUMES, [selector({**common, "persistentvolumeclaim": wanted.name})])
    # A service, or a thing of no known kind: whatever its pods and targets tell.
    return _with(PODS, [_pods_of(wanted, common)]) + _with((UP,), _targets(wanted, common))


def _common(wanted: Wanted, cluster_label: str | None) -> dict[str, str]:
    common = {} if cluster_label is None else {cluster_label: wanted.cluster}
    return {**common, "namespace": wanted.namespace}


def _with(questions: Sequence[Question], ways: Sequence[str]) -> list[tuple[Question, Sequence[str]]]:
    return [(question, ways) for question in questions]


def _workload(wanted: Wanted, common: Mapping[str, str]) -> Asked:
    own = WORKLOAD[wanted.kind]
    label = own[0].name_label
    return _with(own, [selector({**common, label: wanted.name})]) + _with(PODS, [_pods_of(wanted, common)])


def _pods_of(wanted: Wanted, common: Mapping[str, str]) -> str:
    """A workload's pods: its name, a dash, and what the controllers put behind it."""
    ending = "(-[a-z0-9]{1,10})?-[a-z0-9]{1,10}"
    return selector(common, {"pod": literal(wanted.name) + ending})


def _machine(wanted: Wanted, common: Mapping[str, str]) -> Sequence[str]:
    """Exporters name a machine by address and port, or by the name that Kubernetes has for it."""
    elsewhere = {name: value for name, value in common.items() if name != "namespace"}
    bare = wanted.name.rsplit(":", 1)[0] if wanted.name.count(":") == 1 else wanted.name
    return [
        selector(elsewhere, {"instance": literal(bare) + "(:[0-9]+)?"}),
        *(selector({**elsewhere, label: bare}) for label in ("node", "nodename", "kubernetes_node")),
    ]


def _targets(wanted: Wanted, common: Mapping[str, str]) -> Sequence[str]:
    named = [selector({**common, label: wanted.name}) for label in ("service", "job", "app")]
    return [*named, selector({}, {"instance": literal(wanted.name) + "(:[0-9]+)?"})]

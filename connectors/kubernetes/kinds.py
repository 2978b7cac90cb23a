"""The kinds of objects that are read, and where the API server keeps them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


def is_name(told: str) -> bool:
    """Whether an object can be called so. Alerts come from anywhere: nothing else gets into a path."""
    return _NAME.fullmatch(told) is not None


@dataclass(frozen=True, slots=True)
class Kind:
    """`word` is what targets and findings call it."""

    word: str
    kind: str
    plural: str
    group: str = "v1"
    namespaced: bool = True

    def path(self, namespace: str = "", name: str = "") -> str:
        """Without a namespace: of all namespaces."""
        root = "/api/" if self.group == "v1" else "/apis/"
        parts = [root + self.group]
        if self.namespaced and namespace:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        if name:
            parts.append(quote(name, safe=""))
        return "/".join(parts)


POD = Kind("pod", "Pod", "pods")
NODE = Kind("node", "Node", "nodes", namespaced=False)
PVC = Kind("pvc", "PersistentVolumeClaim", "persistentvolumeclaims")
SERVICE = Kind("service", "Service", "services")
EVENT = Kind("event", "Event", "events")
NAMESPACE = Kind("namespace", "Namespace", "namespaces", namespaced=False)
DEPLOYMENT = Kind("deployment", "Deployment", "deployments", "apps/v1")
STATEFULSET = Kind("statefulset", "StatefulSet", "statefulsets", "apps/v1")
DAEMONSET = Kind("daemonset", "DaemonSet", "daemonsets", "apps/v1")
REPLICASET = Kind("replicaset", "ReplicaSet", "replicasets", "apps/v1")
REVISION = Kind("controllerrevision", "ControllerRevision", "controllerrevisions", "apps/v1")
JOB = Kind("job", "Job", "jobs", "batch/v1")
CRONJOB = Kind("cronjob", "CronJob", "cronjobs", "batch/v1")
ENDPOINTS = Kind("endpointslice", "EndpointSlice", "endpointslices", "discovery.k8s.io/v1")
INGRESS = Kind("ingress", "Ingress", "ingresses", "networking.k8s.io/v1")
NETWORK_POLICY = Kind("networkpolicy", "NetworkPolicy", "networkpolicies", "networking.k8s.io/v1")
BUDGET = Kind("poddisruptionbudget", "PodDisruptionBudget", "poddisruptionbudgets", "policy/v1")

ALL = (
    *(POD, NODE, PVC, SERVICE, EVENT, NAMESPACE),
    *(DEPLOYMENT, STATEFULSET, DAEMONSET, REPLICASET, REVISION, JOB, CRONJOB),
    *(ENDPOINTS, INGRESS, NETWORK_POLICY, BUDGET),
)
SNAPSHOT = Kind("volumesnapshot", "VolumeSnapshot", "volumesnapshots", "snapshot.storage.k8s.io/v1")
"""not every cluster has them; evidence does without"""
WORKLOADS = (DEPLOYMENT, STATEFULSET, DAEMONSET, JOB)
BY_WORD: Mapping[str, Kind] = {kind.word: kind for kind in ALL}
BY_KIND: Mapping[str, Kind] = {kind.kind: kind for kind in (*ALL, SNAPSHOT)}

"""The demo's database on a real cluster: until it is ill, and what replaces it will be well.

Where nodes run nothing (kwok) nobody finds out that it is ill, so the demo says what their kubelet would.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from awoooi.demo_story import StepFailed
from connectors.kubernetes import kinds
from connectors.kubernetes.client import Cluster
from connectors.kubernetes.fake_pods import crash_looping
from connectors.kubernetes.fake_story import API, DATABASE, FRONTEND
from connectors.kubernetes.kinds import Kind
from connectors.kubernetes.pods import is_ready
from connectors.kubernetes.reading import Obj, dig, number, parts, text

ILL_WITHIN_SECS = 120.0
"""images are fetched first"""
MERGE = "application/merge-patch+json"
WELL = {"command": ["sleep", "3600"], "readinessProbe": None}
NO_IMAGE = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName")
Say = Callable[[str], None]


async def break_database(cluster: Cluster, namespace: str, say: Say) -> None:
    """Done when it is in a crash loop for want of memory, and all else runs."""
    name = f"{DATABASE}-0"
    await _until(cluster, namespace, kinds.POD, name, lambda pod: text(pod, "spec", "nodeName"))
    await _cure_the_template(cluster, namespace)
    pod = await _until(cluster, namespace, kinds.POD, name, lambda pod: is_ready(pod) or is_ill(pod))
    if is_ready(pod):
        say("Its nodes run nothing: the demo tells what their kubelet would of a pod that is out of memory.")
        await _play_kubelet(cluster, namespace, name)
    for workload in (FRONTEND, API):
        await _until(cluster, namespace, kinds.DEPLOYMENT, workload, _runs)
    await _until(
        cluster,
        namespace,
        kinds.STATEFULSET,
        DATABASE,
        lambda one: not number(one, "status", "readyReplicas"),
    )


async def _cure_the_template(cluster: Cluster, namespace: str) -> None:
    """`OnDelete`: the pod that is there stays as it is."""
    path = kinds.STATEFULSET.path(namespace, DATABASE)
    (container,) = parts(await cluster.connection.call("GET", path), "spec", "template", "spec", "containers")
    change = {"spec": {"template": {"spec": {"containers": [{**container, **WELL}]}}}}
    await cluster.connection.call("PATCH", path, body=change, content=MERGE)


def is_ill(pod: Obj) -> bool:
    """Out of memory twice at least: it waits."""
    (container, *_) = parts(pod, "status", "containerStatuses") or [{}]
    waits = text(container, "state", "waiting", "reason")
    if waits in NO_IMAGE:
        told = text(container, "state", "waiting", "message")
        raise StepFailed(f"the cluster cannot fetch {text(container, 'image')}: {waits}, {told}")
    return waits == "CrashLoopBackOff" and dig(container, "lastState", "terminated") is not None


def _runs(deployment: Obj) -> bool:
    return number(deployment, "status", "readyReplicas") == number(deployment, "spec", "replicas")


async def _play_kubelet(cluster: Cluster, namespace: str, name: str) -> None:
    path, now = kinds.POD.path(namespace, name), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    pod: dict[str, Any] = dict(await cluster.connection.call("GET", path))
    crash_looping(pod, restarts=6, reason="OOMKilled", exit_code=137, ended=now)
    await cluster.connection.call("PATCH", f"{path}/status", body={"status": pod["status"]}, content=MERGE)
    told = _event(pod, namespace, name, now)
    await cluster.connection.call("POST", kinds.EVENT.path(namespace), body=told)


def _event(pod: Mapping[str, Any], namespace: str, name: str, now: str) -> dict[str, Any]:
    about = {"kind": "Pod", "name": name, "namespace": namespace, "uid": pod["metadata"]["uid"]}
    return {
        "metadata": {"name": f"{name}.backoff", "namespace": namespace},
        "involvedObject": about,
        "type": "Warning",
        "reason": "BackOff",
        "message": f"Back-off restarting failed container {DATABASE}",
        "count": 6,
        "firstTimestamp": now,
        "lastTimestamp": now,
    }


async def _until(
    cluster: Cluster, namespace: str, kind: Kind, name: str, holds: Callable[[Obj], object]
) -> Obj:
    deadline = time.monotonic() + ILL_WITHIN_SECS
    seen: Obj | None = None
    while time.monotonic() < deadline:
        seen = await cluster.get(kind, namespace, name)
        if seen is not None and holds(seen):
            return seen
        await asyncio.sleep(0.2)
    why = "it is not there" if seen is None else f"its state is {dig(seen, 'status')}"
    raise StepFailed(f"{kind.word} {name} did not come as far within {ILL_WITHIN_SECS:.0f} s: {why}"[:1000])

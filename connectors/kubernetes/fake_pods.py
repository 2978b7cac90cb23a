"""What a pod of the fake cluster looks like: well, or in a crash loop."""

from __future__ import annotations

import hashlib
import json

from connectors.kubernetes.fake_select import Plain

HASH = "pod-template-hash"
STATEFUL_HASH = "controller-revision-hash"


def healthy(pod: Plain, now: str, *, ip: str = "10.1.0.1") -> None:
    """Running and ready since this moment."""
    pod["status"] = {
        "phase": "Running",
        "podIP": ip,
        "startTime": now,
        "conditions": [
            {"type": name, "status": "True"}
            for name in ("PodScheduled", "Initialized", "ContainersReady", "Ready")
        ],
        "containerStatuses": [
            {
                "name": container["name"],
                "image": container.get("image", ""),
                "ready": True,
                "restartCount": 0,
                "state": {"running": {"startedAt": now}},
            }
            for container in pod["spec"].get("containers", [])
        ],
    }


def crash_looping(pod: Plain, *, restarts: int, reason: str, exit_code: int, ended: str) -> None:
    """Its first container ends again and again."""
    ready(pod, yes=False)
    pod["status"]["containerStatuses"][0] |= {
        "restartCount": restarts,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"reason": reason, "exitCode": exit_code, "finishedAt": ended}},
    }


def ready(pod: Plain, *, yes: bool) -> None:
    """What its readiness probe says, of all its containers."""
    for condition in pod["status"]["conditions"]:
        if condition["type"] in ("Ready", "ContainersReady"):
            condition |= {"status": str(yes), "reason": "" if yes else "ContainersNotReady"}
    for container in pod["status"]["containerStatuses"]:
        container["ready"] = yes


def owned_by(owner: Plain) -> Plain:
    """The metadata that says so."""
    reference = {name: owner["metadata"][name] for name in ("name", "uid")}
    about = {name: owner[name] for name in ("apiVersion", "kind")}
    return {"ownerReferences": [{**about, **reference, "controller": True}]}


def hash_of(template: Plain) -> str:
    """Of what a pod is made from, without the hash that was written into it."""
    labels = {name: told for name, told in template["metadata"].get("labels", {}).items() if name != HASH}
    plain = {**template, "metadata": {**template["metadata"], "labels": labels}}
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:9]


def is_outdated(pod: Plain, template_hash: str) -> bool:
    told = pod["metadata"].get("labels", {}).get(STATEFUL_HASH)
    return told is not None and told != template_hash

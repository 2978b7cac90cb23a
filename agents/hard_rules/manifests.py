"""Kubernetes objects as text: manifests, patches in their three forms."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import yaml

from agents.hard_rules.hits import MOST_NESTING, RUN_TIME, Rule

ReportHit = Callable[..., None]
MOST = 50_000
ZERO = re.compile(r"[-+]?(?:0[xXoObB])?0+(?:\.0*)?(?:[eE][-+]?\d+)?%?")
COUNTS = (
    "replicas",
    "minReplicas",
    "maxReplicas",
    "parallelism",
    "minReplicaCount",
    "maxReplicaCount",
    "minAvailable",
)
OPEN = ("privileged", "hostPID", "hostNetwork", "hostIPC", "allowPrivilegeEscalation")


def is_zero(text: str | None) -> bool:
    return text is not None and bool(ZERO.fullmatch(text.strip().strip("'\"")))


def judge_patch(text: str, hit: ReportHit) -> None:
    """A merge patch, a strategic one, or a list of JSON-patch operations."""
    try:
        documents = list(_documents(text))
    except (yaml.YAMLError, ValueError, RecursionError):
        hit(Rule.UNPARSABLE, f"a patch that cannot be read: {text}")
        return
    for document in documents:
        if isinstance(document, list):
            for step in document:
                _judge_step(step, hit)
        elif isinstance(document, dict):
            judge_fields(document, hit)
        else:
            hit(Rule.UNPARSABLE, f"a patch that cannot be read: {text}")


def _judge_step(step: Any, hit: ReportHit) -> None:
    if not isinstance(step, dict):
        hit(Rule.UNPARSABLE, f"a patch step that cannot be read: {step}")
        return
    path = str(step.get("path", "")).rstrip("/")
    field = path.rpartition("/")[2].replace("~1", "/").replace("~0", "~")
    if step.get("op") == "remove" and ("finalizers" in path or field in ("rules", "subjects")):
        hit(Rule.FORCE_DELETE, f"remove {path}")
    if step.get("op") != "remove":
        judge_fields({field: step.get("value")}, hit)


def judge_manifest(text: str, hit: ReportHit) -> list[str]:
    """Reports what is refused; returns the kinds of the objects."""
    try:
        documents = list(_documents(text))
    except (yaml.YAMLError, ValueError, RecursionError):
        hit(Rule.UNPARSABLE, "a manifest that cannot be read")
        return []
    kinds = []
    for document in documents:
        if isinstance(document, dict):
            kinds.append(str(document.get("kind", "")))
            _judge_object(document, hit)
    return kinds


def _documents(text: str) -> Iterator[Any]:
    if len(text) > MOST or text.count("[") + text.count("{") > 2_000:
        raise ValueError("too long")
    if re.search(r"(^|[\s\[{,:-])[&*]\w", text):  # anchors: a few lines can stand for gigabytes
        raise ValueError("anchors")
    yield from yaml.safe_load_all(text)


def _judge_object(document: dict[str, Any], hit: ReportHit) -> None:
    kind = str(document.get("kind", ""))
    if kind in ("ClusterRoleBinding", "RoleBinding"):
        role = document.get("roleRef")
        name = str(role.get("name", "")) if isinstance(role, dict) else ""
        if name in ("cluster-admin", "admin") or name.startswith("system:"):
            hit(Rule.KUBE_PRIVILEGE, f"{kind} to {name}")
    if kind in ("ClusterRole", "Role") and "*" in str(document.get("rules", "")):
        hit(Rule.KUBE_PRIVILEGE, f"{kind} with every right")
    items = document.get("items")
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict):
            _judge_object(item, hit)
    judge_fields(document, hit)


def judge_fields(node: Any, hit: ReportHit, depth: int = 0) -> None:
    if depth > MOST_NESTING:
        hit(Rule.UNPARSABLE, "an object nested too deep")
    elif isinstance(node, list):
        for item in node:
            judge_fields(item, hit, depth + 1)
    elif isinstance(node, dict):
        for name, value in node.items():
            _judge_field(str(name), value, hit)
            judge_fields(value, hit, depth + 1)


def _judge_field(name: str, value: Any, hit: ReportHit) -> None:
    said = f"{name}: {value}"
    if name in COUNTS and (value is None or (not isinstance(value, dict | list) and is_zero(str(value)))):
        hit(Rule.SCALE_TO_ZERO, said)
    elif name in COUNTS and isinstance(value, str) and not RUN_TIME.isdisjoint(value):
        hit(Rule.OPAQUE, said)
    elif name == "finalizers" and value in (None, [], ""):
        hit(Rule.FORCE_DELETE, said)
    elif (name in OPEN and value is True and name != "allowPrivilegeEscalation") or (
        name == "hostPath" and isinstance(value, dict)
    ):
        hit(Rule.KUBE_PRIVILEGE, said)
    elif name == "persistentVolumeReclaimPolicy" and value == "Delete":
        hit(Rule.DATA_LOSS, said)
    elif name == "$patch" and value in ("delete", "replace"):
        hit(Rule.KUBE_DELETE, said)

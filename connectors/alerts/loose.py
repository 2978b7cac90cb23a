"""Values of bodies whose form is the users' own: templates, tags, fields of a log line.

Names differ in case and punctuation, so they are compared without; a value that is no text, number or boolean
is not there. Where a sender has one fixed shape, `fields.py` is the stricter way.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from connectors.alerts.fields import wrong
from connectors.alerts.limits import MAX_LABELS, MAX_METRICS
from connectors.alerts.vocabulary import RESOURCES, Resources
from schemas.alert import Metric, ResourceType

_OTHER = re.compile(r"[^a-z0-9]+")
_DEEPEST = 5
_MOST = 1_000  # values of one body
_LONGEST_NAME = 200


@lru_cache(maxsize=4096)
def fold(name: str) -> str:
    """`monitorFriendlyName`, `monitor_friendly_name`, `MONITOR.FRIENDLY-NAME` are one name."""
    return _OTHER.sub("", name.lower()) if len(name) <= _LONGEST_NAME else ""


def said(value: Any) -> str | None:
    """A text; a number or boolean written out; None for anything else, and for a blank."""
    if value.__class__ is str:
        return value.strip() or None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        number = finite(value)
        return None if number is None else f"{number:.15g}"
    return None


def finite(value: Any) -> float | None:
    """A number, also one that is written as text; None where it is none that can be stored."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def leaves(item: Mapping[str, Any], deepest: int = _DEEPEST) -> Iterator[tuple[str, str]]:
    """Every value that is not blank, by its path with dots; a list of texts is joined."""
    for name, value in item.items():
        if value.__class__ is dict:
            if deepest > 1:
                for inner, text in leaves(value, deepest - 1):
                    yield f"{name}.{inner}", text
        elif (text := _joined(value) if value.__class__ is list else said(value)) is not None:
            yield name, text


def flat(item: Mapping[str, Any], deepest: int = _DEEPEST) -> dict[str, str]:
    """The leaves as labels, at most as many as an alert may have."""
    found: dict[str, str] = {}
    for name, text in leaves(item, deepest):
        found[name] = text
        if len(found) >= MAX_LABELS:
            break
    return found


def folded(item: Mapping[str, Any], deepest: int = _DEEPEST) -> dict[str, str]:
    """The leaves by their folded paths."""
    found: dict[str, str] = {}
    for name, text in leaves(item, deepest):
        found[fold(name)] = text
        if len(found) >= _MOST:
            break
    return found


def numbers(item: Mapping[str, Any]) -> dict[str, Metric]:
    """The values of an object that are numbers, as metrics."""
    found: dict[str, Metric] = {}
    for name, value in item.items():
        if value.__class__ in {int, float} and (number := finite(value)) is not None:
            found[name] = number
            if len(found) >= MAX_METRICS:
                break
    return found


def tags(item: dict[str, Any], name: str, at: str) -> dict[str, str]:
    """Tags as labels: `team:shop` and `team=shop` by their name, all others joined under `tags`."""
    value = item.get(name)
    if value is None:
        return {}
    if isinstance(value, dict):
        return flat(value, 1)
    if isinstance(value, str):
        return labels_of(value.split(","))
    if isinstance(value, list):
        return labels_of([_tag(each) for each in value[:MAX_LABELS]])
    raise wrong("a list of texts", value, at, name)


def labels_of(words: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    bare = []
    for word in map(str.strip, words[:MAX_LABELS]):
        key, mark, text = word.partition(":" if ":" in word else "=")
        if mark and key.strip() and text.strip():
            found.setdefault(key.strip(), text.strip())
        elif word:
            bare.append(word)
    if bare:
        found.setdefault("tags", ", ".join(bare))
    return found


def _tag(value: Any) -> str:
    """A tag is a text, or an object with a name."""
    if isinstance(value, dict):
        name, text = (said(value.get(part)) for part in ("key" if "key" in value else "name", "value"))
        return f"{name}:{text}" if name and text else name or ""
    return said(value) or ""


def _joined(values: list[Any]) -> str | None:
    return ", ".join(filter(None, map(said, values[:MAX_LABELS]))) or None


_KUBERNETES = {ResourceType.JOB: "job", ResourceType.PVC: "persistentvolumeclaim"}
_HOSTS = ("host", "hostname", "host.name", "host_name")


def _names(plain: str, kind: ResourceType) -> tuple[str, ...]:
    if kind is ResourceType.HOST:
        return (plain, *_HOSTS)
    if kind is ResourceType.SERVICE:
        return (plain, "service.name", "service_name", "k8s.service.name", "kube_service")
    word = _KUBERNETES.get(kind, plain)
    made = (f"k8s.{word}.name", f"k8s_{word}_name", f"kubernetes.{word}.name", f"kube_{word}", f"{word}_name")
    return tuple(dict.fromkeys((plain, *made)))


_RESOURCES: Resources = tuple((name, kind) for plain, kind in RESOURCES for name in _names(plain, kind))
_NAMESPACES = (
    "namespace",
    "k8s.namespace.name",
    "k8s_namespace_name",
    "k8s.ns.name",
    "kubernetes.namespace",
    "kube_namespace",
    "namespace_name",
)
_CLUSTERS = (
    "cluster",
    "cluster_name",
    "k8s.cluster.name",
    "k8s_cluster_name",
    "kube_cluster_name",
    "orchestrator.cluster.name",
)
_KNOWN = frozenset(name for name, _ in _RESOURCES) | {*_NAMESPACES, *_CLUSTERS}

Whereabouts = tuple[str | None, ResourceType | None, str | None, str | None]


def whereabouts(labels: Mapping[str, str]) -> Whereabouts:
    """What labels of any convention are about: resource, its type, namespace, cluster."""
    if _KNOWN.isdisjoint(labels):
        return None, None, None, None
    target, kind = next(((labels[name], kind) for name, kind in _RESOURCES if labels.get(name)), (None, None))
    return target, kind, _first(labels, _NAMESPACES), _first(labels, _CLUSTERS)


def _first(labels: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((labels[name] for name in names if labels.get(name)), None)

"""Values of bodies whose form is the users' own: templates, tags, fields of a log line.

Names differ in case and punctuation, so they are compared without; a value that is no text, number or boolean
is not there. Where a sender has one fixed shape, `fields.py` is the stricter way.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from connectors.alerts.fields import wrong
from connectors.alerts.limits import MAX_LABELS, MAX_METRICS
from connectors.alerts.vocabulary import RESOURCES, Resources, resource_of, severity_of
from schemas.alert import Metric, ResourceType, Severity

_OTHER = re.compile(r"[^a-z0-9]+")
_DEEPEST = 5
_MOST = 1_000  # values of one body
_LONGEST_NAME = 200


def fold(name: str) -> str:
    """`monitorFriendlyName`, `monitor_friendly_name`, `MONITOR.FRIENDLY-NAME` are one; a long one is none."""
    return _fold(name) if len(name) <= _LONGEST_NAME else ""


@lru_cache(maxsize=4096)
def _fold(name: str) -> str:
    return _OTHER.sub("", name.lower())


def words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


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


def leaves(item: Mapping[str, Any], deepest: int = _DEEPEST) -> list[tuple[str, str]]:
    """Every value that is not blank, by its path with dots; a list of texts is joined."""
    found: list[tuple[str, str]] = []
    _gather(item, "", deepest, found)
    return found


def _gather(item: Mapping[str, Any], before: str, deepest: int, found: list[tuple[str, str]]) -> None:
    for name, value in item.items():
        kind = value.__class__
        if kind is dict:
            if deepest > 1:
                _gather(value, f"{before}{name}.", deepest - 1, found)
            continue
        text = value.strip() if kind is str else _joined(value) if kind is list else said(value)
        if text:
            found.append((before + name, text))
            if len(found) >= _MOST:
                return


def flat(item: Mapping[str, Any], deepest: int = _DEEPEST) -> dict[str, str]:
    """The leaves as labels, at most as many as an alert may have."""
    return dict(leaves(item, deepest)[:MAX_LABELS])


def folded(item: Mapping[str, Any], deepest: int = _DEEPEST) -> dict[str, str]:
    """The leaves by their folded paths."""
    return {fold(name): text for name, text in leaves(item, deepest)}


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
        name, its = said(value.get("key" if "key" in value else "name")), said(value.get("value"))
        return f"{name}:{its}" if name and its else name or ""
    return said(value) or ""


def _joined(values: list[Any]) -> str | None:
    return ", ".join(filter(None, map(said, values[:MAX_LABELS]))) or None


_GRADES = {
    **dict.fromkeys(
        ("major", "severe", "urgent", "blocker", "alert", "emerg", "highest", "p1"), Severity.CRITICAL
    ),
    **dict.fromkeys(("medium", "moderate", "degraded", "p2", "p3"), Severity.WARNING),
}


def graded(word: str | None, words: Mapping[str, Severity] = MappingProxyType({})) -> Severity:
    """By the source's own words, then by those usual among incident tools, then by the general ones."""
    plain = fold(word or "")
    return words.get(plain) or _GRADES.get(plain) or severity_of(word)


def host_of(address: str | None) -> str | None:
    """The host of an address, with or without a scheme; what has none (a keyword, a socket) is given back."""
    if not address:
        return None
    found = _HOST.match(address[:_LONGEST_ADDRESS])
    return found[1].strip("[]") if found else address


_HOST = re.compile(
    r"(?:[a-zA-Z][a-zA-Z0-9+.-]{0,20}://)?(?:[^/?#@\s]{1,200}@)?(\[[0-9a-fA-F:.]+\]|[^/?#:@\s\[\]]+)(?=[:/?#]|$)"
)
_LONGEST_ADDRESS = 2_000


def _names(plain: str, kind: ResourceType) -> tuple[str, ...]:
    if kind is ResourceType.HOST:
        return plain, "host", "hostname"
    if kind is ResourceType.SERVICE:
        return plain, "servicename", "k8sservicename", "kubeservice"
    plain = "job" if kind is ResourceType.JOB else plain
    made = (f"k8s{plain}name", f"kubernetes{plain}name", f"kube{plain}", f"{plain}name")
    return made if kind is ResourceType.JOB else (plain, *made)  # a label `job` is Prometheus' scrape job


_RESOURCES: Resources = tuple((name, kind) for plain, kind in RESOURCES for name in _names(fold(plain), kind))
_NAMESPACES = (
    "namespace",
    "k8snamespacename",
    "k8snsname",
    "kubernetesnamespace",
    "kubenamespace",
    "namespacename",
)
_CLUSTERS = ("cluster", "clustername", "k8sclustername", "kubeclustername", "orchestratorclustername")
_KNOWN = frozenset((*(name for name, _ in _RESOURCES), *_NAMESPACES, *_CLUSTERS))

Whereabouts = tuple[str | None, ResourceType | None, str | None, str | None]


def whereabouts(labels: Mapping[str, str]) -> Whereabouts:
    """What labels of any convention are about: resource, its type, namespace, cluster."""
    plain = {fold(name): value for name, value in labels.items()}
    if _KNOWN.isdisjoint(plain):
        return None, None, None, None
    target, kind = resource_of(plain, _RESOURCES)
    return target, kind, one_of(plain, _NAMESPACES), one_of(plain, _CLUSTERS)


def one_of(values: Mapping[str, str], names: Iterable[str]) -> str | None:
    for name in names:
        value = values.get(name)
        if value:
            return value
    return None

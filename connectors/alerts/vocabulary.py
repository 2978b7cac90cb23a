"""Words that sources share: severities, the resource an alert is about, states in titles."""

from __future__ import annotations

import re
from functools import lru_cache

from schemas.alert import ResourceType, Severity

_CRITICAL = "critical crit error fatal emergency page disaster high p0 p1 sev0 sev1"
_WARNING = "warning warn average minor p2 p3 sev2 sev3"
_SEVERITIES = {
    **dict.fromkeys(_CRITICAL.split(), Severity.CRITICAL),
    **dict.fromkeys(_WARNING.split(), Severity.WARNING),
}
_IGNORED = re.compile(r"[-_\s]+")

Resources = tuple[tuple[str, ResourceType], ...]

# The first label that an alert has names its resource.
RESOURCES: Resources = (
    ("pod", ResourceType.POD),
    ("deployment", ResourceType.DEPLOYMENT),
    ("statefulset", ResourceType.STATEFULSET),
    ("daemonset", ResourceType.DAEMONSET),
    ("job_name", ResourceType.JOB),
    ("persistentvolumeclaim", ResourceType.PVC),
    ("service", ResourceType.SERVICE),
    ("node", ResourceType.NODE),
    ("instance", ResourceType.HOST),
)

# Labels that say which machine or workload it is: their addresses stay readable.
IDENTITY = frozenset(
    {"namespace", "host", "host.name", "host_name", "k8s.node.name", "k8s_node_name"}
    | {name for name, _ in RESOURCES}
)

_STATE = (
    r"(?:re-?)?triggered|firing|alerting|alert|alarm|pending|active|open(?:ed)?|acknowledged"
    r"|(?:(?:updated )?problem|resolved)(?: in [0-9wdhms ]{1,40})?|recover(?:ed|y)|ok|normal|closed?"
    r"|no[ _-]?data|insufficient[ _-]data|(?:monitor is )?(?:down|up)"
)
_BRACKETED = rf"\[(?:{_STATE}|warn(?:ing)?|crit(?:ical)?|info|error)(?:\s*:\s*\d+)?\]\s*[:–-]?"
_STATE_PREFIX = re.compile(rf"(?:\s*(?:{_BRACKETED}|(?:{_STATE})(?:\s*:\s*\d+)?\s*:))+\s*", re.IGNORECASE)


def severity_of(word: str | None) -> Severity:
    """Any case; `-`, `_` and blanks do not count. A missing word is a warning, an unknown one is info."""
    return _severity_of(word[:100]) if word else Severity.WARNING


@lru_cache(maxsize=256)
def _severity_of(word: str) -> Severity:
    plain = _IGNORED.sub("", word).lower()
    return _SEVERITIES.get(plain, Severity.INFO) if plain else Severity.WARNING


def resource_of(
    labels: dict[str, str], order: Resources = RESOURCES
) -> tuple[str, ResourceType] | tuple[None, None]:
    for name, kind in order:
        value = labels.get(name)
        if value:
            return value, kind
    return None, None


def without_state(title: str) -> str:
    """The title without `[FIRING:1]`, `RESOLVED:` and the like: the fingerprint hangs on it."""
    # only what is short is remembered: a sender could fill the memory with the rest
    return _remembered(title) if len(title) <= _LONGEST_REMEMBERED else _without_state(title)


def _without_state(title: str) -> str:
    found = _STATE_PREFIX.match(title)
    return (title[found.end() :].strip() if found else title) or title


_remembered = lru_cache(maxsize=4096)(_without_state)
_LONGEST_REMEMBERED = 300  # characters

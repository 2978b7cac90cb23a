"""The contract of what gathers evidence: one source, one question, findings or a reason why not.

Findings still hold real values: they pass the privacy shield before they are written or shown to anybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from schemas.errors import NotNow
from schemas.evidence import Source
from schemas.topology import ServiceObserved

GAP = "gap"
"""The kind of a finding that is none: its text says what could not be read beside the rest."""


class Unavailable(NotNow):
    """What was asked for cannot be had; the message becomes the gap's reason."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the run is about, with its real names."""

    project_id: str
    incident_id: str
    run_id: str
    fingerprint: str
    alert_type: str
    severity: str
    cluster: str
    namespace: str
    kind: str
    """pod, deployment, statefulset, daemonset, job, node, pvc, service, host, or empty"""
    name: str
    labels: Mapping[str, str]
    metrics: Mapping[str, float | bool | str]
    opened_at: int
    """epoch milliseconds, as all times here"""
    now: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing seen. `text` is one line; numbers and words are what rules can compare."""

    kind: str
    about: str
    observed_at: int
    text: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    targets: Sequence[tuple[str, str, str]] = ()
    """(kind, namespace, name) of every resource it proves to exist: actions may name these and no others"""


class Gatherer(Protocol):
    """Reads one source. It never writes, and it bounds its own answer."""

    source: Source
    tool: str
    """its name for the tool gateway"""
    server: str
    timeout_secs: float

    async def gather(self, wanted: Wanted) -> Sequence[Finding]:
        """Raises Unavailable; anything else is a bug and becomes a gap all the same."""
        ...


class Observer(Protocol):
    """Tells of all services that it knows, and what they depend on: a part of the topology."""

    source: Source
    tool: str
    server: str
    timeout_secs: float

    async def observe(self) -> Sequence[ServiceObserved]:
        """Raises Unavailable; what it said last stands until it answers again."""
        ...

"""The contract of an alert source: a pure function of the payload and the time it was received."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.alert import AlertStatus, Metric, ResourceType, Severity
from schemas.silence import QuietKind


@dataclass(slots=True)
class RawAlert:
    """One alert as its source names it, before its text is cleaned. Times are epoch milliseconds, UTC."""

    alert_type: str
    severity: Severity
    source: str
    message: str
    status: AlertStatus
    description: str | None = None
    namespace: str | None = None
    target_resource: str | None = None
    resource_type: ResourceType | None = None
    cluster: str | None = None
    metrics: dict[str, Metric] = field(default_factory=dict)
    fired_at: int | None = None
    ends_at: int | None = None
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    generator_url: str | None = None
    incomplete: bool = False
    subject: object | None = field(default=None, compare=False, repr=False)
    """the same object for all alerts with these labels: what was found out about them need not be again"""


NAME_PATTERN = r"[a-z0-9][a-z0-9_-]{0,39}"
Payload = Any  # parsed JSON of any shape: a source believes nothing about it


@dataclass(frozen=True, slots=True)
class RawMatcher:
    name: str
    value: str
    regex: bool = False
    negated: bool = False


@dataclass(frozen=True, slots=True)
class RawSilence:
    """What a sender keeps from people, as it says; `id` begins with its name. Times as of an alert."""

    id: str
    set_in: str
    matchers: list[RawMatcher]
    starts_at: int
    ends_at: int | None
    updated_at: int
    by: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class RawMute:
    """That it keeps this alert from people, or no longer does; of the alert its identity counts alone."""

    alert: RawAlert
    kind: QuietKind
    id: str
    muted: bool = True
    by: str = ""
    comment: str = ""
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Remarks:
    """What a payload says beside alerts. `passed_over` names what is known to be of no use here."""

    silences: Sequence[RawSilence] = ()
    mutes: Sequence[RawMute] = ()
    passed_over: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """`read` raises BadPayload, naming the field, and nothing else; `detects` only looks at the shape.

    `name` is also the last part of the topic (`alerts.raw.{name}`) and of the webhook's path.
    """

    name: str
    read: Callable[[Payload, int], list[RawAlert]]
    detects: Callable[[Payload], bool]
    yields: bool = False
    """its shape is everyone's: where another source fits too, that one reads"""
    remarks: Callable[[Payload, int], Remarks] | None = None
    """as `read`, for what it says of alerts; few senders do"""

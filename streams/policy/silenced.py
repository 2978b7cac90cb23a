"""Whether somebody asked for quiet: then nothing is done without a person; in a freeze nothing at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from connectors.silences import Known, Silence, Version, matched_labels, reader
from schemas.codec import Codec
from schemas.evidence import Subject
from schemas.operations import Target
from schemas.silence import SilenceKind

TOPIC = "silences"
FREEZE = str(SilenceKind.FREEZE)
NOT_READ = "the silences have not been read"
Values = Callable[[], Mapping[bytes, bytes] | None]
"""The reference view's values; None while they have not been read to their end."""


class Quiet:
    """Silences, windows and freezes as this process knows them; what cannot be read is in doubt."""

    def __init__(self, codec: Codec, values: Values, version: Version | None = None) -> None:
        """`version` says how far the values were read: what is long over is then looked at once for each."""
        self._known, self._values = Known(reader(codec), version), values

    def silenced(self, project_id: str, subject: Subject, now: int) -> str:
        """By whom, or why nobody can tell; empty where nobody is."""
        return self._asked(project_id, labels_of(subject), now, freeze=False)

    def silenced_at(self, project_id: str, target: Target, now: int) -> str:
        """The same of a target, where the alert's own labels are not known."""
        return self._asked(project_id, labels_at(target), now, freeze=False)

    def frozen(self, project_id: str, target: Target, now: int) -> str:
        """Which change freeze it is in, or why nobody can tell."""
        return self._asked(project_id, labels_at(target), now, freeze=True)

    def covering(self, project_id: str, labels: Mapping[str, str], now: int) -> Sequence[Silence]:
        """All that are in force over it; none while nobody knows."""
        values = self._values()
        kept = [] if values is None else self._known.lasting(values, now)
        return [one for one in kept if one and one.state(now) == "active" and one.covers(project_id, labels)]

    @property
    def is_read(self) -> bool:
        return self._values() is not None

    def state(self, key: str, now: int) -> str:
        """Pending, active or expired; empty where nothing is known of it."""
        kept = self._kept(key)
        return "" if kept is None else kept.state(now)

    def is_set(self, key: str, updated_at: int) -> bool:
        """Whether this word on it, or a newer one, is known."""
        kept = self._kept(key)
        return kept is not None and kept.updated_at >= updated_at

    def _kept(self, key: str) -> Silence | None:
        value = (self._values() or {}).get(key.encode())
        return None if value is None else self._known.one(key.encode(), value)

    def _asked(self, project_id: str, labels: Mapping[str, str], now: int, *, freeze: bool) -> str:
        values = self._values()
        if values is None:
            return NOT_READ
        kept = self._known.lasting(values, now)
        for one in kept:
            is_meant = one is not None and (one.kind == FREEZE) == freeze and one.state(now) == "active"
            if one is not None and is_meant and one.covers(project_id, labels):
                return f"{one.kind} {one.id}" + (f": {one.comment}" if one.comment else "")
        unread = sum(one is None or _is_unclear(one, project_id, now) for one in kept)
        return f"{unread} silences are not understood: one may be about this" if unread else ""


def _is_unclear(silence: Silence, project_id: str, now: int) -> bool:
    return not silence.clear and silence.is_of(project_id) and silence.state(now) == "active"


def labels_of(subject: Subject) -> Mapping[str, str]:
    target = subject.target
    severity, cluster = str(subject.severity), target.cluster
    where = (cluster, target.namespace, target.kind, target.name)
    return matched_labels(subject.alert_type, severity, *where, subject.labels)


def labels_at(target: Target) -> Mapping[str, str]:
    found = {"cluster": target.cluster, "namespace": target.namespace or ""}
    return {**found, target.kind: target.name} if target.kind else found

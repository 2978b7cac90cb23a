"""What senders say beside alerts, as events: who keeps what from people. Part of normalize."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import Counter

from connectors.alerts.purify import Purified, Purifier
from connectors.alerts.source import RawAlert, RawMatcher, RawMute, RawSilence, Remarks
from connectors.silences import MOST_MATCHERS
from schemas import ids
from schemas.alert import AlertStatus, Severity
from schemas.draft import Draft, envelope
from schemas.silence import AlertMuted, SilenceKind, SilenceSet, silence_key
from streams.policy.silenced import Quiet
from streams.stage import Now, Record

PASSED_OVER = Counter(
    "awoooi_alerts_passed_over_total",
    "Records that are neither alerts nor broken, by source and what they are",
    ["source", "kind"],
)
STAGE = "normalize"
OTHER = "other"
MOST_KINDS = 50
_COVERED = re.compile(r"\\\[([A-Z][A-Z_]*)_\d+\\\]")
_NAME = re.compile(r"[A-Za-z]{1,60}")
Seal = Callable[[Purified, str, str], bytes | None]
Fingerprint = Callable[[RawAlert], str]


@dataclass(slots=True)
class Remarking:
    """One for normalize: what it is given is normalize's own."""

    purifier: Purifier
    seal: Seal
    fingerprint: Fingerprint
    quiet: Quiet | None
    epoch: str
    _kinds: set[str] = field(default_factory=set)
    _turn: Now | None = None
    _told: set[tuple[str, int]] = field(default_factory=set)
    """silences of this turn: thousands of alerts may be muted by one, and come at once"""

    def drafts(
        self, told: Remarks, source: str, first: int, project: str, record: Record, now: Now
    ) -> Iterator[Draft]:
        """`first` is the index in the record of the first of them."""
        if told.passed_over:
            PASSED_OVER.labels(source, self._kind(told.passed_over)).inc()
        for silence in told.silences:
            if not self._is_known(silence, project, now):
                yield self._silence(silence, project, now)
        for index, mute in enumerate(told.mutes, first):
            yield self._mute(mute, index, project, record, now)

    def _kind(self, kind: str) -> str:
        """Whatever senders make up, there are only so many."""
        if kind not in self._kinds and (len(self._kinds) >= MOST_KINDS or not _NAME.fullmatch(kind)):
            return OTHER
        self._kinds.add(kind)
        return kind

    def _is_known(self, silence: RawSilence, project: str, now: Now) -> bool:
        """A sender tells of it again with each alert that it mutes; an old word undoes no newer one."""
        if now is not self._turn:
            self._turn = now
            self._told.clear()
        key = silence_key(project, silence.id)
        told = (key, silence.updated_at) in self._told
        self._told.add((key, silence.updated_at))
        return told or (self.quiet is not None and self.quiet.is_set(key, silence.updated_at))

    def _silence(self, silence: RawSilence, project: str, now: Now) -> Draft:
        key, ends_at = silence_key(project, silence.id), silence.ends_at
        event_id = ids.derive_id("silence.set", key, str(silence.updated_at), str(ends_at or ""))
        clean = self._said(silence.by, silence.comment)
        matchers = [self._matcher(one) for one in silence.matchers[:MOST_MATCHERS]]
        kept = tuple(one for one in matchers if one is not None)
        payload = {
            "subject": key,
            "id": silence.id,
            "kind": SilenceKind.SILENCE,
            "matchers": kept,
            "everything": bool(matchers) and not kept,
            "starts_at": silence.starts_at,
            "ends_at": ends_at,
            "comment": clean.message,
            "by": clean.annotations.get("by", ""),
            "source": silence.set_in,
            "url": "",
            "updated_at": silence.updated_at,
        }
        plain = envelope(
            SilenceSet,
            event_id=event_id,
            project_id=project,
            occurred_at=silence.updated_at,
            recorded_at=now.millis,
            stage=STAGE,
            sealed=self.seal(clean, project, event_id),
            payload=payload,
        )
        return Draft(SilenceSet, key.encode(), plain)

    def _mute(self, mute: RawMute, index: int, project: str, record: Record, now: Now) -> Draft:
        topic, partition, offset = record.topic, record.partition, record.offset
        origin = {"epoch": self.epoch, "topic": topic, "partition": partition, "offset": offset}
        event_id = ids.derive_id("alert.muted", f"{self.epoch}/{topic}/{partition}/{offset}/{index}")
        clean, fingerprint = self._said(mute.by, mute.comment), self.fingerprint(mute.alert)
        payload = {
            "fingerprint": fingerprint,
            "kind": mute.kind,
            "id": mute.id,
            "muted": mute.muted,
            "sender_fingerprint": mute.alert.labels.get("sender_fingerprint", ""),
            "by": clean.annotations.get("by", ""),
            "comment": clean.message,
            "until": mute.until,
            "received_at": record.timestamp,
            "origin": {**origin, "index": index},
        }
        plain = envelope(
            AlertMuted,
            event_id=event_id,
            project_id=project,
            occurred_at=record.timestamp,
            recorded_at=now.millis,
            stage=STAGE,
            sealed=self.seal(clean, project, event_id),
            payload=payload,
        )
        return Draft(AlertMuted, f"{project}:{fingerprint}".encode(), plain)

    def _said(self, by: str, comment: str) -> Purified:
        annotations = {"by": by} if by else {}
        return self.purifier.purify(_carrier(comment, annotations=annotations))

    def _matcher(self, matcher: RawMatcher) -> dict[str, Any] | None:
        """As the labels look that it is to match. Where that cannot be told exactly it is left out: then the
        silence covers more, and never less.
        """
        clean = self.purifier.purify(_carrier("", labels={matcher.name: matcher.value})).labels
        [(name, value)] = clean.items()
        told = {"name": name, "value": value, "regex": matcher.regex, "negated": matcher.negated}
        if value == matcher.value:
            return told
        if matcher.regex or matcher.negated:
            return None
        return {**told, "regex": True, "value": _COVERED.sub(r"\\[\1_\\d+\\]", re.escape(value))}


def _carrier(
    message: str, labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None
) -> RawAlert:
    """What people write in a silence is cleaned like an alert's texts."""
    carrier = RawAlert("silence", Severity.INFO, "silence", message, AlertStatus.FIRING)
    carrier.labels, carrier.annotations = labels or {}, annotations or {}
    return carrier

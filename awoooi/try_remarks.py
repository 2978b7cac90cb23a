"""What a payload says beside alerts, in lines of `awoooi try`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from agents.visible import visible
from schemas.envelope import Event
from schemas.silence import AlertMuted, LabelMatcher, SilenceSet

NOTHING = "no alert, and nothing that is broken: passed over"


def remarked(events: Sequence[Event]) -> Iterator[str]:
    """Each once: a sender says it again and again."""
    yield from dict.fromkeys(_lines(events))
    if not events:
        yield NOTHING


def _lines(events: Sequence[Event]) -> Iterator[str]:
    for event in events:
        if isinstance(event, SilenceSet):
            told = event.payload
            covers = ", ".join(map(_matcher, told.matchers)) or (
                "everything" if told.everything else "nothing"
            )
            why = f": {visible(told.comment)}" if told.comment else ""
            yield f"{told.kind} {told.id}, of {covers}, by {visible(told.by)}, {_until(told.ends_at)}{why}"
        if isinstance(event, AlertMuted):
            mute = event.payload
            state = f"muted by {mute.kind}" if mute.muted else "told to people"
            yield f"{state}: the alert of fingerprint {mute.fingerprint}"


def _matcher(matcher: LabelMatcher) -> str:
    sign = ("!~" if matcher.regex else "!=") if matcher.negated else ("=~" if matcher.regex else "=")
    return visible(f"{matcher.name}{sign}{matcher.value}")


def _until(moment: datetime | None) -> str:
    return "without an end" if moment is None else f"until {moment:%Y-%m-%d %H:%M} UTC"

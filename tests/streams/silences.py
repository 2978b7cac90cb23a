"""Silences as the reference topic holds them, and what senders say of muted alerts."""

from __future__ import annotations

from typing import Any

from schemas import ids
from schemas.alert import AlertOrigin
from schemas.catalog import key_of
from schemas.codec import Codec
from schemas.envelope import from_millis
from schemas.silence import AlertMuted, LabelMatcher, Mute, QuietKind, SilenceSet, SilenceSetting, silence_key

RECORDER = "alerts.raw.eventrecorder"
CODEC = Codec()


def silence(
    name: str = "S1",
    *,
    at: int,
    ends_at: int | None = None,
    starts_at: int | None = None,
    project: str = "default",
    matchers: tuple[LabelMatcher, ...] = (LabelMatcher(name="namespace", value="shop"),),
    **more: Any,
) -> SilenceSet:
    """Times in epoch milliseconds; `at` is when it was last set."""
    key, start = silence_key(project, name), at if starts_at is None else starts_at
    payload = SilenceSetting(
        subject=key,
        id=name,
        starts_at=from_millis(start),
        ends_at=None if ends_at is None else from_millis(ends_at),
        updated_at=from_millis(at),
        **{"kind": "silence", "matchers": matchers, "by": "dana", "comment": "moving it", **more},
    )
    return SilenceSet(
        event_id=ids.derive_id("silence.set", key, str(at), str(ends_at or "")),
        project_id=project,
        occurred_at=from_millis(at),
        recorded_at=from_millis(at),
        stage="normalize",
        payload=payload,
    )


def kept(*events: SilenceSet, codec: Codec = CODEC) -> dict[bytes, bytes]:
    """The values of the reference view."""
    return {key_of(event): codec.encode(event) for event in events}


def muted(
    *, at: int, offset: int, kind: str = "inhibition", until: int | None = None, **more: Any
) -> AlertMuted:
    """What a sender says of the timeline's alert."""
    origin = AlertOrigin(topic=RECORDER, partition=1, offset=offset, index=0)
    said = {"id": f"alertmanager:{kind}", "sender_fingerprint": "291075e1cdaf5b3a", "by": "a rule"}
    payload = Mute(
        fingerprint="ab" * 8,
        kind=QuietKind(kind),
        until=None if until is None else from_millis(until),
        received_at=from_millis(at),
        origin=origin,
        **{**said, **more},
    )
    return AlertMuted(
        event_id=ids.derive_id("alert.muted", f"/{RECORDER}/1/{offset}/0"),
        project_id="default",
        occurred_at=from_millis(at),
        recorded_at=from_millis(at),
        stage="normalize",
        payload=payload,
    )

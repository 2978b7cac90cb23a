"""Who reads a record: the source that its topic names, or the one that its shape fits. Never a guess."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.alerts.envelopes import MOST_DEEP, Envelope, is_cloud_event, opened
from connectors.alerts.fields import join, list_of_alerts
from connectors.alerts.source import Payload, RawAlert, Source
from schemas.errors import BadPayload

AUTO = "auto"
"""in the place of a source's name: whichever the payload fits"""


@dataclass(slots=True)
class Reading:
    """A payload with its envelopes taken off, and the source that reads it; `at` is where it lay."""

    source: Source
    payload: Payload
    at: str = ""

    def alerts(self, received_at: int) -> list[RawAlert]:
        try:
            return self.source.read(self.payload, received_at)
        except BadPayload as error:
            if not self.at:
                raise
            raise error.within(self.at) from error


def readings(name: str, payload: Payload, among: Mapping[str, Source]) -> list[Reading]:
    """How a record on `alerts.raw.{name}` is read: by the source of that name, or by the one that it fits."""
    if _is_batch(payload):
        items = list_of_alerts(payload, "")
        return [_reading(name, item, among, str(i)) for i, item in enumerate(items)]
    return [_reading(name, payload, among, "")]


def detect(payload: Payload, among: Mapping[str, Source]) -> Source:
    """The source that a payload of unknown origin fits, from its shape alone."""
    return _detected(payload, among, "").source


def _is_batch(payload: Payload) -> bool:
    """CloudEvents' way to send several: each is an envelope of its own."""
    return isinstance(payload, list) and bool(payload) and all(map(is_cloud_event, payload))


def _reading(name: str, payload: Payload, among: Mapping[str, Source], at: str) -> Reading:
    return _detected(payload, among, at) if name == AUTO else _named(among[name], payload, among, at)


def _named(source: Source, payload: Payload, among: Mapping[str, Source], at: str) -> Reading:
    """The sender said who it is; an envelope around that is taken off.

    A sender whose own shape is an envelope (SNS, CloudEvents) may carry another's payload.
    """
    envelope = opened(payload)
    if envelope is None:
        return Reading(source, payload, at)
    if source.detects(payload):
        found = _found(envelope.inside, among, _within(at, envelope)) if envelope.standard else None
        return found or Reading(source, payload, at)
    where, content = at, payload
    for _ in range(MOST_DEEP):
        where, content = _within(where, envelope), envelope.inside
        if source.detects(content):
            return Reading(source, content, where)
        envelope = opened(content)
        if envelope is None:
            break
    return Reading(source, payload, at)


def _detected(payload: Payload, among: Mapping[str, Source], at: str) -> Reading:
    found = _found(payload, among, at)
    if found is None:
        raise BadPayload(f"fits no source; known are {', '.join(sorted(among))}", field=at)
    return found


def _found(payload: Payload, among: Mapping[str, Source], at: str, depth: int = 0) -> Reading | None:
    """What lies in an envelope wins where a source fits it; of what only looks like one, the whole does."""
    envelope = opened(payload) if depth < MOST_DEEP else None
    if envelope is None:
        return _fitting(payload, among, at)
    if not envelope.standard and (outer := _fitting(payload, among, at)):
        return outer
    inner = _found(envelope.inside, among, _within(at, envelope), depth + 1)
    return inner or _fitting(payload, among, at)


def _within(at: str, envelope: Envelope) -> str:
    return join(at, envelope.field)


def _fitting(payload: Payload, among: Mapping[str, Source], at: str) -> Reading | None:
    fits = [source for source in among.values() if source.detects(payload)]
    if len(fits) > 1:
        fits = [source for source in fits if not source.yields] or fits
    if len(fits) > 1:
        raise BadPayload(f"fits more than one source: {', '.join(source.name for source in fits)}", field=at)
    return Reading(fits[0], payload, at) if fits else None

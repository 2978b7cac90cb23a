"""Whether somebody asked for quiet around an incident: then nothing is done to it without a person."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.silences import Silence, read_json, silence_of
from schemas.evidence import Subject


def silenced(values: Mapping[bytes, bytes] | None, project_id: str, subject: Subject, now: int) -> str:
    """By whom, or why nobody can tell; empty where nobody is."""
    if values is None:
        return "the silences have not been read"
    read = {key: _read(key, value) for key, value in values.items()}
    labels = _labels(subject)
    for silence in read.values():
        if silence is not None and silence.state(now) == "active" and silence.covers(project_id, labels):
            return f"{silence.kind} {silence.id}" + (f": {silence.comment}" if silence.comment else "")
    unread = sum(silence is None for silence in read.values())
    return f"{unread} silences are not understood: one may be about this" if unread else ""


def _read(key: bytes, value: bytes) -> Silence | None:
    try:
        return silence_of(key.decode(errors="replace"), read_json(value))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return None


def _labels(subject: Subject) -> Mapping[str, str]:
    target = subject.target
    about = {target.kind: target.name} if target.kind else {}
    always = {"alertname": subject.alert_type, "namespace": target.namespace, "cluster": target.cluster}
    return {**always, "severity": str(subject.severity), **about, **subject.labels}

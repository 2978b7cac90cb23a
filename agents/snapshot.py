"""From what was gathered for a run to what its agents may see: shielded, numbered, bounded.

`wanted` gives the gatherers the real names; `snapshot` covers what they found. One shield serves the run:
a value has the same label in its subject, its evidence and its surroundings, and so in every later event,
since the brief travels on. The values are sealed to project and run: whoever holds the private key opens
the `sealed` bytes in any of the run's events with `open_run`. Pure: the same input gives the same brief.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from agents.brief import Gathered, Teller, real_name, size_of
from agents.brief_limits import BRIEF_BYTES, GAPS_BYTES, MESSAGE
from agents.privacy import labels_in
from agents.run_shield import RunShield
from agents.sealing import Opener, Sealer
from connectors.evidence import Wanted
from schemas import ids
from schemas.envelope import as_plain, to_millis
from schemas.errors import CannotOpen
from schemas.evidence import Brief, Gap, Source, Surroundings
from schemas.run import RunStarted

__all__ = ["Gathered", "Keys", "Snapshot", "open_run", "snapshot", "wanted"]


@dataclass(frozen=True, slots=True)
class Keys:
    """What the evidence process holds."""

    opener: Opener
    sealer: Sealer | None
    target: bytes
    """the key of target ids"""


@dataclass(frozen=True, slots=True)
class Snapshot:
    brief: Brief
    sealed: bytes | None
    """the values behind the brief's labels, for the execution process"""
    cover: Callable[[str], str] = field(repr=False)
    """for what else is written of the run, its tool calls say: the same value has the same label there"""


def wanted(started: RunStarted, keys: Keys, now: int) -> Wanted:
    """What the run is about, by its real names; a name that cannot be opened is left empty."""
    seen, alert = started.payload.sighting, started.payload.sighting.alert
    values, _ = _opened(started, keys.opener)

    def real(text: str | None) -> str:
        return real_name(text or "", values) or ""

    return Wanted(
        project_id=started.project_id,
        incident_id=started.incident_id,
        run_id=started.run_id,
        fingerprint=seen.fingerprint,
        alert_type=real(alert.alert_type),
        severity=started.payload.severity,
        cluster=real(alert.cluster),
        namespace=real(alert.namespace),
        kind=alert.resource_type or "",
        name=real(alert.target_resource),
        labels={real(name): real(text) for name, text in alert.labels.items()},
        metrics=dict(alert.metrics),
        opened_at=to_millis(seen.opened_at),
        now=now,
    )


def snapshot(
    started: RunStarted,
    gathered: Sequence[Gathered],
    keys: Keys,
    surroundings: Surroundings,
    *,
    debate: bool = True,
) -> Snapshot:
    """The run's brief; its first item is the alert itself, so that there is always something to cite.

    Where the shield is not whole the run goes on with the labels it has, and no cloud model is asked.
    """
    values, trouble = _opened(started, keys.opener)
    shield = RunShield(values)
    brief = _brief(Teller(started, shield, values, keys.target), gathered, surroundings, debate)
    trouble = trouble or shield.trouble or _left_over(brief, shield)
    if trouble:
        gap = Gap(source=Source.ALERT, reason=f"the privacy shield is not whole, no cloud model: {trouble}")
        brief = brief.model_copy(update={"cloud": False, "gaps": (*brief.gaps, gap)})
    sealed = _sealed(brief, shield, keys.sealer, started)
    return Snapshot(brief, sealed, lambda text: shield.gathered(text, MESSAGE))


def open_run(opener: Opener, sealed: bytes | None, *, project_id: str, run_id: str) -> Mapping[str, str]:
    """The values behind a run's labels; CannotOpen says why not."""
    return opener.open(sealed, project_id=project_id, event_id=run_id) if sealed else {}


def _opened(started: RunStarted, opener: Opener) -> tuple[Mapping[str, str], str]:
    """What the alert's labels stand for, or why that is not known. They were sealed with the alert."""
    if started.sealed is None:
        return {}, ""
    origin = started.payload.sighting.alert.origin
    place = ids.Origin(origin.epoch, origin.topic, origin.partition, origin.offset, origin.index)
    event_id = ids.alert_id(str(place))
    try:
        return opener.open(started.sealed, project_id=started.project_id, event_id=event_id), ""
    except CannotOpen as error:
        return {}, str(error)


def _brief(teller: Teller, gathered: Sequence[Gathered], surroundings: Surroundings, debate: bool) -> Brief:
    started, subject = teller.started, teller.subject()
    targets, no_room = teller.targets(gathered)
    brief = Brief(
        number=started.payload.number,
        reason=started.payload.reason,
        started_at=started.recorded_at,
        deadline_at=started.payload.deadline_at,
        models=started.payload.models,
        debate=debate,
        subject=subject,
        surroundings=teller.surroundings(surroundings),
        targets=targets,
        gaps=teller.gaps(gathered, len(teller.alert.labels) - len(subject.labels), no_room),
    )
    room = BRIEF_BYTES - GAPS_BYTES - size_of(brief)
    items, left_out = teller.items(gathered, room)
    return brief.model_copy(update={"items": items, "gaps": (*brief.gaps, *left_out)})


def _left_over(brief: Brief, shield: RunShield) -> str:
    """A second look at the finished brief: nothing but labels of ours may be found in it."""
    leaks = sum(shield.leaks(text) for text in set(_texts(as_plain(brief))))
    what = "text still holds" if leaks == 1 else "texts still hold"
    return f"{leaks} {what} what should be covered" if leaks else ""


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from (name, *_texts(part))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)


def _sealed(brief: Brief, shield: RunShield, sealer: Sealer | None, started: RunStarted) -> bytes | None:
    """Only what the brief still names: what was cut away leaves no value behind."""
    named = {label for text in _texts(as_plain(brief)) for label in labels_in(text)}
    values = {label: value for label, value in shield.values.items() if label in named}
    if not values or sealer is None:
        return None
    return sealer.seal(values, project_id=started.project_id, event_id=started.run_id)

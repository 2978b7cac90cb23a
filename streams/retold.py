"""What the stages make of recorded records now, beside what was recorded: the differences alone. Pure.

An id comes from its cause, so that the same alert is found again by where its raw record stands, and what
dedup told by its event's id.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from schemas.codec import Codec

Plain = dict[str, Any]
_MOST_SHOWN = 200  # characters of a value
_ABSENT = "–"
_NOT_COMPARED = ("origin", "alert.origin")


class What(StrEnum):
    CHANGED = "changed"
    NEW = "new"
    """it would be told now, and was not"""
    GONE = "gone"
    """it was told, and would not be now"""
    REJECTED = "rejected"
    """it was read, and would be rejected now"""
    READ = "read"
    """it was rejected, and would be read now"""


@dataclass(frozen=True, slots=True)
class Difference:
    what: What
    place: str
    """where the record stands, or the incident's id"""
    about: str
    fields: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """as recorded, and now"""
    why: str = ""

    def as_json(self) -> Plain:
        fields = {name: {"recorded": was, "now": is_now} for name, (was, is_now) in self.fields.items()}
        return {
            "what": self.what,
            "place": self.place,
            "about": self.about,
            "fields": fields,
            "why": self.why,
        }


def differing(recorded: Plain, now: Plain) -> dict[str, tuple[str, str]]:
    """Names of the fields that differ, with both values; where a raw record stands is no difference."""
    was, is_now = dict(_flat(recorded)), dict(_flat(now))
    names = [name for name in was | is_now if was.get(name, _ABSENT) != is_now.get(name, _ABSENT)]
    return {name: (_shown(was.get(name)), _shown(is_now.get(name))) for name in names}


def _flat(plain: Plain, above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in plain.items():
        path = above + name
        if path in _NOT_COMPARED:
            continue
        if isinstance(value, dict):
            yield from _flat(value, f"{path}.")
        else:
            yield path, list(value) if isinstance(value, tuple) else value


def _shown(value: object) -> str:
    text = _ABSENT if value is None else str(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


@dataclass(slots=True)
class Tally:
    """Records taken in, events that the stage tells of them now, and those that are as recorded."""

    records: int = 0
    told: int = 0
    same: int = 0


Place = tuple[int, int]
"""partition and offset of a raw record"""


class Alerts:
    """Raw records through normalize. First `now` for all of them, then what is recorded, then `rest`."""

    def __init__(self, topic: str, codec: Codec) -> None:
        self.topic, self._codec = topic, codec
        self.tally = Tally()
        self._made: dict[Place, dict[int, bytes]] = {}
        self._refused: dict[Place, Plain] = {}
        self._met: set[tuple[Place, int]] = set()
        self._was_refused: set[Place] = set()

    def now(self, place: Place, alerts: Mapping[int, bytes], refusal: Plain | None) -> int:
        """What the stage makes of a record: its alerts, encoded, by their number. Returns the bytes kept."""
        self.tally.records += 1
        self.tally.told += len(alerts) + (refusal is not None)
        self._made[place] = dict(alerts)
        if refusal is not None:
            self._refused[place] = refusal
        return sum(map(len, alerts.values()))

    def asks(self, place: Place) -> bool:
        return place in self._made

    def recorded(self, place: Place, number: int, alert: Plain) -> Iterator[Difference]:
        """An alert that stands on alerts.normalized; the second of its id says nothing."""
        if (place, number) in self._met or place not in self._made:
            return
        self._met.add((place, number))
        made = self._made[place].pop(number, None)
        if made is None:
            refusal = self._refused.get(place)
            what = What.GONE if refusal is None else What.REJECTED
            why = "" if refusal is None else f"{refusal['reason']}: {refusal['detail']}"
            yield Difference(what, self._name(place, number), alert["alert_type"], why=why)
            return
        yield from self._compared(self._name(place, number), alert, self._codec.read(made)[1]["payload"])

    def rejected(self, place: Place, rejection: Plain) -> Iterator[Difference]:
        """One that stands on alerts.rejected."""
        if place not in self._made or place in self._was_refused:
            return
        self._was_refused.add(place)
        refusal = self._refused.get(place)
        if refusal is not None:
            told = {name: rejection[name] for name in ("reason", "detail")}
            again = {name: refusal[name] for name in ("reason", "detail")}
            yield from self._compared(self._name(place), told, again, about="rejected")
        elif not self._made[place]:
            yield Difference(What.READ, self._name(place), "no alert in it", why=rejection["reason"])

    def rest(self) -> Iterator[Difference]:
        """What the stage tells now and nobody recorded."""
        for place, alerts in self._made.items():
            refused_then = place in self._was_refused
            for number, made in alerts.items():
                alert = self._codec.read(made)[1]["payload"]
                what = What.READ if refused_then else What.NEW
                yield Difference(what, self._name(place, number), alert["alert_type"])
        read = {place for place, _ in self._met}
        for place in self._refused.keys() - self._was_refused - read:
            refusal = self._refused[place]
            why = f"{refusal['reason']}: {refusal['detail']}"
            yield Difference(What.NEW, self._name(place), "rejected", why=why)

    def _compared(self, place: str, recorded: Plain, now: Plain, about: str = "") -> Iterator[Difference]:
        fields = differing(recorded, now)
        if fields:
            yield Difference(What.CHANGED, place, about or recorded["alert_type"], fields)
        else:
            self.tally.same += 1

    def _name(self, place: Place, number: int | None = None) -> str:
        index = "" if number is None else f"#{number}"
        return f"{self.topic}/{place[0]}/{place[1]}{index}"


class Told:
    """What dedup tells of alerts now. First `now` for all of it, then what is recorded, then `rest`."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self.tally = Tally()
        self._made: dict[str, bytes] = {}
        self._known: set[str] = set()
        self._met: set[str] = set()

    def before(self, event_ids: Iterable[str]) -> None:
        """Told of what stands before the interval: not compared, and not missed."""
        self._known.update(event_ids)

    def now(self, event_id: str, encoded: bytes) -> None:
        self.tally.told += event_id not in self._made
        self._made.setdefault(event_id, encoded)
        self._known.add(event_id)

    def recorded(self, event: Plain, *, within: bool) -> Iterator[Difference]:
        """One that stands on incidents; `within`: it was written in the interval."""
        event_id = event["event_id"]
        if event_id in self._met:
            return
        self._met.add(event_id)
        made = self._made.pop(event_id, None)
        if made is None:
            if within and event_id not in self._known:
                yield Difference(What.GONE, event["incident_id"], event["type"])
            return
        now = self._codec.read(made)[1]
        fields = differing(event["payload"], now["payload"])
        if fields:
            yield Difference(What.CHANGED, event["incident_id"], event["type"], fields)
        else:
            self.tally.same += 1

    def rest(self) -> Iterator[Difference]:
        for made in self._made.values():
            event = self._codec.read(made)[1]
            yield Difference(What.NEW, event["incident_id"], event["type"])

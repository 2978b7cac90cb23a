"""What the gateway tells of silences, windows and freezes, and by what they are written."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

import orjson

from awoooi.act_desk import cleaned
from awoooi.events import encoded, there
from connectors.alerts.workload import workload_of
from connectors.gateway.act_desk import Receipt
from connectors.gateway.silences import Kept
from schemas.alert import ResourceType
from schemas.codec import Codec, stored_payload
from schemas.errors import Never
from schemas.headers import Headers
from schemas.incident import IncidentOpened, Sighting
from schemas.silence import LabelMatcher, SilenceSet, SilenceSetting
from streams.policy.silenced import TOPIC
from streams.reference import Reference

TAKEN_IN_SECS = 3.0
OPENED = """
SELECT project_id, payload
FROM events
WHERE (project_id, event_id) IN (
    SELECT project_id, event_id FROM incident_events
    WHERE incident_id = {incident:String} AND type = 'incident.opened'
      AND ({all:Bool} OR project_id IN {projects:Array(String)})
)
ORDER BY version DESC LIMIT 1
"""
Ask = Callable[[str, Mapping[str, Any]], Awaitable[list[dict[str, Any]]]]


class SilenceView:
    """The gateway's SilenceDesk. `codec` is None until it is there."""

    def __init__(
        self, reference: Reference, codec: Callable[[], Codec | None], ask: Ask, longest_days: int
    ) -> None:
        self._reference, self._given, self._ask = reference, codec, ask
        self.longest_days = longest_days
        self._read: dict[bytes, tuple[bytes, SilenceSetting | None]] = {}
        """each value of the topic, and what it says"""
        self._kept: tuple[int, Kept] | None = None
        """as far as the topic was read: thousands are asked for with each request"""

    def kept(self) -> Kept | None:
        values = self._reference.current(TOPIC)
        if values is None:
            return None
        offset = self._reference.offset(TOPIC)
        if self._kept is None or self._kept[0] != offset:
            self._kept = offset, self._read_on(values)
        return self._kept[1]

    def _read_on(self, values: Mapping[bytes, bytes]) -> Kept:
        codec, before = self._codec, self._read
        self._read = {
            key: kept
            if (kept := before.get(key)) is not None and kept[0] is value
            else (value, _setting(codec, key, value))
            for key, value in values.items()
        }
        found = [setting for _, setting in self._read.values()]
        return Kept(tuple(one for one in found if one is not None), found.count(None))

    async def of_incident(
        self, incident_id: str, projects: Collection[str] | None
    ) -> tuple[str, tuple[LabelMatcher, ...]] | None:
        asked = {"incident": incident_id, "all": projects is None, "projects": list(projects or ())}
        rows = await self._ask(OPENED, asked)
        if not rows:
            return None
        return rows[0]["project_id"], matchers_of(stored_payload(IncidentOpened, rows[0]["payload"]))

    def clean(self, comment: str) -> str:
        """What a label stands for is kept nowhere: every process reads this."""
        return cleaned({"comment": comment}, for_models=False).texts["comment"]

    def encode(self, event: SilenceSet, traceparent: bytes) -> tuple[bytes, Headers]:
        return encoded(self._codec, event, traceparent)

    async def taken_in(self, lies: Receipt) -> None:
        await self._reference.passed(lies.topic, lies.offset, TAKEN_IN_SECS)

    @property
    def _codec(self) -> Codec:
        return there(self._given())


def _setting(codec: Codec, key: bytes, value: bytes) -> SilenceSetting | None:
    try:
        event = codec.decode(value)
    except (Never, orjson.JSONDecodeError):
        return None
    if not isinstance(event, SilenceSet) or event.payload.subject.encode() != key:
        return None
    return event.payload


def matchers_of(told: Sighting) -> tuple[LabelMatcher, ...]:
    """This kind of alert on this thing; of a pod or a job whatever takes its place, too."""
    always = {"alertname": told.alert_type, "cluster": told.cluster, "namespace": told.namespace}
    found = [LabelMatcher(name=name, value=value) for name, value in always.items() if value]
    name, kind = told.target_resource, told.resource_type
    if not name or not kind:
        return tuple(found)
    workload = workload_of(name, kind, told.namespace)
    if kind in (ResourceType.POD, ResourceType.JOB) and workload != name:
        found.append(LabelMatcher(name=str(kind), value=f"{_plain(workload)}-.*", regex=True))
    else:
        found.append(LabelMatcher(name=str(kind), value=name))
    return tuple(found)


def _plain(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_" else f"\\{letter}" for letter in name)

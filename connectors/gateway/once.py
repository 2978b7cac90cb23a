"""A request that is repeated is the same event, with the same id, and is written once.

An `Idempotency-Key` makes it so for good. Without one, a person's last request about an incident that comes
again within a minute is taken for the same: a tool that tries again, a second click.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from connectors.gateway.act_desk import Receipt
from schemas import ids

SAME_WITHIN_MS = 60_000
KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What makes a request the one it is."""

    kind: str
    incident_id: str
    person: str
    body: str
    key: str


@dataclass(frozen=True, slots=True)
class _Last:
    asked: Asked
    event_id: str
    at: int


class Once:
    """Bounded: who was quiet longest is forgotten, and then told by the record where a key was given."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._last: OrderedDict[tuple[str, str], _Last] = OrderedDict()
        self._receipts: OrderedDict[str, Receipt] = OrderedDict()

    def event_id(self, asked: Asked) -> str:
        if asked.key:
            return ids.derive_id(asked.kind, asked.incident_id, asked.person, asked.body, asked.key)
        now, who = self._now_ms(), (asked.person, asked.incident_id)
        last = self._last.get(who)
        if last is not None and last.asked == asked and now - last.at < SAME_WITHIN_MS:
            return last.event_id
        own = replace(asked, key=f"{now} {secrets.token_hex(8)}")
        event_id = self.event_id(own)
        _keep(self._last, who, _Last(asked, event_id, now))
        return event_id

    def receipt(self, event_id: str) -> Receipt | None:
        return self._receipts.get(event_id)

    def keep(self, event_id: str, receipt: Receipt) -> None:
        _keep(self._receipts, event_id, receipt)


def _keep(kept: OrderedDict[Any, Any], key: object, value: object) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > KEPT:
        kept.popitem(last=False)

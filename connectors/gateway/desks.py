"""What the gateway is lent for the console's acts, and the routes that come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from connectors.gateway import own_keys, rejected, silences, sql_box, switches, trust
from connectors.gateway.deeds import Deed
from connectors.gateway.own_keys import OwnKeysDesk
from connectors.gateway.reading import Record
from connectors.gateway.rejected import RejectedDesk
from connectors.gateway.silences import SilenceDesk
from connectors.gateway.sql_box import SqlDesk
from connectors.gateway.switches import SwitchDesk
from connectors.gateway.trust import TrustDesk
from connectors.gateway.webhooks import Publish


@dataclass(frozen=True, slots=True)
class Desks:
    """What is not lent has no route."""

    switches: SwitchDesk | None = None
    trust: TrustDesk | None = None
    keys: OwnKeysDesk | None = None
    sql: SqlDesk | None = None
    rejected: RejectedDesk | None = None
    silences: SilenceDesk | None = None
    record: Record | None = None


def deeds_of(desks: Desks, publish: Publish, now_ms: Callable[[], int]) -> tuple[Deed, ...]:
    found: list[Deed] = []
    if desks.switches is not None:
        found += switches.deeds(desks.switches, publish, now_ms)
    if desks.trust is not None:
        found += trust.deeds(desks.trust, publish, now_ms)
    if desks.keys is not None:
        found += own_keys.deeds(desks.keys)
    if desks.sql is not None:
        found += sql_box.deeds(desks.sql)
    if desks.rejected is not None:
        found += rejected.deeds(desks.rejected, publish, now_ms)
    if desks.silences is not None:
        found += silences.deeds(desks.silences, publish, now_ms)
    return tuple(found)

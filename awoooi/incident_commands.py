"""`awoooi incident ACT INCIDENT …`: a thin client of the API, where the gateway decides."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from typing import Any

from awoooi.api_client import Api
from awoooi.logs import quiet
from awoooi.settings import ApiSettings, Settings
from connectors.gateway.act_desk import INCIDENT_ID, LIKE
from connectors.gateway.acts import PATH
from connectors.http import Reply
from schemas.errors import Misconfigured

STDIN = "-"


def act(settings: Settings, name: str, incident: str, body: Mapping[str, Any]) -> int:
    """Exit status 1 where it was refused."""
    quiet()
    if not INCIDENT_ID.fullmatch(incident):
        raise Misconfigured(f"{incident!r} is no incident's id; {LIKE}")
    reply = asyncio.run(Api(settings.api).post(PATH.format(incident_id=incident, act=name), body))
    return _tell(name, incident, reply, settings.api)


def words(given: str) -> str:
    """`-` takes them from standard input."""
    return sys.stdin.read() if given == STDIN else given


def _tell(name: str, incident: str, reply: Reply, settings: ApiSettings) -> int:
    api = Api(settings)
    told = api.told(reply, needed="event_id")
    if not reply.ok:
        return api.refused(reply)
    place = f"{told['topic']} partition {told['partition']} offset {told['offset']}"
    print(f"Recorded: {told['type']} on {incident} ({place}).")
    if "redacted" in told:
        print(f"Taken out of your words, as orders to a reader: {', '.join(told['redacted'])}.")
    if name == "close":
        print("It closes as soon as the worker has read this; `awoooi incident show` tells.")
    return 0

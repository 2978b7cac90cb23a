"""`awoooi incident ACT INCIDENT …`: a thin client of the API; the gateway decides, this only asks and tells.

A request that was not answered is sent again under the same Idempotency-Key: it never counts twice.
"""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import Mapping
from typing import Any

import orjson

from agents.visible import visible
from awoooi import defaults
from awoooi.logs import quiet
from awoooi.settings import ApiSettings, Settings
from connectors.gateway.act_desk import INCIDENT_ID, LIKE
from connectors.gateway.acts import PATH
from connectors.http import HttpClient, Reply
from connectors.secret import read_secret
from schemas.errors import Misconfigured, NotNow

TRIES, LONGEST_WAIT_SECS, BUSY = 4, 5.0, 503
STDIN = "-"


def act(settings: Settings, name: str, incident: str, body: Mapping[str, Any]) -> int:
    """Exit status 1 where it was refused."""
    quiet()
    if not INCIDENT_ID.fullmatch(incident):
        raise Misconfigured(f"{incident!r} is no incident's id; {LIKE}")
    api = settings.api
    made_by = f"`awoooi init` makes {defaults.ADMIN_TOKEN}, `awoooi tokens new` others"
    token = read_secret(api.token, api.token_file, "api.token", made_by).strip()
    reply = asyncio.run(_asked(api, token, PATH.format(incident_id=incident, act=name), body))
    return _tell(name, incident, reply, api)


def words(given: str) -> str:
    """`-` takes them from standard input."""
    return sys.stdin.read() if given == STDIN else given


async def _asked(api: ApiSettings, token: str, path: str, body: Mapping[str, Any]) -> Reply:
    """Waits out what passes: Kafka or the record away."""
    headers = {
        "authorization": f"Bearer {token}",
        "content-type": "application/json",
        "idempotency-key": str(uuid.uuid4()),
    }
    ca_file = None if api.ca_file is None else str(api.ca_file)
    async with HttpClient(timeout_secs=20, ca_file=ca_file) as http:
        for _ in range(TRIES - 1):
            reply = await _post(http, api.url.rstrip("/") + path, orjson.dumps(body), headers)
            wait = _wait(reply)
            if wait is None:
                return reply
            await asyncio.sleep(wait)
        return await _post(http, api.url.rstrip("/") + path, orjson.dumps(body), headers)


async def _post(http: HttpClient, url: str, content: bytes, headers: Mapping[str, str]) -> Reply:
    try:
        return await http.post(url, content, headers)
    except NotNow as away:
        raise Misconfigured(f"{away}; is `awoooi gateway` running? AWOOOI_API_URL says where") from away


def _wait(reply: Reply) -> float | None:
    """How long the gateway says to wait; None where it says nothing, or longer than a person would."""
    said = reply.headers.get("retry-after", "")
    if reply.status != BUSY or not said.isdecimal() or float(said) > LONGEST_WAIT_SECS:
        return None
    return float(said)


def _tell(name: str, incident: str, reply: Reply, api: ApiSettings) -> int:
    told = reply.json()
    if not isinstance(told, dict) or (reply.ok and "event_id" not in told):
        raise Misconfigured(
            f"{api.url} answers {reply.status}, but not as a gateway: AWOOOI_API_URL says where"
        )
    if reply.ok:
        place = f"{told['topic']} partition {told['partition']} offset {told['offset']}"
        print(f"Recorded: {told['type']} on {incident} ({place}).")
        if "redacted" in told:
            print(f"Taken out of your words, as orders to a reader: {', '.join(told['redacted'])}.")
        if name == "close":
            print("It closes as soon as the worker has read this; `awoooi incident show` tells.")
        return 0
    why = told.get("detail") or told.get("title", "")
    print(visible(f"Refused: {why} ({reply.status})."), file=sys.stderr)
    if reply.status == 401:
        print(f"The token is that of {_token_from(api)}; `awoooi tokens list` shows them.", file=sys.stderr)
    return 1


def _token_from(api: ApiSettings) -> str:
    return "AWOOOI_API_TOKEN" if api.token_file is None else str(api.token_file)

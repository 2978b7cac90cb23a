"""`awoooi silence`, `maintenance`, `freeze`: thin clients of the API, where the gateway decides."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from agents.visible import visible
from awoooi.api_client import Api
from awoooi.logs import quiet
from awoooi.printing import print_json, print_table
from awoooi.settings import Settings
from connectors.gateway.act_desk import INCIDENT_ID, LIKE
from connectors.gateway.silences import END_PATH, OF_INCIDENT_PATH, PATH
from connectors.http import Reply
from schemas.errors import Misconfigured

_MATCHER = re.compile(r"\s*([^=!~\s]+)\s*(=~|!~|!=|=)(.*)", re.DOTALL)
Body = Mapping[str, Any]


def matcher(told: str) -> Body:
    """`namespace=shop`, `pod=~api-.*`, `severity!=critical`, `team!~web|mobile`, with or without quotes."""
    found = _MATCHER.fullmatch(told)
    if found is None:
        raise Misconfigured(f"--match {told!r}: one looks like namespace=shop, pod=~api-.*, !=, or !~")
    name, sign, value = found[1], found[2], found[3].strip()
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = value[1:-1]
    return {"name": name, "value": value, "regex": sign.endswith("~"), "negated": sign.startswith("!")}


def until(duration: str, end: datetime | None) -> Body:
    if bool(duration) == (end is not None):
        raise Misconfigured("say how long: either --for 2h or --until 2026-12-01T22:00:00Z")
    return {"duration": duration} if duration else {"ends_at": moment(end)}


def moment(told: datetime | None) -> str | None:
    """A time without a zone is one of this machine's."""
    return None if told is None else told.astimezone().isoformat()


def new(settings: Settings, body: Body) -> int:
    return _tell(*_asked(settings, PATH, {name: value for name, value in body.items() if value is not None}))


def of_incident(settings: Settings, incident: str, body: Body) -> int:
    if not INCIDENT_ID.fullmatch(incident):
        raise Misconfigured(f"{incident!r} is no incident's id; {LIKE}")
    return _tell(*_asked(settings, OF_INCIDENT_PATH.format(incident_id=incident), body))


def end(settings: Settings, silence_id: str, project: str) -> int:
    return _tell(
        *_asked(settings, END_PATH.format(silence_id=quote(silence_id, safe="")), {"project": project})
    )


def show(settings: Settings, query: Body, *, as_json: bool) -> int:
    quiet()
    api = Api(settings.api)
    asked = urlencode({name: value for name, value in query.items() if value})
    reply = asyncio.run(api.get(f"{PATH}?{asked}"))
    if not reply.ok:
        return api.refused(reply)
    told = api.told(reply)
    if as_json:
        print_json(told)
        return 0
    _show(told)
    return 0


def _show(told: Mapping[str, Any]) -> None:
    rows = [
        (
            one["id"],
            one["kind"],
            one["state"],
            one["project"],
            _covers(one),
            _until(one),
            one["by"],
            one["comment"],
        )
        for one in told["items"]
    ]
    print_table(("id", "kind", "state", "project", "covers", "until", "by", "why"), rows)
    if told["unreadable"]:
        print(f"{told['unreadable']} records cannot be read: while they stand, nothing is done by itself.")
    if not told["fresh"]:
        print("The gateway does not know at the moment: until it does, all counts as quiet.", file=sys.stderr)


def _covers(one: Mapping[str, Any]) -> str:
    return "everything" if one["everything"] else ", ".join(map(in_words, one["matchers"]))


def in_words(told: Mapping[str, Any]) -> str:
    sign = ("!~" if told["regex"] else "!=") if told["negated"] else "=~" if told["regex"] else "="
    return f"{told['name']}{sign}{told['value']}"


def _until(one: Mapping[str, Any]) -> str:
    end = one["ends_at"]
    told = "without an end" if end is None else f"{datetime.fromisoformat(end):%Y-%m-%d %H:%M} UTC"
    return told if one["state"] != "pending" else f"{_from(one)} to {told}"


def _from(one: Mapping[str, Any]) -> str:
    return f"{datetime.fromisoformat(one['starts_at']):%Y-%m-%d %H:%M}"


def _asked(settings: Settings, path: str, body: Body) -> tuple[Api, Reply]:
    quiet()
    api = Api(settings.api)
    return api, asyncio.run(api.post(path, body))


def _tell(api: Api, reply: Reply) -> int:
    if not reply.ok:
        return api.refused(reply)
    one = api.told(reply)["silence"]
    if one["state"] == "expired":
        print(f"The {one['kind']} {visible(one['id'])} is over.")
        return 0
    print(visible(f"The {one['kind']} {one['id']} is {one['state']}, until {_until(one)}: {_covers(one)}."))
    return 0


def matchers(told: Sequence[str]) -> list[Body]:
    return [matcher(one) for one in told]

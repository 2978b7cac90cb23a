"""POST /api/v1/incidents/{incident_id}/{act}: what a person does about an incident, as an event of theirs.

Who calls, what they may, what they say. What becomes of it stands in acting.py.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from pydantic import ValidationError
from starlette.types import Receive, Scope, Send

from connectors.gateway.act_kinds import ACTS, Act, Body
from connectors.gateway.acting import Acting, Done, Wish
from connectors.gateway.body import Disconnected, check_kind, parse_json
from connectors.gateway.door import Door, fault, idempotency_key
from connectors.gateway.problems import Refused
from connectors.gateway.reader_door import Caller
from connectors.gateway.webhooks import Headers, answer, refuse, traceparent

log = structlog.get_logger(__name__)

PATH = "/api/v1/incidents/{incident_id}/{act}"
UNKNOWN = "unknown"
_JSON = b"application/json"


@dataclass(slots=True)
class _Call:
    """One request on its way through."""

    act: str
    incident_id: str
    headers: Headers
    person: str = ""
    was_read: bool = False


class Acts:
    """ASGI endpoint."""

    def __init__(self, door: Door, acting: Acting) -> None:
        self._door, self._acting = door, acting

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, path = time.perf_counter(), scope["path_params"]
        act = str(path["act"])
        call = _Call(act if act in ACTS else UNKNOWN, str(path["incident_id"]), dict(scope["headers"]))
        meters = self._door.meters
        try:
            done = await self._take(call, receive)
        except Disconnected:
            meters.count(call.act, "disconnected", started)
            return
        except Refused as refused:
            meters.count(call.act, refused.reason, started)
            log.info("act_refused", reason=refused.reason, act=call.act, person=call.person)
            await refuse(send, refused, {} if call.was_read else {"Connection": "close"})
            return
        meters.count(call.act, "accepted", started)
        log.info("act_accepted", act=call.act, person=call.person, event_id=done.event_id)
        await answer(send, 202, orjson.dumps(_told(call.act, done)), _JSON)

    async def _take(self, call: _Call, receive: Receive) -> Done:
        caller = await self._door.people.caller(call.headers)
        call.person = caller.person
        act = _allowed(call.act, caller)
        with self._door.taken_on(caller):
            content = await self._door.content(call.headers, receive)
            call.was_read = True
            body = _body(act, call.headers, content)
            key, trace = idempotency_key(call.headers), traceparent(call.headers)
            return await self._acting.do(Wish(caller, act, body, call.incident_id, key, trace))


def _allowed(name: str, caller: Caller) -> Act:
    if name == UNKNOWN:
        raise Refused(404, "unknown_act", f"no such act; there are: {', '.join(ACTS)}")
    act = ACTS[name]
    caller.must_be(*act.roles, to=name)
    return act


def _body(act: Act, headers: Headers, content: bytes) -> Body:
    """Where nothing has to be said, nothing need be sent."""
    if content:
        check_kind(headers)
    try:
        return act.body.model_validate(parse_json(content) if content else {})
    except ValidationError as error:
        said = f"{fault('the body', error)}; {act.name} takes {', '.join(act.body.model_fields)}"
        raise Refused(422, "bad_body", said) from None


def _told(act: str, done: Done) -> Mapping[str, Any]:
    told = {"event_id": done.event_id, "type": ACTS[act].event.type_name(), **done.lies._asdict()}
    return {**told, "redacted": done.redacted} if done.redacted else told

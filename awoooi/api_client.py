"""The commands' client of the API: as whom, under which key, and what is told of a refusal.

A request that was not answered is sent again under the same Idempotency-Key: it never counts twice.
"""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from agents.visible import visible
from awoooi import defaults
from awoooi.settings import ApiSettings
from connectors.http import HttpClient, Reply
from connectors.secret import read_secret
from schemas.errors import Misconfigured, NotNow

TRIES, LONGEST_WAIT_SECS, BUSY = 4, 5.0, 503


@dataclass(frozen=True, slots=True)
class Api:
    settings: ApiSettings

    async def get(self, path: str) -> Reply:
        async with self._http() as http:
            return await _answered(http.get(self._at(path), self._as_person()))

    async def post(self, path: str, body: Mapping[str, Any]) -> Reply:
        """Waits out what passes: Kafka or the record away."""
        more = {"content-type": "application/json", "idempotency-key": str(uuid.uuid4())}
        headers, content = {**self._as_person(), **more}, orjson.dumps(body)
        async with self._http() as http:
            for _ in range(TRIES - 1):
                reply = await _answered(http.post(self._at(path), content, headers))
                pause = wait(reply)
                if pause is None:
                    return reply
                await asyncio.sleep(pause)
            return await _answered(http.post(self._at(path), content, headers))

    def told(self, reply: Reply, needed: str = "") -> Mapping[str, Any]:
        """Its body. Misconfigured where no gateway would answer so."""
        told = reply.json()
        if not isinstance(told, dict) or (reply.ok and needed and needed not in told):
            raise Misconfigured(
                f"{self.settings.url} answers {reply.status}, but not as a gateway: AWOOOI_API_URL says where"
            )
        return told

    def refused(self, reply: Reply) -> int:
        """The command's exit status, once the reason was told."""
        told = self.told(reply)
        why = told.get("detail") or told.get("title", "")
        print(visible(f"Refused: {why} ({reply.status})."), file=sys.stderr)
        if reply.status == 401:
            file = self.settings.token_file
            whose = "AWOOOI_API_TOKEN" if file is None else str(file)
            print(f"The token is that of {whose}; `awoooi tokens list` shows them.", file=sys.stderr)
        return 1

    def _at(self, path: str) -> str:
        return self.settings.url.rstrip("/") + path

    def _as_person(self) -> dict[str, str]:
        api = self.settings
        made_by = f"`awoooi init` makes {defaults.ADMIN_TOKEN}, `awoooi tokens new` others"
        token = read_secret(api.token, api.token_file, "api.token", made_by).strip()
        return {"authorization": f"Bearer {token}"}

    def _http(self) -> HttpClient:
        ca_file = self.settings.ca_file
        return HttpClient(timeout_secs=20, ca_file=None if ca_file is None else str(ca_file))


async def _answered(asking: Awaitable[Reply]) -> Reply:
    try:
        return await asking
    except NotNow as away:
        raise Misconfigured(f"{away}; is `awoooi gateway` running? AWOOOI_API_URL says where") from away


def wait(reply: Reply) -> float | None:
    """How long the gateway says to wait; None where it says nothing, or longer than a person would."""
    said = reply.headers.get("retry-after", "")
    if reply.status != BUSY or not said.isdecimal() or float(said) > LONGEST_WAIT_SECS:
        return None
    return float(said)

"""Before an embedded log ends: what the gateway has accepted goes through to the record.

The broker forgets, so an alert that was answered with 202 a moment ago would be lost with it.
"""

from __future__ import annotations

import asyncio
import re
import time

from connectors.http import HttpClient
from schemas.errors import AwoooiError

LAG = re.compile(rb"^awoooi_(?:stage|sink)_lag(?:\{[^}]*\})? ([0-9.e+]+)$", re.MULTILINE)
SETTLED_SECS = 2.5  # lags are measured every second; so long at zero and nothing is on its way
LONGEST_SECS = 10.0


async def drained(http: HttpClient, addresses: list[str]) -> bool:
    """Whether the lag of all of them was zero for a while, before the time was up."""
    deadline = time.monotonic() + LONGEST_SECS
    calm_since = time.monotonic()
    while (now := time.monotonic()) < deadline:
        if sum([await _lag(http, address) for address in addresses]) > 0:
            calm_since = now
        if now - calm_since >= SETTLED_SECS:
            return True
        await asyncio.sleep(0.2)
    return False


async def _lag(http: HttpClient, address: str) -> float:
    """Unknown counts as behind."""
    try:
        reply = await http.get(f"http://{address}/metrics")
    except AwoooiError:
        return 1.0
    return sum(float(found) for found in LAG.findall(reply.body))

"""A write on its way, and what its answer proves: done, refused, or that nobody knows.

What the server answered with a no did not happen. What never left us did not happen. Everything else may
have: an answer that is late, cut or rubbish, and a 5xx, which a server also gives after it has acted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from connectors.evidence import Unavailable
from connectors.executors.contract import End
from connectors.kubernetes.connection import Connection, Refusal, Unsent
from connectors.kubernetes.execution.act import Write

DRY = (("dryRun", "All"),)
NOT_SERVED = "the server could not find the requested resource"
SIDE_BY_SIDE = 8
NO_EFFECT = range(HTTPStatus.BAD_REQUEST, HTTPStatus.INTERNAL_SERVER_ERROR)


@dataclass(frozen=True, slots=True)
class Sent:
    end: End
    message: str = ""
    status: int = 0
    retry_after_secs: float = 0.0

    @property
    def conflict(self) -> bool:
        """The target is not as it was a moment ago: looked at again, it may do."""
        return self.end is End.REFUSED and self.status == HTTPStatus.CONFLICT


@dataclass(frozen=True, slots=True)
class Patience:
    """How long budgets are waited for; `clock` is monotonic seconds."""

    secs: float
    clock: Callable[[], float]
    between_secs: float = 1.0


async def send(connection: Connection, write: Write, *, dry: bool = False) -> Sent:
    """Once. Never raises."""
    query, body = (DRY, _dry(write)) if dry else ((), write.body)
    try:
        await connection.call(write.method, write.path, query, body, write.content)
    except Refusal as refusal:
        if write.instead is not None and _not_served(refusal):
            return await send(connection, write.instead, dry=dry)
        return _refused(write, refusal)
    except Unsent as error:
        return Sent(End.REFUSED, str(error))
    except Unavailable as error:
        return Sent(End.UNKNOWN, str(error))
    return Sent(End.DONE)


async def follow(
    connection: Connection, writes: Sequence[Write], why_not: Callable[[], str], patience: Patience
) -> Sent:
    """The calls after the first, one by one; what a budget refuses is asked again for a while."""
    ends, waiting = patience.clock() + patience.secs, list(writes)
    while waiting:
        put_off: list[Write] = []
        for write in waiting:
            why = why_not()
            sent = Sent(End.REFUSED, why) if why else await send(connection, write)
            if write.may_wait and sent.status == HTTPStatus.TOO_MANY_REQUESTS:
                put_off.append(write)
                last = sent
            elif sent.end is not End.DONE:
                return sent
        if put_off and patience.clock() >= ends:
            return replace(last, message=f"{len(put_off)} pods were not let go: {last.message}")
        if put_off:
            await asyncio.sleep(patience.between_secs)
        waiting = put_off
    return Sent(End.DONE)


async def try_all(connection: Connection, writes: Sequence[Write]) -> Sequence[Sent]:
    """The dry runs of all of them, some side by side."""
    room = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(write: Write) -> Sent:
        async with room:
            return await send(connection, write, dry=True)

    return await asyncio.gather(*map(one, writes))


def _dry(write: Write) -> Any:
    """A deletion's options stand in its body alone: with one, the server does not look at the query."""
    return {**write.body, "dryRun": ["All"]} if write.method == "DELETE" else write.body


def _refused(write: Write, refusal: Refusal) -> Sent:
    status, told = refusal.status, f"{write.what}: {refusal}"
    if write.gone_is_done and status in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
        return Sent(End.DONE)  # the very pod is gone; another may have its name
    if write.there_is_done and status == HTTPStatus.CONFLICT:
        return Sent(End.DONE)
    end = End.REFUSED if status in NO_EFFECT else End.UNKNOWN
    if write.method == "DELETE" and status == HTTPStatus.NOT_FOUND:
        end = End.UNKNOWN  # it was there a moment ago: a first try whose answer was lost may have taken it
    return Sent(end, told, status, refusal.retry_after_secs)


def _not_served(refusal: Refusal) -> bool:
    """The call itself is not known, which is something else than that the pod is not there."""
    if refusal.status == HTTPStatus.METHOD_NOT_ALLOWED:
        return True
    return refusal.status == HTTPStatus.NOT_FOUND and NOT_SERVED in str(refusal)

"""Where people bring something: how much at once, what is read of a request, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pydantic import ValidationError
from starlette.types import Receive

from connectors.gateway.body import announced_size, read_body, too_large
from connectors.gateway.limits import Load
from connectors.gateway.meters import ActMeters
from connectors.gateway.problems import Refused, come_again
from connectors.gateway.reader_door import Caller, ReaderDoor
from connectors.gateway.webhooks import Headers

MAX_BYTES = 32 * 1024
RETRY_SECS = 1
_KEY = re.compile(r"[!-~]{1,200}")


@dataclass(frozen=True, slots=True)
class Door:
    """One for all of them."""

    people: ReaderDoor
    load: Load
    meters: ActMeters
    body_timeout_secs: float

    @contextmanager
    def taken_on(self, caller: Caller) -> Iterator[None]:
        """One request of theirs. Where the refusal is ours, the next try is not held against them."""
        self.people.let_in(caller)
        try:
            if self.load.is_full:
                raise come_again("busy", "too many requests at once", RETRY_SECS)
            self.load.take(MAX_BYTES)
            try:
                yield
            finally:
                self.load.release(MAX_BYTES)
        except Refused as refused:
            if refused.status == 503:
                self.people.give_back(caller)
            raise

    async def content(self, headers: Headers, receive: Receive) -> bytes:
        if (announced_size(headers) or 0) > MAX_BYTES:
            raise too_large(MAX_BYTES)
        return (await read_body(receive, MAX_BYTES, self.body_timeout_secs)).strip()


def idempotency_key(headers: Headers) -> str:
    given = headers.get(b"idempotency-key", b"").decode("latin-1")
    if given and not _KEY.fullmatch(given):
        raise Refused(422, "bad_key", "Idempotency-Key: 1 to 200 printable ASCII characters without blanks")
    return given


def fault(whole: str, error: ValidationError) -> str:
    """Where and what, without the value."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden" or not where:
        where = whole  # a name that a caller made up is not repeated
    said = str(first["msg"]).removeprefix("Value error, ").replace("Input should", "should")
    return f"{where}: {said}"

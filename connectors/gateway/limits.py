"""How much a token may send, and how much the gateway takes on at once."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from connectors.tokens import Limits

MINUTE_SECS = 60.0


@dataclass(slots=True)
class Bucket:
    """A token bucket that holds one minute's worth."""

    per_minute: float
    filled_at: float
    level: float = field(init=False)

    def __post_init__(self) -> None:
        self.level = self.per_minute

    def wait_for(self, amount: float, now: float) -> float:
        """Seconds until `amount` can be taken; 0 when it can be taken now."""
        gained = (now - self.filled_at) * self.per_minute / MINUTE_SECS
        self.level = min(self.per_minute, self.level + max(gained, 0.0))
        self.filled_at = now
        missing = amount - self.level
        return max(missing, 0.0) * MINUTE_SECS / self.per_minute

    def take(self, amount: float) -> None:
        self.level -= amount

    def give_back(self, amount: float) -> None:
        self.level = min(self.per_minute, self.level + amount)


class Limited(Protocol):
    """A token, or a person who logged in."""

    @property
    def id(self) -> str: ...

    @property
    def limits(self) -> Limits: ...


@dataclass(slots=True)
class Allowance:
    """The two buckets of one token."""

    limits: Limits
    requests: Bucket
    size: Bucket


class RateLimits:
    """Per token and process: requests and bytes. What is refused is not counted."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._allowances: dict[str, Allowance] = {}

    def take_request(self, token: Limited) -> int:
        """0, or the seconds after which the sender should come again."""
        return self._take(self._of(token).requests, 1)

    def take_bytes(self, token: Limited, size: int) -> int:
        return self._take(self._of(token).size, size)

    def give_back(self, token: Limited, size: int) -> None:
        """The refusal was ours: the sender's next try is not to be held against it."""
        allowance = self._of(token)
        allowance.requests.give_back(1)
        allowance.size.give_back(size)

    def _take(self, bucket: Bucket, amount: int) -> int:
        wait = bucket.wait_for(amount, self._clock())
        if wait > 0:
            return max(1, math.ceil(wait))
        bucket.take(amount)
        return 0

    def _of(self, token: Limited) -> Allowance:
        found = self._allowances.get(token.id)
        if found is None or found.limits != token.limits:
            now, limits = self._clock(), token.limits
            requests, size = Bucket(limits.requests_per_minute, now), Bucket(limits.bytes_per_minute, now)
            found = self._allowances[token.id] = Allowance(limits, requests, size)
        return found


@dataclass(slots=True)
class Load:
    """What the gateway has taken on and not answered yet."""

    max_requests: int
    max_bytes: int
    requests: int = 0
    bytes: int = 0

    @property
    def is_full(self) -> bool:
        return self.requests >= self.max_requests or self.bytes >= self.max_bytes

    def take(self, size: int) -> None:
        self.requests += 1
        self.bytes += size

    def release(self, size: int) -> None:
        self.requests -= 1
        self.bytes -= size

"""How often an address may call where no token is asked for: a bounded table of buckets."""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable

from connectors.gateway.limits import Bucket

MOST_ADDRESSES = 10_000
_IPV6_PREFIX = 64
"""what one caller usually has to itself"""


class Callers:
    """Per address and for all together, in this process. What is refused is not counted.

    Where the table is full, the address that was quiet longest is forgotten: it has its bucket full again,
    and the bound for all still holds.
    """

    def __init__(
        self, each_per_minute: int, all_per_minute: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._each, self._clock = each_per_minute, clock
        self._all = Bucket(all_per_minute, clock())
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, address: str) -> int:
        """0, or the seconds after which to come again."""
        now, bucket = self._clock(), self._of(address)
        wait = max(bucket.wait_for(1, now), self._all.wait_for(1, now))
        if wait > 0:
            return max(1, math.ceil(wait))
        bucket.take(1)
        self._all.take(1)
        return 0

    def give_back(self, address: str) -> None:
        """The refusal was ours: the next try is not to be held against the caller."""
        self._of(address).give_back(1)
        self._all.give_back(1)

    def _of(self, address: str) -> Bucket:
        name = network_of(address)
        bucket = self._buckets.get(name)
        if bucket is None:
            bucket = self._buckets[name] = Bucket(self._each, self._clock())
            if len(self._buckets) > MOST_ADDRESSES:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(name)
        return bucket


def network_of(address: str) -> str:
    """What is taken for one caller."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""  # a socket in the file system: all who may open it are one
    if found.version == 4:
        return address
    return str(ipaddress.ip_network((int(found), _IPV6_PREFIX), strict=False))

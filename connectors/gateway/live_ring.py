"""What happened lately, for all who listen: one bounded ring, and cursors that any gateway understands.

A cursor says how far each partition of the followed topics was told. Nothing in it belongs to one gateway: a
listener that comes back, here or elsewhere, is given what it has not seen, or is told to read all anew.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import operator
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

MOST_MESSAGES = 10_000
MOST_BYTES = 32 * 1024 * 1024
MOST_CURSOR = 16 * 1024
"""letters: what fits into a request's head with room for a token"""
_MOST_BITS = 63
_CURSOR = re.compile(r"1\.([0-9a-f]{16})\.([A-Za-z0-9_-]*)")

Place = tuple[str, int]
"""topic and partition"""


@dataclass(frozen=True, slots=True)
class Message:
    """One that is ready to be sent, with the cursor after it."""

    sequence: int
    place: int
    offset: int
    project: str | None
    """empty: for those who see every project; None: for everybody"""
    event_id: str
    frame: bytes


@dataclass(slots=True)
class Listener:
    """Where one listener is. What it has seen elsewhere is passed over."""

    sequence: int
    seen: Sequence[int] = ()


@dataclass
class Ring:
    """`places` in an order of their own; `epoch` tells one life of an embedded log from the next."""

    topics: Mapping[str, int]
    """topic → partitions"""
    epoch: str = ""
    most_messages: int = MOST_MESSAGES
    most_bytes: int = MOST_BYTES
    is_ready: bool = False
    """what was there when we came has been read"""
    is_away: bool = True
    """whether the log can be read at all"""
    _coming: asyncio.Future[None] | None = None
    _messages: deque[Message] = field(default_factory=deque)
    _ids: set[str] = field(default_factory=set)
    _bytes: int = 0
    _sequence: int = 0

    def __post_init__(self) -> None:
        places = [(topic, number) for topic, count in self.topics.items() for number in range(count)]
        self._index = {place: index for index, place in enumerate(places)}
        self._next = [0] * len(places)
        """read up to here"""
        self._floor = [0] * len(places)
        """what stands before it is told no more"""
        log = repr((self.epoch, *self.topics.items())).encode()
        self._mark = hashlib.sha256(log).hexdigest()[:16]

    # -- who reads the log

    def begin(self, begins: Mapping[Place, int]) -> None:
        for place, offset in begins.items():
            index = self._index[place]
            self._floor[index] = self._next[index] = offset

    def passed(self, place: Place, offset: int) -> None:
        """A record that is told to nobody."""
        self._next[self._index[place]] = offset + 1

    def put(self, place: Place, offset: int, project: str | None, event_id: str, told: bytes) -> None:
        """`told` is a message without its cursor. What was written twice is told once."""
        self.passed(place, offset)
        if event_id in self._ids:
            return
        frame = self.mark() + told
        message = Message(self._sequence, self._index[place], offset, project, event_id, frame)
        self._messages.append(message)
        self._ids.add(event_id)
        self._sequence, self._bytes = self._sequence + 1, self._bytes + len(frame)
        while len(self._messages) > self.most_messages or self._bytes > self.most_bytes:
            self._forget()

    def stands(self, *, is_away: bool, is_ready: bool) -> None:
        changed = (is_away, is_ready) != (self.is_away, self.is_ready)
        self.is_away, self.is_ready = is_away, is_ready
        if changed:
            self.tell()

    def tell(self) -> None:
        """To all who wait at this moment."""
        coming, self._coming = self._coming, None
        if coming is not None and not coming.done():
            coming.set_result(None)

    @property
    def coming(self) -> asyncio.Future[None]:
        """Done when something has happened since: one for all who wait, and nobody cancels it."""
        if self._coming is None:
            self._coming = asyncio.get_running_loop().create_future()
        return self._coming

    def _forget(self) -> None:
        oldest = self._messages.popleft()
        self._ids.discard(oldest.event_id)
        self._bytes -= len(oldest.frame)
        self._floor[oldest.place] = max(self._floor[oldest.place], oldest.offset + 1)

    # -- who listens

    def cursor(self) -> str:
        """After all that was read; empty where a request's head could not name so many partitions."""
        if len(self._next) > MOST_CURSOR:
            return ""
        cursor = f"1.{self._mark}.{_packed(self._next)}"
        return cursor if len(cursor) <= MOST_CURSOR else ""

    def mark(self) -> bytes:
        """The line that says how far a listener is."""
        cursor = self.cursor()
        return f"id: {cursor}\n".encode() if cursor else b""

    def from_now(self) -> Listener:
        return Listener(self._sequence)

    def after(self, cursor: str) -> Listener | None:
        """None where what came after it is told no more, where it is of another log, or no cursor at all."""
        found = _CURSOR.fullmatch(cursor) if len(cursor) <= MOST_CURSOR else None
        seen = _unpacked(found[2]) if found is not None and found[1] == self._mark else []
        if len(seen) != len(self._next) or any(map(operator.lt, seen, self._floor)):
            return None
        return Listener(self._messages[0].sequence if self._messages else self._sequence, seen)

    def is_behind(self, listener: Listener) -> bool:
        """What it was to be told next is gone."""
        first = self._messages[0].sequence if self._messages else self._sequence
        return listener.sequence < first

    def has_more(self, listener: Listener) -> bool:
        return listener.sequence < self._sequence

    def news(self, listener: Listener, at_most: int) -> Sequence[Message]:
        """What it has not been given yet, and moves it on."""
        found = list(self._from(listener.sequence, at_most))
        if found:
            listener.sequence = found[-1].sequence + 1
        seen = listener.seen
        return [message for message in found if not seen or message.offset >= seen[message.place]]

    def _from(self, sequence: int, at_most: int) -> Iterator[Message]:
        if not self._messages:
            return
        begin = sequence - self._messages[0].sequence
        for index in range(begin, min(begin + at_most, len(self._messages))):
            yield self._messages[index]


def _packed(numbers: Sequence[int]) -> str:
    """Seven bits a byte, the last of a number with its high bit unset."""
    out = bytearray()
    for number in numbers:
        rest = number
        while rest > 0x7F:
            out.append(rest & 0x7F | 0x80)
            rest >>= 7
        out.append(rest)
    return base64.urlsafe_b64encode(out).rstrip(b"=").decode()


def _unpacked(text: str) -> list[int]:
    """Empty where it is nothing that we packed."""
    try:
        packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return []
    numbers, number, shift = list[int](), 0, 0
    for byte in packed:
        number |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            numbers.append(number)
            number, shift = 0, 0
        elif shift > _MOST_BITS:
            return []
    return [] if shift else numbers

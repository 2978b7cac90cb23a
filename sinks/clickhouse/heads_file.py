"""Pinned heads in a file, one line each: it is appended to, and can lie on another machine."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, TypeAlias

import orjson
from pydantic import ValidationError

from schemas.audit import Checkpoint, Head
from schemas.errors import Misconfigured
from schemas.sabotage import armed, crash_point
from sinks.clickhouse.signing import Keys, Pin, is_genuine

MODE = 0o644
FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND
NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EINVAL)
NEWLINE = b"\n"
TORN = "audit:torn_append"
Key: TypeAlias = tuple[str, str, str]
Rank: TypeAlias = tuple[Any, Any]


@dataclass(frozen=True, slots=True)
class Read:
    """`torn`: lines that are none, which a crash in the middle of a write leaves."""

    pins: Sequence[Pin] = ()
    torn: int = 0


def append(file: Path, pins: Iterable[Pin]) -> None:
    """Durable when it returns. A line that was cut short before stays as it is, and this begins a new one."""
    lines = b"".join(line_of(pin) for pin in pins)
    with held(file) as out:
        if lines:
            _write(out, lines if _ends_whole(out) else NEWLINE + lines)


@contextmanager
def held(file: Path, *, alone: bool = False) -> Iterator[IO[bytes]]:
    """Open, and locked, since several sinks may share it, and one of them may put a new one in its place.

    `alone`: Misconfigured where the file cannot be locked, as on some network shares.
    """
    try:
        with ExitStack() as opened:
            while True:
                out = opened.enter_context(os.fdopen(os.open(file, FLAGS, MODE), "r+b"))
                _lock(out, alone)
                if os.fstat(out.fileno()).st_ino == file.stat().st_ino:
                    break
            yield out
    except OSError as error:
        raise Misconfigured(f"the heads file {file} cannot be written: {error.strerror}") from error


def _lock(out: IO[bytes], alone: bool) -> None:
    try:
        fcntl.flock(out, fcntl.LOCK_EX)
    except OSError as error:
        if alone or error.errno not in NO_LOCKS:
            raise


def line_of(pin: Pin) -> bytes:
    return pin.model_dump_json().encode() + NEWLINE


def read(file: Path, keys: Keys, *, latest_only: bool = False) -> Read:
    """Of each subject, and of each day of it, the latest that is signed by one of the keys.

    By what was signed, not by the place in the file: whoever appends an old line hides no later one. Nothing
    where there is no file yet.
    """
    try:
        best, torn = _best(_lines(file), latest_only)
        looked = {line: _genuine(line, keys) for line in set(best.values())}
        pins = {key: looked[line] for key, line in best.items()}
        forged = {key for key, pin in pins.items() if pin is None}
        if forged:  # signatures are slow to check, so each line is looked at only where somebody forged one
            known = partial(_genuine, keys=keys)
            best, _ = _best(
                _lines(file), latest_only, lambda key, line: key in forged and known(line) is not None
            )
            pins |= {key: known(line) for key, line in best.items()}
    except FileNotFoundError:
        return Read()
    except OSError as error:
        raise Misconfigured(f"the heads file {file} cannot be read: {error.strerror}") from error
    return Read(list({pin.signature: pin for pin in pins.values() if pin is not None}.values()), torn)


def latest_of(pins: Iterable[Pin]) -> list[Pin]:
    """What `read` with `latest_only` would find of these, which are genuine."""
    lines = {line_of(pin).rstrip(NEWLINE): pin for pin in pins}
    best, _ = _best(lines, latest_only=True)
    return [lines[line] for line in dict.fromkeys(best.values())]


def _lines(file: Path) -> Iterator[bytes]:
    """One by one: the file grows for years."""
    with file.open("rb") as lines:
        yield from filter(None, (line.rstrip(NEWLINE) for line in lines))


def _best(
    lines: Iterable[bytes], latest_only: bool, counts: Callable[[Key, bytes], bool] = lambda *_: True
) -> tuple[dict[Key, bytes], int]:
    """Of those that count, and how many lines are torn."""
    best, torn = dict[Key, tuple[Rank, bytes]](), 0
    for line in lines:
        claims = _claims(line, latest_only)
        torn += not claims
        for key, rank in claims:
            if (key not in best or rank > best[key][0]) and counts(key, line):
                best[key] = rank, line
    return {key: line for key, (_, line) in best.items()}, torn


def _claims(line: bytes, latest_only: bool) -> Sequence[tuple[Key, Rank]]:
    """What it would stand for: the longest chain, and the latest word, for a record made anew is shorter."""
    try:
        facts = orjson.loads(line)
        subject, at, number = str(facts["subject"]), str(facts["at"]), int(facts.get("number", 0))
    except (ValueError, KeyError, TypeError):
        return ()
    day = "" if latest_only else at[: len("2026-01-01")]
    return ((subject, day, "longest"), (number, at)), ((subject, day, "latest"), (at, number))


def _genuine(line: bytes, keys: Keys) -> Pin | None:
    pin = parse(line)
    return pin if pin is not None and is_genuine(pin, keys) else None


def parse(line: bytes) -> Pin | None:
    kind = Head if b'"link"' in line else Checkpoint
    try:
        return kind.model_validate_json(line)
    except ValidationError:
        return None


def _write(out: IO[bytes], data: bytes) -> None:
    """In one piece, so that a disk which hangs or fills tears as few lines as it can."""
    middle = len(data) // 2 if armed(TORN) else 0
    if middle:
        out.write(data[:middle])
        out.flush()
        crash_point(TORN)
    out.write(data[middle:])
    out.flush()
    os.fsync(out.fileno())


def _ends_whole(out: IO[bytes]) -> bool:
    size = os.fstat(out.fileno()).st_size
    return size == 0 or os.pread(out.fileno(), 1, size - 1) == NEWLINE

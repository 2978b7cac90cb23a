"""Pinned heads in a file, one line each: append only, and it can lie on another machine."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import orjson
from pydantic import ValidationError

from schemas.audit import Checkpoint, Head
from schemas.errors import Misconfigured
from schemas.sabotage import crash_point
from sinks.clickhouse.signing import Keys, Pin, is_genuine

MODE = 0o644
NEWLINE = b"\n"


@dataclass(frozen=True, slots=True)
class Read:
    """`torn`: lines that are none, which a crash in the middle of a write leaves."""

    pins: Sequence[Pin] = ()
    torn: int = 0


def append(file: Path, pins: Iterable[Pin]) -> None:
    """Durable when it returns. A line that was cut short before stays as it is, and this begins a new one."""
    lines = b"".join(line_of(pin) for pin in pins)
    try:
        with os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, MODE), "r+b") as out:
            if lines:
                _write(out, lines if _ends_whole(out) else NEWLINE + lines)
    except OSError as error:
        raise Misconfigured(f"the heads file {file} cannot be written: {error.strerror}") from error


def line_of(pin: Pin) -> bytes:
    return pin.model_dump_json().encode() + NEWLINE


def read(file: Path, keys: Keys) -> Read:
    """Of each subject and day the latest that is signed by one of the keys: it stands for those before it.

    Nothing where there is no file yet.
    """
    try:
        lines = file.read_bytes().split(NEWLINE)
    except FileNotFoundError:
        return Read()
    except OSError as error:
        raise Misconfigured(f"the heads file {file} cannot be read: {error.strerror}") from error
    torn, by_day = 0, dict[tuple[str, str], list[bytes]]()
    for line in filter(None, lines):
        told = _subject_and_day(line)
        if told is None:
            torn += 1
        else:
            by_day.setdefault(told, []).append(line)
    latest = (_latest(found, keys) for found in by_day.values())
    return Read([pin for pin in latest if pin is not None], torn)


def _subject_and_day(line: bytes) -> tuple[str, str] | None:
    try:
        facts = orjson.loads(line)
        return str(facts["subject"]), str(facts["at"])[: len("2026-01-01")]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None


def _latest(lines: Sequence[bytes], keys: Keys) -> Pin | None:
    """What anybody else has appended behind it does not hide it."""
    for line in reversed(lines):
        pin = parse(line)
        if pin is not None and is_genuine(pin, keys):
            return pin
    return None


def parse(line: bytes) -> Pin | None:
    kind = Head if b'"link"' in line else Checkpoint
    try:
        return kind.model_validate_json(line)
    except ValidationError:
        return None


def _write(out: IO[bytes], data: bytes) -> None:
    middle = len(data) // 2
    out.write(data[:middle])
    out.flush()
    crash_point("audit:torn_append")
    out.write(data[middle:])
    out.flush()
    os.fsync(out.fileno())


def _ends_whole(out: IO[bytes]) -> bool:
    size = os.fstat(out.fileno()).st_size
    return size == 0 or os.pread(out.fileno(), 1, size - 1) == NEWLINE

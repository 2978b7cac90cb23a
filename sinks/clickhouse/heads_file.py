"""Pinned heads in a file, one line each: append only, and it can lie on another machine."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from schemas.audit import Checkpoint, Head
from schemas.errors import Misconfigured
from schemas.sabotage import crash_point
from sinks.clickhouse.signing import Pin

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


def read(file: Path) -> Read:
    """Nothing where there is no file yet."""
    try:
        lines = file.read_bytes().split(NEWLINE)
    except FileNotFoundError:
        return Read()
    except OSError as error:
        raise Misconfigured(f"the heads file {file} cannot be read: {error.strerror}") from error
    pins = [parse(line) for line in lines if line.strip()]
    whole = [pin for pin in pins if pin is not None]
    return Read(whole, len(pins) - len(whole))


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

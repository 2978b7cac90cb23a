"""Bodies as they come over HTTP: every frame of every encoding, or a plain no.

The ordinary client compresses each block of rows as a frame of its own, so a reader that stops
after the first frame loses rows and nobody complains.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from typing import Protocol, cast

import lz4.frame

from sinks.store.errors import (
    CANNOT_DECOMPRESS,
    INCOMPLETE_BODY,
    TOO_LARGE,
    UNKNOWN_COMPRESSION_METHOD,
    StatementError,
)

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

WINDOW = 64 * 1024  # bytes given to a frame at a time: what it leaves unused is copied


class Frame(Protocol):
    """One compressed frame being read."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def _lz4() -> Frame:
    return cast(Frame, lz4.frame.LZ4FrameDecompressor())


def _zstd() -> Frame:
    return cast(Frame, zstd.ZstdDecompressor())


def _gzip() -> Frame:
    return cast(Frame, zlib.decompressobj(wbits=31))


def _deflate() -> Frame:
    return cast(Frame, zlib.decompressobj())


FRAMES: dict[str, Callable[[], Frame]] = {"lz4": _lz4, "zstd": _zstd, "gzip": _gzip, "deflate": _deflate}
FAULTS = (RuntimeError, EOFError, zlib.error, zstd.ZstdError)


def decode(body: bytes, encoding: str, limit: int) -> list[bytes]:
    """The body's plain bytes, in pieces; StatementError when it is broken, cut short or too large."""
    if encoding in ("", "identity"):
        return [body] if body else []
    if encoding not in FRAMES:
        allowed = ", ".join(["identity", *FRAMES])
        raise StatementError.of(
            UNKNOWN_COMPRESSION_METHOD, f"Content-Encoding {encoding!r} is not known here; allowed: {allowed}"
        )
    try:
        return _inflate(body, encoding, limit)
    except FAULTS as error:
        raise StatementError.of(CANNOT_DECOMPRESS, f"The body is no valid {encoding}: {error}") from error


def _inflate(body: bytes, encoding: str, limit: int) -> list[bytes]:
    pieces: list[bytes] = []
    left = limit
    frame: Frame | None = None
    for start in range(0, len(body), WINDOW):
        data = body[start : start + WINDOW]
        while data:
            frame = frame or FRAMES[encoding]()
            piece = frame.decompress(data, left + 1)
            left -= len(piece)
            if left < 0:
                raise too_large(limit)
            pieces.append(piece)
            data = frame.unused_data if frame.eof else b""
            frame = None if frame.eof else frame
    if frame is not None:
        raise StatementError.of(
            INCOMPLETE_BODY, f"The body ends within a frame of {encoding}: it is incomplete"
        )
    return pieces


def too_large(limit: int) -> StatementError:
    return StatementError.of(
        TOO_LARGE, f"The body is larger than {limit} bytes, compressed or not: send smaller batches"
    )

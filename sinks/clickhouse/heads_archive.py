"""The heads file begins anew when it has grown: what an audit reads of it stays, in an archive beside it.

Of a chain an audit reads a head a day, and the sink the last; a line a minute is what the file grows by.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import orjson

from connectors.whole_file import write_whole
from schemas.errors import Misconfigured
from schemas.sabotage import crash_point
from sinks.clickhouse.heads_file import MODE, held, latest_of, line_of, read
from sinks.clickhouse.signing import Keys

_ARCHIVE = re.compile(r"\.\d{8}T\d{6}")
_TIME = "%Y%m%dT%H%M%S"


def files(file: Path) -> list[Path]:
    """Its archives, the oldest first, and it itself."""
    try:
        beside = sorted(file.parent.iterdir())
    except OSError as error:
        raise Misconfigured(
            f"the folder of the heads file {file} cannot be read: {error.strerror}"
        ) from error
    return [*(one for one in beside if _is_archive(one, file)), file]


def archive(file: Path, keys: Keys, now: datetime) -> Path:
    """Its name. Killed in between, there is an archive of what still stands in the file: no harm."""
    with held(file, alone=True):
        kept = read(file, keys).pins
        made = file.with_name(f"{file.name}.{now:{_TIME}}")
        write_whole(made, b"".join([*map(line_of, kept), *_of_others(file, keys)]), MODE)
        crash_point("audit:archived")
        write_whole(file, b"".join(map(line_of, latest_of(kept))), MODE)
    return made


def _of_others(file: Path, keys: Keys) -> Iterator[bytes]:
    """Lines of keys that are not known here, which may be known to who verifies."""
    with file.open("rb") as lines:
        for line in lines:
            try:
                known = orjson.loads(line)["key_id"] in keys
            except (ValueError, KeyError, TypeError):
                continue
            if not known:
                yield line


def _is_archive(path: Path, file: Path) -> bool:
    return path.name.startswith(file.name) and bool(_ARCHIVE.fullmatch(path.name[len(file.name) :]))

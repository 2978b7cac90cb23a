"""Changing the signers file: read, changed, checked as a whole, written, while nobody else does."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from connectors.checked_file import read_checked
from connectors.whole_file import locked, write_whole
from schemas.errors import Misconfigured
from streams.policy.signers_file import Signer, SignersFile, parse_signers

Change = Callable[[SignersFile], SignersFile]


def change(path: Path, made: Change) -> SignersFile:
    """The file as it is now, as people wrote it: keys of a JWKS file are still named only."""
    if path.suffix != ".json":
        raise Misconfigured(f"{path} is written by hand (it is no .json): change it there")
    with locked(path):
        before = read_raw(path)
        after = made(before)
        if after != before:
            content = json.dumps(after.model_dump(mode="json", exclude_defaults=True), indent=2).encode()
            parse_signers(content, path)  # what would not be read is not written
            write_whole(path, content + b"\n")
    return after


def read_raw(path: Path) -> SignersFile:
    return read_checked(path, SignersFile, "the signers file") if path.exists() else SignersFile()


def with_signer(file: SignersFile, signer: Signer) -> SignersFile:
    """In the place of the same person's, or at the end."""
    people = {one.person: one for one in file.signers} | {signer.person: signer}
    return file.model_copy(update={"signers": tuple(people.values())})


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)

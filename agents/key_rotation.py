"""Sealing keys over time: one that is sealed with, and older ones that still open what was sealed before.

    sealing.key          the private key in force, its public half beside it
    sealing.key.{id}     one that was in force before

A rotation keeps the old private key: whatever was sealed to it opens until it is destroyed.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from agents.sealing import Opener, generate_keypair, key_id, load_private_key, public_path
from schemas.errors import Misconfigured

_ID_DIGITS = 16


@dataclass(frozen=True, slots=True)
class KeyFile:
    key_id: str
    path: Path
    made_at: datetime
    in_force: bool


def opener(private: Path) -> Opener:
    """For the key in force and all older ones; keys that are made later are found when they are needed."""
    return Opener(private_keys(private), again=lambda: private_keys(private))


def private_keys(private: Path) -> list[X25519PrivateKey]:
    return [load_private_key(path) for path in (private, *older_keys(private))]


def key_files(private: Path) -> list[KeyFile]:
    """The one in force first, then the latest."""
    files = [_file(path, in_force=path == private) for path in (private, *older_keys(private))]
    return sorted(files, key=lambda file: (not file.in_force, -file.made_at.timestamp()))


def rotate(private: Path, public: Path) -> KeyFile:
    """A new pair in place of the one in force; readers find it at once, who seals takes it at its next start.

    The order makes a crash harmless: at no moment is the public key of a pair in force whose private key is
    not in its place or beside it.
    """
    with _locked(private):
        old = key_id(load_private_key(private).public_key())
        new = private.with_name(f".{private.name}.new")
        for left_over in (new, public_path(new)):
            left_over.unlink(missing_ok=True)
        generate_keypair(new)
        _keep(private, private.with_name(f"{private.name}.{old}"))
        new.replace(private)
        public_path(new).replace(public)
        return _file(private, in_force=True)


def destroy(private: Path, named: str) -> KeyFile:
    """What was sealed to it never opens again. The key in force is not destroyed: rotate first."""
    with _locked(private):
        for file in key_files(private):
            if file.key_id != named:
                continue
            if file.in_force:
                raise Misconfigured(
                    f"sealing key {named} is in force; rotate first, then it can be destroyed"
                )
            _overwrite(file.path)
            file.path.unlink()
            return file
        known = ", ".join(file.key_id for file in key_files(private) if not file.in_force) or "none"
        raise Misconfigured(f"there is no older sealing key {named}; there are: {known}")


def older_keys(private: Path) -> list[Path]:
    return sorted(private.parent.glob(f"{private.name}.{'[0-9a-f]' * _ID_DIGITS}"))


def _file(path: Path, *, in_force: bool) -> KeyFile:
    made_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return KeyFile(key_id(load_private_key(path).public_key()), path, made_at, in_force)


def _keep(private: Path, beside: Path) -> None:
    try:
        os.link(private, beside)
    except FileExistsError:
        return  # a rotation that did not end kept it
    except OSError as error:
        raise Misconfigured(f"the old sealing key cannot be kept as {beside}: {error.strerror}") from error


def _overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _locked(private: Path) -> Iterator[None]:
    """Two rotations at once would lose a key."""
    try:
        lock = private.with_name(f".{private.name}.lock").open("w")
    except OSError as error:
        raise Misconfigured(f"{private.parent} cannot be written: {error.strerror}") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

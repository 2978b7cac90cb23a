"""Real values as ciphertext that everyone can write and only few can read.

A data key (AES-256-GCM) encrypts the values; the data key itself is wrapped to an X25519 public key
(ephemeral ECDH, HKDF-SHA256). Wrapping costs far more than encrypting, so one data key serves a bounded
number of messages and minutes. What is sealed is bound to its project and event: elsewhere it does not open.

The form, version 1:

    1  version          \\
    8  key id            | the header, the same for all messages under one data key,
    32 ephemeral public  | authenticated with every message
    48 wrapped data key /
    12 nonce
    …  ciphertext with its tag: the values as JSON, label → value
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from schemas.errors import CannotOpen, Misconfigured

VERSION = b"\x01"
_KEY_ID, _PUBLIC, _WRAPPED, _NONCE, _TAG = 8, 32, 48, 12, 16
_HEADER = 1 + _KEY_ID + _PUBLIC + _WRAPPED
_SMALLEST = _HEADER + _NONCE + _TAG
_PURPOSE = b"awoooi sealed values, version 1"
_ONCE = bytes(_NONCE)  # a wrapping key encrypts one data key and nothing else
_REMEMBERED_KEYS = 256
_LOOK_EVERY = 5.0
"""seconds"""


@dataclass(slots=True)
class _DataKey:
    header: bytes
    cipher: AESGCM
    until: float
    messages_left: int


class Sealer:
    """Writes; needs the public key alone."""

    def __init__(
        self,
        public_key: X25519PublicKey,
        *,
        messages: int = 10_000,
        seconds: float = 600.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._public = public_key
        self._messages, self._seconds, self._clock = messages, seconds, clock
        self._key: _DataKey | None = None

    def seal(self, values: Mapping[str, str], *, project_id: str, event_id: str) -> bytes:
        key = self._current()
        key.messages_left -= 1
        nonce = os.urandom(_NONCE)
        plain = orjson.dumps(dict(values))
        return key.header + nonce + key.cipher.encrypt(nonce, plain, _bound(key.header, project_id, event_id))

    def _current(self) -> _DataKey:
        key = self._key
        if key is None or key.messages_left <= 0 or self._clock() >= key.until:
            key = self._key = self._new_key()
        return key

    def _new_key(self) -> _DataKey:
        secret, ephemeral = AESGCM.generate_key(256), X25519PrivateKey.generate()
        ephemeral_public = ephemeral.public_key().public_bytes_raw()
        wrapping = _wrapping_key(
            ephemeral.exchange(self._public), ephemeral_public, self._public.public_bytes_raw()
        )
        start = VERSION + _id_bytes(self._public) + ephemeral_public
        header = start + wrapping.encrypt(_ONCE, secret, start)
        return _DataKey(header, AESGCM(secret), self._clock() + self._seconds, self._messages)


class Opener:
    """Reads; several private keys stay valid side by side while keys rotate.

    `again` gives the keys anew when one is needed that was not there at the start.
    """

    def __init__(
        self,
        private_keys: Iterable[X25519PrivateKey],
        *,
        again: Callable[[], Iterable[X25519PrivateKey]] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._private = _by_id(private_keys)
        self._ciphers: dict[bytes, AESGCM] = {}
        self._again, self._clock, self._looked_at = again, clock, -_LOOK_EVERY

    def open(self, sealed: bytes, *, project_id: str, event_id: str) -> dict[str, str]:
        if sealed[:1] != VERSION:
            raise CannotOpen(f"sealed values of unknown version {sealed[:1].hex() or '(empty)'}")
        if len(sealed) < _SMALLEST:
            raise CannotOpen(f"sealed values are cut short: {len(sealed)} bytes, at least {_SMALLEST}")
        header, nonce, body = sealed[:_HEADER], sealed[_HEADER : _HEADER + _NONCE], sealed[_HEADER + _NONCE :]
        try:
            plain = self._cipher(header).decrypt(nonce, body, _bound(header, project_id, event_id))
        except InvalidTag:
            raise CannotOpen("sealed values were changed, or belong to another project or event") from None
        values: dict[str, str] = orjson.loads(plain)
        return values

    def _cipher(self, header: bytes) -> AESGCM:
        cipher = self._ciphers.get(header)
        if cipher is None:
            if len(self._ciphers) >= _REMEMBERED_KEYS:
                self._ciphers.pop(next(iter(self._ciphers)))
            cipher = self._ciphers[header] = self._unwrap(header)
        return cipher

    def _unwrap(self, header: bytes) -> AESGCM:
        private = self._key(header[1 : 1 + _KEY_ID])
        start, wrapped = header[:-_WRAPPED], header[-_WRAPPED:]
        public = start[1 + _KEY_ID :]
        try:
            shared = private.exchange(X25519PublicKey.from_public_bytes(public))
            wrapping = _wrapping_key(shared, public, private.public_key().public_bytes_raw())
            return AESGCM(wrapping.decrypt(_ONCE, wrapped, start))
        except (InvalidTag, ValueError):
            raise CannotOpen("the wrapped key of sealed values was changed") from None

    def _key(self, name: bytes) -> X25519PrivateKey:
        if name not in self._private:
            self._look_again()
        private = self._private.get(name)
        if private is None:
            known = ", ".join(sorted(key.hex() for key in self._private)) or "none"
            raise CannotOpen(f"sealed to key {name.hex()}, this process holds {known}")
        return private

    def _look_again(self) -> None:
        """Seldom: a key that is gone is asked for with every alert that was sealed to it."""
        if self._again is None or self._clock() < self._looked_at + _LOOK_EVERY:
            return
        self._looked_at = self._clock()
        try:
            self._private = _by_id(self._again())
        except Misconfigured as error:
            raise CannotOpen(f"the sealing keys cannot be read again: {error}") from error


def _by_id(keys: Iterable[X25519PrivateKey]) -> dict[bytes, X25519PrivateKey]:
    return {_id_bytes(key.public_key()): key for key in keys}


def _wrapping_key(shared: bytes, ephemeral: bytes, recipient: bytes) -> AESGCM:
    derive = HKDF(algorithm=SHA256(), length=32, salt=ephemeral + recipient, info=_PURPOSE)
    return AESGCM(derive.derive(shared))


def _bound(header: bytes, project_id: str, event_id: str) -> bytes:
    """What is authenticated with a message; the lengths keep two parts from being read as others."""
    project, event = project_id.encode(), event_id.encode()
    return b"%b%d:%b%d:%b" % (header, len(project), project, len(event), event)


def _id_bytes(public_key: X25519PublicKey) -> bytes:
    return hashlib.sha256(public_key.public_bytes_raw()).digest()[:_KEY_ID]


def key_id(public_key: X25519PublicKey) -> str:
    return _id_bytes(public_key).hex()


# --- key files ------------------------------------------------------------------------------------------


def generate_keypair(path: Path) -> str:
    """Writes the private key to `path` (owner only, never over an existing file) and the public one
    beside it with `.pub`; returns the key id."""
    private = X25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write_new(path, pem, 0o600)
    public = private.public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    _write_new(public_path(path), pem, 0o644)
    return key_id(public)


def public_path(private_path: Path) -> Path:
    return private_path.with_name(private_path.name + ".pub")


def load_private_key(path: Path) -> X25519PrivateKey:
    data = _read(path)
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise Misconfigured(
            f"private sealing key {path} is readable by others ({mode:o}); allowed is 600 or 400"
        )
    try:
        key = serialization.load_pem_private_key(data, password=None)
    except (ValueError, TypeError) as error:
        raise Misconfigured(f"private sealing key {path}: {error}") from None
    if not isinstance(key, X25519PrivateKey):
        raise Misconfigured(f"private sealing key {path} must be an X25519 key in PEM")
    return key


def load_public_key(path: Path) -> X25519PublicKey:
    try:
        key = serialization.load_pem_public_key(_read(path))
    except ValueError as error:
        raise Misconfigured(f"public sealing key {path}: {error}") from None
    if not isinstance(key, X25519PublicKey):
        raise Misconfigured(f"public sealing key {path} must be an X25519 key in PEM")
    return key


def _write_new(path: Path, data: bytes, mode: int) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except OSError as error:
        raise Misconfigured(f"sealing key {path} cannot be written: {error.strerror}") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Misconfigured(f"sealing key {path} cannot be read: {error.strerror}") from error

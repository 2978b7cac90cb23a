"""Heads and checkpoints, signed: only who holds the sink's key can pin one (Ed25519)."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TypeAlias

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from connectors.whole_file import OWNER_ONLY, write_whole
from schemas.audit import Checkpoint, CheckpointKind, Head, checkpoint_subject, head_subject
from schemas.envelope import to_millis
from schemas.errors import Misconfigured
from sinks.clickhouse.chain import ChainPlace, Tip

Keys: TypeAlias = Mapping[str, Ed25519PublicKey]
"""By their ids."""
Pin: TypeAlias = Head | Checkpoint
END_OF_KEY = "-----END PUBLIC KEY-----"
PUBLIC_MODE = 0o644


class Signer:
    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.key_id = key_id(key.public_key())
        self.keys: Keys = {self.key_id: key.public_key()}

    def head(self, place: ChainPlace, tip: Tip, at: datetime) -> Head:
        bare = Head(
            subject=head_subject(*place),
            log_epoch=place.log_epoch,
            topic=place.topic,
            partition=place.partition,
            offset=tip.offset,
            number=tip.number,
            link=tip.link,
            at=at,
            key_id=self.key_id,
            signature="",
        )
        return bare.model_copy(update={"signature": self._signed(bare)})

    def checkpoint(self, kind: CheckpointKind, before: datetime, at: datetime, reason: str) -> Checkpoint:
        bare = Checkpoint(
            subject=checkpoint_subject(kind),
            kind=kind,
            before=before,
            reason=reason,
            at=at,
            key_id=self.key_id,
            signature="",
        )
        return bare.model_copy(update={"signature": self._signed(bare)})

    def _signed(self, pin: Pin) -> str:
        return urlsafe_b64encode(self._key.sign(signed_text(pin))).decode().rstrip("=")


def signed_text(pin: Pin) -> bytes:
    """What is signed: a JSON array without spaces, times in milliseconds."""
    if isinstance(pin, Head):
        facts = (pin.log_epoch, pin.topic, pin.partition, pin.offset, pin.number, pin.link, to_millis(pin.at))
        return orjson.dumps(("awoooi audit head", *facts))
    facts_of_it = (pin.kind, to_millis(pin.before), pin.reason, to_millis(pin.at))
    return orjson.dumps(("awoooi audit checkpoint", *facts_of_it))


def is_genuine(pin: Pin, keys: Keys) -> bool:
    key = keys.get(pin.key_id)
    if key is None:
        return False
    try:
        key.verify(urlsafe_b64decode(pin.signature + "=="), signed_text(pin))
    except (InvalidSignature, ValueError):
        return False
    return True


def key_id(key: Ed25519PublicKey) -> str:
    return sha256(key.public_bytes(form.Encoding.Raw, form.PublicFormat.Raw)).hexdigest()[:16]


def make_key(private_file: Path, public_file: Path) -> None:
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    private = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    write_whole(public_file, public, PUBLIC_MODE)
    write_whole(private_file, private, OWNER_ONLY)


def load_signer(file: Path) -> Signer:
    """Misconfigured where it cannot be read, or is no Ed25519 key."""
    try:
        key = form.load_pem_private_key(_read(file), None)
    except (ValueError, TypeError) as error:
        raise Misconfigured(f"audit.key_file: {file} is no private key in PEM") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise Misconfigured(f"audit.key_file: {file} holds no Ed25519 key")
    return Signer(key)


def load_keys(file: Path) -> Keys:
    """Public keys in PEM, one after the other: older ones stay, for what they have signed."""
    found = {}
    pieces = _read(file).decode(errors="replace").split(END_OF_KEY)[:-1]
    for piece in pieces:
        try:
            key = form.load_pem_public_key(f"{piece.strip()}\n{END_OF_KEY}\n".encode())
        except ValueError as error:
            raise Misconfigured(f"audit.public_key_file: {file} is no public key in PEM") from error
        if not isinstance(key, Ed25519PublicKey):
            raise Misconfigured(f"audit.public_key_file: {file} holds no Ed25519 key")
        found[key_id(key)] = key
    if not found:
        raise Misconfigured(f"audit.public_key_file: {file} holds no public key in PEM")
    return found


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Misconfigured(f"{file} cannot be read: {error.strerror}; `awoooi init` makes one") from error

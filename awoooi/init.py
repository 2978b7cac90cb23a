"""The first start: a state folder with the first admin's key, a token, and what the parts share.

Each thing is made once. A second call finds it and changes nothing.
"""

from __future__ import annotations

import fcntl
import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from awoooi import defaults
from awoooi.settings import Settings
from connectors.whole_file import OWNER_ONLY, write_whole
from schemas.errors import Misconfigured

SECRET_BYTES = 32
FIRST_TOKEN, FIRST_PERSON, FIRST_ROLES = "first token", "admin", ("admin",)


@dataclass(frozen=True, slots=True)
class Made:
    """One thing of the state folder. `shown` is what a person is told of it, once."""

    path: Path
    what: str
    is_new: bool
    shown: str = ""


def init(settings: Settings) -> list[Made]:
    """Misconfigured where the folder cannot be written, or is open to others and cannot be closed."""
    state = settings.state_dir
    with _locked(state):
        return [
            _admin_key(state),
            _signers(state),
            _token(settings),
            _admin_token(settings),
            *_shared_secrets(settings),
            _sealing_keys(settings),
            *_audit_keys(settings),
        ]


def _admin_key(state: Path) -> Made:
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    def pem() -> bytes:
        key = Ed25519PrivateKey.generate()
        return key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())

    return _once(state / defaults.ADMIN_KEY, "the first admin's private key, to sign with (Ed25519)", pem)


def _signers(state: Path) -> Made:
    def registry() -> bytes:
        signer = {
            "person": FIRST_PERSON,
            "roles": FIRST_ROLES,
            "keys": [_public_jwk(state / defaults.ADMIN_KEY)],
        }
        return json.dumps({"signers": [signer]}, indent=2).encode() + b"\n"

    return _once(state / defaults.SIGNERS, "who may sign: the first admin's public key", registry)


def _public_jwk(private_pem: Path) -> dict[str, str]:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    from streams.policy.jwk import EDDSA, public_jwk

    return public_jwk(load_pem_private_key(private_pem.read_bytes(), None).public_key(), EDDSA)


def _token(settings: Settings) -> Made:
    """The token's text lies beside the hashes, so that its owner and the demo find it again."""
    from connectors.tokens import TokenFile, new_token

    path, hashes = settings.state_dir / defaults.TOKEN, settings.gateway.tokens_file
    what = "a webhook token for every source of project `default`"
    if path.exists() and hashes.exists() and TokenFile(hashes).find(path.read_text().strip()):
        return Made(path, what, is_new=False)
    path.unlink(missing_ok=True)
    _, shown = new_token(hashes, FIRST_TOKEN)
    write_whole(path, f"{shown}\n".encode(), OWNER_ONLY)
    return Made(path, what, is_new=True, shown=shown)


def _admin_token(settings: Settings) -> Made:
    """Never shown: the command line reads it where it lies."""
    from connectors.tokens import TokenFile, new_personal_token

    path, hashes = settings.state_dir / defaults.ADMIN_TOKEN, settings.gateway.tokens_file
    what = "the first admin's own token, for the API and `awoooi incident`"
    if path.exists() and TokenFile(hashes).find_person(path.read_text().strip()):
        return Made(path, what, is_new=False)
    path.unlink(missing_ok=True)
    _, shown = new_personal_token(hashes, FIRST_TOKEN, FIRST_PERSON, FIRST_ROLES)
    write_whole(path, f"{shown}\n".encode(), OWNER_ONLY)
    return Made(path, what, is_new=True)


def _shared_secrets(settings: Settings) -> Iterator[Made]:
    """Where a secret is given by settings, none is made for it."""
    state = settings.state_dir
    stamp = state / defaults.STAMP
    if settings.gateway.stamp_secret_file == stamp:
        yield _secret(stamp, "what gateway and ingest worker share: the proof of a record's project")
    if settings.sealing.target_key_file == state / defaults.TARGET_KEY:
        yield _secret(state / defaults.TARGET_KEY, "what the ids of targets are made with")
    if settings.approvals.proof_key_file == state / defaults.PROOF_KEY:
        yield _secret(state / defaults.PROOF_KEY, "what proves to the executor that policy decided so")
    yield _secret(state / defaults.WRITER_PASSWORD, "the store's writing user")
    yield _secret(state / defaults.READER_PASSWORD, "the store's reading user")


def _sealing_keys(settings: Settings) -> Made:
    from agents.sealing import generate_keypair

    path = settings.state_dir / defaults.SEALING_PRIVATE
    what = "the key pair that personal values are sealed with"
    if path.exists():
        return Made(path, what, is_new=False)
    generate_keypair(path)
    return Made(path, what, is_new=True)


def _audit_keys(settings: Settings) -> Iterator[Made]:
    """Where a key is given by settings, none is made for it."""
    from sinks.clickhouse.signing import make_key

    path = settings.state_dir / defaults.AUDIT_KEY
    if settings.audit.key_file != path:
        return
    is_new = not path.exists()
    if is_new:
        make_key(path, settings.state_dir / defaults.AUDIT_PUBLIC)
    yield Made(path, "the key pair that the audit's heads are signed with", is_new)


def _secret(path: Path, what: str) -> Made:
    return _once(path, what, lambda: secrets.token_urlsafe(SECRET_BYTES).encode() + b"\n")


def _once(path: Path, what: str, content: Callable[[], bytes]) -> Made:
    if path.exists():
        return Made(path, what, is_new=False)
    write_whole(path, content(), OWNER_ONLY)
    return Made(path, what, is_new=True)


@contextmanager
def _locked(state: Path) -> Iterator[None]:
    """The folder, for its owner alone; two first starts at once make one set of keys."""
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        if state.stat().st_mode & 0o077:
            state.chmod(0o700)
        lock = (state / ".init.lock").open("w")
    except OSError as error:
        raise Misconfigured(
            f"the state folder {state} cannot be used: {error.strerror}; AWOOOI_STATE_DIR names another"
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

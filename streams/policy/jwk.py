"""Public keys as JSON Web Keys. A key's own type fixes the one algorithm that it is for."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import get_default_algorithms
from jwt.exceptions import InvalidKeyError

from schemas.errors import BadPayload
from streams.policy.canonical import canonical

KEY_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._:-]{0,127}")
SMALLEST_RSA_BITS = 2048
SMALLEST_SECRET_BYTES = 32
EDDSA, ES256, RS256, HS256 = "EdDSA", "ES256", "RS256", "HS256"
_ALGORITHMS = {("OKP", "Ed25519"): EDDSA, ("EC", "P-256"): ES256, ("RSA", ""): RS256, ("oct", ""): HS256}
_PARTS = ("crv", "e", "k", "kty", "n", "x", "y")
"""what makes a public key, of any type (RFC 7638)"""
_METHODS = {name: get_default_algorithms()[name] for name in (EDDSA, ES256, RS256, HS256)}
_PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "oth")


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that signatures are checked with; of HS256 it is the shared secret."""

    kid: str
    algorithm: str
    thumbprint: str
    key: Any = field(repr=False)

    def verifies(self, text: bytes, signature: bytes) -> bool:
        return _METHODS[self.algorithm].verify(text, self.key, signature)


def read_jwk(jwk: Mapping[str, Any]) -> PublicKey:
    """BadPayload, which never repeats the key."""
    kty, crv = jwk.get("kty"), jwk.get("crv", "")
    algorithm = _ALGORITHMS.get((kty, crv)) if isinstance(kty, str) and isinstance(crv, str) else None
    if algorithm is None or not isinstance(kty, str):
        raise BadPayload("a key is Ed25519, P-256 or RSA (kty and crv say which)", field="kty")
    if any(name in jwk for name in _PRIVATE):
        raise BadPayload("this is a private key: only its public part belongs here", field="d")
    if jwk.get("alg", algorithm) != algorithm:
        raise BadPayload(f"a key of this type is for {algorithm}", field="alg")
    if jwk.get("use", "sig") != "sig":
        raise BadPayload("a key that signs has use: sig", field="use")
    kid = jwk.get("kid")
    if not isinstance(kid, str) or not KEY_ID.fullmatch(kid):
        raise BadPayload("1 to 128 letters, digits and . _ : -", field="kid")
    key = _loaded(jwk, algorithm)
    return PublicKey(kid, algorithm, thumbprint(public_parts(key, algorithm)), key)


def _loaded(jwk: Mapping[str, Any], algorithm: str) -> Any:
    try:
        key = _METHODS[algorithm].from_jwk(dict(jwk))
    except (InvalidKeyError, ValueError, TypeError, KeyError) as error:
        raise BadPayload(f"no key for {algorithm}", field="kty") from error
    if isinstance(key, RSAPublicKey) and key.key_size < SMALLEST_RSA_BITS:
        raise BadPayload(f"{key.key_size} bits; at least {SMALLEST_RSA_BITS}", field="n")
    if isinstance(key, bytes) and len(key) < SMALLEST_SECRET_BYTES:
        raise BadPayload(f"{len(key)} bytes; at least {SMALLEST_SECRET_BYTES}", field="k")
    return key


def public_parts(key: Any, algorithm: str) -> dict[str, str]:
    """A loaded key as a JWK again, in the one way to write it."""
    whole = _METHODS[algorithm].to_jwk(key, as_dict=True)
    return {name: whole[name] for name in _PARTS if name in whole}


def thumbprint(parts: Mapping[str, str]) -> str:
    """RFC 7638: who has the same one has the same key."""
    digest = hashlib.sha256(canonical(parts)).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def id_of(thumbprint: str) -> str:
    """The same, except that no command that it is given to takes it for an option."""
    return f"_{thumbprint}" if thumbprint.startswith("-") else thumbprint


def public_jwk(key: Any, algorithm: str) -> dict[str, str]:
    """With its thumbprint as its id."""
    parts = public_parts(key, algorithm)
    return {**parts, "kid": id_of(thumbprint(parts)), "alg": algorithm, "use": "sig"}

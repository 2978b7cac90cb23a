"""The demo's people: keys that live as long as it does, known to the signers of its own system alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from awoooi.sign_commands import Hand
from awoooi.signer_file import change, with_signer
from streams.policy.jwk import EDDSA, public_jwk
from streams.policy.signers_file import parse_signer

FIRST, SECOND = ("alice", "sre"), ("bob", "devops")


def enrolled(signers_file: Path, person: str, role: str) -> Hand:
    """Only the public key is written down."""
    key = Ed25519PrivateKey.generate()
    jwk = public_jwk(key.public_key(), EDDSA)
    signer = parse_signer({"person": person, "roles": [role], "keys": [jwk]})
    change(signers_file, lambda file: with_signer(file, signer))
    return Hand(person, (role,), jwk["kid"], EDDSA, key)


def forger_of(hand: Hand) -> Hand:
    """Says all that the real one says, and has not the key."""
    return replace(hand, key=Ed25519PrivateKey.generate())

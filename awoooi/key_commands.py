"""`awoooi keys new|list|revoke`: the keys that people sign with. Private ones are never shown."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as new_ec_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as new_rsa_key

from awoooi.printing import print_json, print_table
from awoooi.settings import Settings
from awoooi.signer_file import change, now, read_raw, with_signer
from connectors.whole_file import write_new
from schemas.errors import Misconfigured
from streams.policy.jwk import public_jwk
from streams.policy.signers import OWN_ISSUER, admins, standing
from streams.policy.signers_file import KeyEntry, SignersFile, parse_signer

FOLDER = "keys"
RSA_BITS, RSA_EXPONENT = 3072, 65537
PrivateKey = Ed25519PrivateKey | EllipticCurvePrivateKey | RSAPrivateKey


def new(settings: Settings, person: str, algorithm: str, to: str) -> None:
    """Registers nothing: who a key belongs to is said by `signers add`, often on another machine."""
    parse_signer({"person": person, "roles": ["admin"]})  # a name that cannot sign gets no key
    path = Path(to) if to else settings.state_dir / FOLDER / f"{person}.key"
    key, jwk = _easy_to_type(algorithm)
    write_new(path, _pem(key))
    text = json.dumps(jwk, separators=(",", ":"))
    print(f"Private key, for {person} alone (readable by nobody else): {path}")
    print(f"Public key: {text}")
    known = any(signer.person == person for signer in read_raw(settings.approvals.signers_file).signers)
    role = "" if known else " --role ROLE"
    print(f"It counts once it is registered:\n  awoooi signers add {person}{role} --key {shlex.quote(text)}")
    print(f"What it signs says iss {OWN_ISSUER}, aud {settings.approvals.environment}, sub {person}.")


def show(settings: Settings, *, as_json: bool) -> None:
    path = settings.approvals.signers_file
    file = read_raw(path)
    rows = [_row(signer.person, key, admins(file)) for signer in file.signers for key in signer.keys]
    if as_json:
        print_json(rows)
    elif rows:
        print_table(tuple(rows[0]), [tuple(row.values()) for row in rows])
    else:
        print(f"No keys in {path}; `awoooi keys new PERSON` makes one, `signers add` registers it.")


def revoke(settings: Settings, kid: str) -> None:
    change(settings.approvals.signers_file, lambda file: _revoked(file, kid))
    print(f"Key {kid} is revoked, and what it signed does not count where it is still open.")


def _revoked(file: SignersFile, kid: str) -> SignersFile:
    owners = {key.kid: signer for signer in file.signers for key in signer.keys}
    if kid not in owners:
        raise Misconfigured(f"no key has the id {kid!r}; there are: {', '.join(owners) or 'none'}")
    keys = tuple(
        key.model_copy(update={"revoked": now()}) if key.kid == kid and key.revoked is None else key
        for key in owners[kid].keys
    )
    return with_signer(file, owners[kid].model_copy(update={"keys": keys}))


def _row(person: str, key: KeyEntry, confirmers: frozenset[str]) -> dict[str, str]:
    state = standing(key, confirmers) if key.revoked is None else f"revoked {key.revoked:%Y-%m-%d %H:%M}"
    return {"key": key.kid, "person": person, "algorithm": key.public_key().algorithm, "state": state}


def _easy_to_type(algorithm: str) -> tuple[PrivateKey, dict[str, str]]:
    """A key whose id is no option to the commands that it is given to."""
    while True:
        key = _generated(algorithm)
        jwk = public_jwk(key.public_key(), algorithm)
        if not jwk["kid"].startswith("-"):
            return key, jwk


def _generated(algorithm: str) -> PrivateKey:
    match algorithm:
        case "ES256":
            return new_ec_key(SECP256R1())
        case "RS256":
            return new_rsa_key(RSA_EXPONENT, RSA_BITS)
        case _:
            return Ed25519PrivateKey.generate()


def _pem(key: PrivateKey) -> bytes:
    return key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())

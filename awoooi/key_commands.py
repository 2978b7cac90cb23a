"""`awoooi keys new|enroll|confirm|list|revoke`: keys that people sign with. Private ones are never shown."""

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

from awoooi import defaults
from awoooi.printing import print_json, print_table
from awoooi.settings import Settings
from awoooi.sign_commands import private_key
from awoooi.signer_commands import key_added, key_revoked, read_key
from awoooi.signers_log import Register, SignersLog, act, register
from connectors.whole_file import write_new
from schemas.errors import Misconfigured
from schemas.signer import KeyConfirmation, SignerKeyConfirmed
from streams.policy.jwk import public_jwk, read_jwk
from streams.policy.people import Role
from streams.policy.signers import OWN_ISSUER, Registry, Standing, admins, standing, standing_of
from streams.policy.signers_file import KeyEntry, Signer, parse_signer

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
    print(
        "It counts once it is registered (--role where the person is new):\n"
        f"  awoooi signers add {person} --role ROLE --key {shlex.quote(text)}"
    )
    print(f"What it signs says iss {OWN_ISSUER}, aud {settings.approvals.environment}, sub {person}.")


def enroll(settings: Settings, log: SignersLog, person: str, key: str) -> None:
    """What a person made for themselves, in a browser or elsewhere: it waits for an admin."""
    known = register(settings, log)
    known.must_give()
    people = [signer.person for signer in known.both.signers if signer.removed is None]
    if person not in people:
        raise Misconfigured(f"no signer is called {person!r}; there are: {', '.join(people) or 'none'}")
    (entry,) = parse_signer({"person": person, "roles": ["admin"], "keys": [read_key(key)]}).keys
    log.write([key_added(known, person, entry, enrolled=True)])
    print(f"{_named(entry)} of {person} counts once an admin confirms it: awoooi keys confirm {entry.kid}")


def confirm(settings: Settings, log: SignersLog, kid: str, person: str, key_file: str) -> None:
    """By an admin, who has a key in force, of somebody else's key."""
    known = register(settings, log)
    known.must_give()
    owner, entry = _waiting(known, kid, person)
    admin = _admin(known, Path(key_file) if key_file else settings.state_dir / defaults.ADMIN_KEY)
    if admin == owner:
        raise Misconfigured(f"{owner} cannot confirm a key of their own: another admin does")
    told = {"person": owner, "kid": kid, "thumbprint": entry.public_key().thumbprint}
    log.write([act(SignerKeyConfirmed, KeyConfirmation.of(**told, confirmed_by=admin))])
    print(f"{_named(entry)} of {owner} counts from now on, confirmed by {admin}.")


def show(settings: Settings, log: SignersLog, *, as_json: bool) -> None:
    known = register(settings, log)
    rows = [_row(signer, key, known.registry) for signer in known.both.signers for key in signer.keys]
    if as_json:
        print_json(rows)
    elif rows:
        print_table(tuple(rows[0]), [tuple(row.values()) for row in rows])
    else:
        print("No keys yet; `awoooi keys new PERSON` makes one, `signers add` registers it.")


def revoke(settings: Settings, log: SignersLog, kid: str, reason: str = "") -> None:
    known = register(settings, log)
    owners = {key.kid: (signer.person, key) for signer in known.both.signers for key in signer.keys}
    if kid not in owners:
        raise Misconfigured(f"no key has the id {kid!r}; there are: {', '.join(owners) or 'none'}")
    person, key = owners[kid]
    if known.log.revoked_at(key) is None:
        log.write([key_revoked(person, key, reason)])
    print(f"Key {kid} is revoked, and what it signed does not count where it is still open.")


def _waiting(known: Register, kid: str, person: str) -> tuple[str, KeyEntry]:
    found = {
        signer.person: key
        for signer in known.both.signers
        for key in signer.keys
        if key.kid == kid and standing(key, admins(known.both)) is Standing.UNCONFIRMED
    }
    if person:
        found = {owner: key for owner, key in found.items() if owner == person}
    if len(found) > 1:
        raise Misconfigured(f"{', '.join(found)} each enrolled a key {kid}: --person says whose is meant")
    if not found:
        raise Misconfigured(f"no key {kid!r} waits for confirmation; `awoooi keys list` shows all")
    ((owner, entry),) = found.items()
    for other in known.registry.keys.values():
        taken = other.key.kid == kid or other.key.thumbprint == entry.public_key().thumbprint
        if taken and other.standing is not Standing.UNCONFIRMED:
            raise Misconfigured(f"the key {kid} is another's already: {other.key.kid}; nobody could use it")
    return owner, entry


def _admin(known: Register, key_file: Path) -> str:
    """Whose key this is; only an admin with a key in force confirms."""
    private, algorithm = private_key(key_file)
    thumbprint = read_jwk(public_jwk(private.public_key(), algorithm)).thumbprint
    for one in known.registry.keys.values():
        if one.key.thumbprint == thumbprint and one.standing is Standing.IN_FORCE and one.holder is not None:
            if Role.ADMIN in one.holder.roles and not one.holder.is_removed:
                return one.holder.person
            raise Misconfigured(f"{key_file} is the key of {one.holder.person}, who is no admin")
    raise Misconfigured(f"{key_file} is no registered key in force; --key names an admin's private key")


def _row(signer: Signer, key: KeyEntry, registry: Registry) -> dict[str, str]:
    state = str(standing_of(registry, signer.person, key))
    if key.revoked is not None:
        state = f"revoked {key.revoked:%Y-%m-%d %H:%M}"
    return {"key": key.kid, "person": signer.person, "algorithm": key.public_key().algorithm, "state": state}


def _named(entry: KeyEntry) -> str:
    return f"The key {entry.kid} ({entry.public_key().algorithm}, thumbprint {entry.public_key().thumbprint})"


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

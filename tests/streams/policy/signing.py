"""People with keys, the approval they are asked about, and tokens good and bad. Made once: keys are slow."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import get_default_algorithms

from schemas.operations import Risk
from streams.policy.approvals import Approval, quorum_of
from streams.policy.exam import Rules
from streams.policy.gate import needed
from streams.policy.jwk import EDDSA, ES256, HS256, RS256, public_jwk
from streams.policy.policy import read_policy
from streams.policy.signers import Registry
from streams.policy.signers_file import SignersFile

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
RULES = Rules(audience="production")
_POLICY = read_policy()
QUORUMS = {risk: quorum_of(needed(_POLICY.quorums, risk)) for risk in Risk}
HASH, OTHER_HASH = "ab" * 32, "cd" * 32
APPROVAL_ID, OTHER_ID = "INC-20261121-ABCDEFGHIJ-A1", "INC-20261121-ABCDEFGHIJ-A2"
APPROVAL = Approval(
    APPROVAL_ID,
    project_id="shop",
    action_hash=HASH,
    quorum=QUORUMS[Risk.HIGH],
    expires_at=NOW + timedelta(minutes=60),
    proposed_by="alice",
)
CRITICAL = replace(APPROVAL, quorum=QUORUMS[Risk.CRITICAL])
SECRET = b"a secret of thirty-two bytes, or"
ALGORITHMS = get_default_algorithms()
TYPE = "approval+jwt"
ROLES = {
    "alice": ["devops"],
    "bob": ["devops"],
    "carol": ["sre"],
    "dave": ["cto"],
    "erin": ["ciso"],
    "frank": ["admin"],
    "grace": ["cto", "ciso"],
    "heidi": ["sre"],
}
_ALGORITHM_OF = {"bob-ec": ES256, "bob-rsa": RS256, "bob-secret": HS256}


@cache
def key(kid: str) -> Any:
    """The private key of this id, or a stranger's."""
    match _ALGORITHM_OF.get(kid, EDDSA):
        case "ES256":
            return ec.generate_private_key(ec.SECP256R1())
        case "RS256":
            return rsa.generate_private_key(65537, 2048)
        case "HS256":
            return SECRET
        case _:
            return Ed25519PrivateKey.generate()


def jwk(kid: str, /, **more: Any) -> dict[str, Any]:
    private, algorithm = key(kid), _ALGORITHM_OF.get(kid, EDDSA)
    public = private if algorithm == HS256 else private.public_key()
    return {**public_jwk(public, algorithm), "kid": kid, **more}


@cache
def signers() -> SignersFile:
    then = NOW.isoformat()
    keys = {person: [jwk(f"{person}-1")] for person in ROLES}
    keys["bob"] += [jwk("bob-ec"), jwk("bob-rsa"), jwk("bob-secret"), jwk("bob-old", revoked=then)]
    keys["carol"] += [
        jwk("carol-new", enrolled=then),
        jwk("carol-2", enrolled=then, confirmed_by="frank"),
    ]
    more: dict[str, Any] = {"heidi": {"projects": ["bank"]}}
    people = [
        {"person": person, "roles": roles, "keys": keys[person], **more.get(person, {})}
        for person, roles in ROLES.items()
    ]
    gone = {"person": "ivan", "roles": ["sre"], "keys": [jwk("ivan-1")], "removed": then}
    return SignersFile.model_validate({"signers": [*people, gone]})


@cache
def registry() -> Registry:
    return Registry.of(signers())


_drawn = iter(range(10**9))


@dataclass(frozen=True, slots=True)
class At:
    """A moment in a token, so many seconds after the time that it is made for."""

    seconds: int


def claims(person: str = "bob", drop: str = "", **given: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "iss": "awoooi",
        "aud": "production",
        "sub": person,
        "roles": ROLES.get(person, ["sre"]),
        "decision": "approve",
        "approval_id": APPROVAL_ID,
        "action_hash": HASH,
        "reason": "the cache is full",
        "iat": SECONDS - 5,
        "exp": SECONDS + 120,
        "jti": str(UUID(int=next(_drawn))),
        **given,
    }
    whole.pop(drop, None)
    return {
        name: SECONDS + value.seconds if isinstance(value, At) else value for name, value in whole.items()
    }


def header(kid: str, /, **given: Any) -> dict[str, Any]:
    return {"alg": _ALGORITHM_OF.get(kid, EDDSA), "kid": kid, "typ": TYPE, **given}


def text(value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def jws(head: Any, body: Any, signed_by: str = "", algorithm: str = "") -> bytes:
    """Signed with this key, whatever the header says."""
    kid = signed_by or str(head["kid"])
    content = f"{b64(text(head))}.{b64(text(body))}"
    method = ALGORITHMS[algorithm or _ALGORITHM_OF.get(kid, EDDSA)]
    return f"{content}.{b64(method.sign(content.encode(), method.prepare_key(key(kid))))}".encode()


def token(
    person: str = "bob", *, kid: str = "", signed_by: str = "", head: Any = None, drop: str = "", **given: Any
) -> bytes:
    """A good one, but for what is given."""
    kid = kid or f"{person}-1"
    return jws(header(kid, **(head or {})), claims(person, drop, **given), signed_by or kid)

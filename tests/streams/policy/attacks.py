"""Attacks on an approval: what is presented, and the one reason that refuses it."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from cryptography.hazmat.primitives import serialization as form

from schemas.operations import Risk
from streams.policy.approvals import LOOKS, Approval, Judged, Look, State, judge
from streams.policy.checks import CHECKS, Check
from streams.policy.exam import Rules
from streams.policy.refusals import Refusal, Refused
from streams.policy.signatures import Vote, verify
from tests.streams.policy import signing
from tests.streams.policy.signing import (
    APPROVAL,
    CRITICAL,
    NOW,
    OTHER_HASH,
    QUORUMS,
    RULES,
    SECONDS,
    TYPE,
    At,
    b64,
    claims,
    header,
    jwk,
    jws,
    key,
    registry,
    text,
    token,
)


@dataclass(frozen=True)
class Attack:
    make: Callable[[], bytes]
    reason: Refusal
    approval: Approval = APPROVAL
    before: tuple[Callable[[], bytes], ...] = ()
    """what was signed before it, all good"""
    rules: Rules = RULES


def verdict(
    token: bytes,
    approval: Approval = APPROVAL,
    rules: Rules = RULES,
    checks: tuple[Check, ...] = CHECKS,
    looks: tuple[Look, ...] = LOOKS,
) -> Judged | Refused:
    found = verify(token, NOW, registry(), rules, checks)
    return judge(found, approval, looks) if isinstance(found, Vote) else found


def reason_of(attack: Attack, checks: tuple[Check, ...] = CHECKS, looks: tuple[Look, ...] = LOOKS) -> str:
    """What becomes of it; empty: it was counted."""
    approval = attack.approval
    made: list[bytes] = []
    for make in attack.before:
        made.append(make())
        judged = verdict(made[-1], approval)
        assert isinstance(judged, Judged)
        assert judged.refused is None, judged.refused
        approval = judged.approval
    last = attack.make()
    found = verdict(last, approval, attack.rules, checks, looks)
    refused = found if isinstance(found, Refused) else found.refused
    return refused.reason.value if refused else ""


def of(refused: Refusal, approval: Approval = APPROVAL, /, **given: Any) -> Attack:
    """A token that is good but for what is given."""
    return Attack(lambda: token(**given), refused, approval)


def raw(head: Any, body: Any, reason: Refusal, signed_by: str = "bob-1") -> Attack:
    return Attack(lambda: jws(head, body, signed_by), reason)


def unsigned(alg: str) -> bytes:
    return f"{b64(text(header('bob-1', alg=alg)))}.{b64(text(claims()))}.".encode()


def keyed(secret: bytes) -> bytes:
    """HS256, with what everybody knows for a secret."""
    content = f"{b64(text(header('bob-1', alg='HS256')))}.{b64(text(claims()))}"
    return f"{content}.{b64(hmac.digest(secret, content.encode(), 'sha256'))}".encode()


def pem(kid: str) -> bytes:
    found: bytes = (
        key(kid).public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    )
    return found


def public(kid: str) -> bytes:
    found: bytes = key(kid).public_key().public_bytes_raw()
    return found


def parts(presented: bytes) -> list[str]:
    return presented.decode().split(".")


def malleable() -> bytes:
    """Ed25519 with S + L for S."""
    head, body, signature = parts(token("carol"))
    raw_signature = base64.urlsafe_b64decode(signature + "==")
    order = 2**252 + 27742317777372353535851937790883648493
    moved = int.from_bytes(raw_signature[32:], "little") + order
    return f"{head}.{body}.{b64(raw_signature[:32] + moved.to_bytes(32, 'little'))}".encode()


def flipped() -> bytes:
    head, body, signature = parts(token("carol"))
    return f"{head}.{body[:20]}{'A' if body[20] != 'A' else 'B'}{body[21:]}.{signature}".encode()


def spare_bits() -> bytes:
    """The last letter stands for two bits; its other four say nothing."""
    made = token()
    return made[:-1] + bytes([made[-1] + 1])


def stored(make: Callable[[], bytes]) -> Callable[[], bytes]:
    """The same token each time, for one approval."""
    made: dict[str, bytes] = {}

    def same() -> bytes:
        return made.setdefault(signing.APPROVAL_ID, make())

    return same


USED = stored(lambda: token("bob"))
DECISION_TWICE = text(claims(decision="reject"))[:-1] + b', "decision": "approve"}'
R = Refusal

TRIED: dict[str, Attack] = {
    "alg none": Attack(lambda: unsigned("none"), R.NOT_SIGNED),
    "alg none in another case": Attack(lambda: unsigned("nOnE"), R.NOT_SIGNED),
    "HS256 with the public key": Attack(lambda: keyed(pem("bob-1")), R.SYMMETRIC_ALGORITHM),
    "HS256 with the raw public key": Attack(lambda: keyed(public("bob-1")), R.SYMMETRIC_ALGORITHM),
    "embedded jwk": of(R.BRINGS_A_KEY, signed_by="evil", head={"jwk": jwk("evil")}),
    "jku header": of(R.BRINGS_A_KEY, signed_by="evil", head={"jku": "http://127.0.0.1/x"}),
    "kid traversal": of(R.MALFORMED_KEY_ID, kid="../../dev/null", signed_by="evil"),
    "kid sql": of(R.MALFORMED_KEY_ID, kid="x' OR '1'='1", signed_by="evil"),
    "crit header": of(R.CRITICAL_HEADER, head={"crit": ["b64"], "b64": False}),
    "unknown signer": of(R.BAD_SIGNATURE, signed_by="evil"),
    "bob's key, sub carol": of(R.NOT_THE_KEYS_OWNER, person="carol", kid="bob-1"),
    "carol's kid, bob's key": of(R.BAD_SIGNATURE, kid="carol-1", signed_by="bob-1"),
    "wrong aud": of(R.WRONG_AUDIENCE, aud="ui"),
    "aud list": of(R.AUDIENCE_IS_A_LIST, aud=["production", "x"]),
    "wrong iss": of(R.UNKNOWN_ISSUER, iss="evil"),
    "wrong typ (log-in token)": of(R.WRONG_TYPE, head={"typ": "JWT"}),
    "expired": of(R.EXPIRED, iat=At(-100), exp=At(-1)),
    "nbf in the future": of(R.NOT_YET_VALID, nbf=At(500), exp=At(600)),
    "iat in the future": of(R.ISSUED_IN_THE_FUTURE, iat=At(900), exp=At(1000)),
    "ten years to live": of(R.LIVES_TOO_LONG, exp=At(3 * 10**8)),
    "no exp": of(R.MISSING_CLAIM, drop="exp"),
    "no jti": of(R.MISSING_CLAIM, drop="jti"),
    "no aud": of(R.MISSING_CLAIM, drop="aud"),
    "no hash": of(R.MISSING_CLAIM, drop="action_hash"),
    "no decision": of(R.MISSING_CLAIM, drop="decision"),
    "action swapped after approval": of(R.OTHER_ACTION, replace(APPROVAL, action_hash=OTHER_HASH)),
    "approves another action": of(R.OTHER_ACTION, action_hash=OTHER_HASH),
    "own proposal": of(R.OWN_PROPOSAL, person="alice"),
    "replay of the same token": Attack(USED, R.REUSED_JTI, before=(USED,)),
    "second vote of one person, new jti": Attack(
        lambda: token("bob"), R.SAME_PERSON, before=(lambda: token("bob"),)
    ),
    "malleable signature, S + L": Attack(malleable, R.BAD_SIGNATURE),
    "signature cut short": Attack(lambda: token("carol")[:-2], R.BAD_SIGNATURE),
    "empty signature": Attack(lambda: token("carol").rpartition(b".")[0] + b".", R.BAD_SIGNATURE),
    "a flipped bit of the claims": Attack(flipped, R.CLAIMS_ARE_NO_OBJECT),
    "trailing data": Attack(lambda: token("carol") + b".x", R.NOT_THREE_PARTS),
    "duplicate claim": raw(header("bob-1"), b'{"sub": "alice", "sub": "bob"}', R.NAME_TWICE, "evil"),
}
"""Those that others have fallen for. One more, a rejection read as an approval, has a test of its own."""

OWN: dict[str, Attack] = {
    # its form
    "nothing": Attack(lambda: b"", R.NOT_THREE_PARTS),
    "a megabyte": Attack(lambda: b"A" * 2**20, R.TOO_LARGE),
    "a good token made large": of(R.TOO_LARGE, reason="x" * 30_000),
    "two parts": Attack(lambda: token().rpartition(b".")[0], R.NOT_THREE_PARTS),
    "an encrypted token's five parts": Attack(lambda: token() + b".x.y", R.NOT_THREE_PARTS),
    "a space behind": Attack(lambda: token() + b" ", R.NOT_BASE64URL),
    "a line break behind": Attack(lambda: token() + b"\n", R.NOT_BASE64URL),
    "padding": Attack(lambda: token() + b"==", R.NOT_BASE64URL),
    "base64 with + and /": Attack(
        lambda: token(reason="???????").replace(b"-", b"+").replace(b"_", b"/"), R.NOT_BASE64URL
    ),
    "spare bits set": Attack(spare_bits, R.NOT_BASE64URL),
    "bytes that are no text": Attack(lambda: b"\xff\xfe.\x00.\x80", R.NOT_BASE64URL),
    "the JSON form": Attack(lambda: b'{"payload":"e30","signatures":[]}', R.NOT_THREE_PARTS),
    "a header that is no object": raw(b'["EdDSA"]', claims(), R.HEADER_IS_NO_OBJECT),
    "a header in UTF-16": raw(
        text(header("bob-1")).decode().encode("utf-16"), claims(), R.HEADER_IS_NO_OBJECT
    ),
    "claims that are no object": raw(header("bob-1"), b'"approve"', R.CLAIMS_ARE_NO_OBJECT),
    "claims with NaN": raw(header("bob-1"), b'{"exp": NaN}', R.CLAIMS_ARE_NO_OBJECT),
    "claims with half a character": raw(header("bob-1"), b'{"sub": "\\ud800"}', R.CLAIMS_ARE_NO_OBJECT),
    "endless nesting": raw(header("bob-1"), b"[" * 4000, R.CLAIMS_ARE_NO_OBJECT),
    "a number of 5,000 digits": raw(
        header("bob-1"), b'{"exp": ' + b"9" * 5000 + b"}", R.CLAIMS_ARE_NO_OBJECT
    ),
    "a decision twice, the signer's own": raw(header("bob-1"), DECISION_TWICE, R.NAME_TWICE),
    "alg twice": raw(text(header("bob-1"))[:-1] + b', "alg": "none"}', claims(), R.NAME_TWICE),
    "a name twice, deep inside": raw(
        header("bob-1"), text(claims())[:-1] + b', "x": [{"a": 1, "a": 2}]}', R.NAME_TWICE
    ),
    # its header
    "x5u": of(R.BRINGS_A_KEY, signed_by="evil", head={"x5u": "https://evil.example/cert.pem"}),
    "x5c": of(R.BRINGS_A_KEY, signed_by="evil", head={"x5c": ["MIIB"]}),
    "b64 alone": of(R.CRITICAL_HEADER, head={"b64": False}),
    "cty": of(R.UNKNOWN_HEADER, head={"cty": "JWT"}),
    "zip": of(R.UNKNOWN_HEADER, head={"zip": "DEF"}),
    "ALG in capitals beside alg": of(R.UNKNOWN_HEADER, head={"ALG": "none"}),
    "no kid": raw({"alg": "EdDSA", "typ": TYPE}, claims(), R.MISSING_HEADER),
    "no alg": raw({"kid": "bob-1", "typ": TYPE}, claims(), R.MISSING_HEADER),
    "typ of an access token": of(R.WRONG_TYPE, head={"typ": "at+jwt"}),
    "typ in capitals": of(R.WRONG_TYPE, head={"typ": "APPROVAL+JWT"}),
    "typ as a list": of(R.WRONG_TYPE, head={"typ": [TYPE]}),
    "alg null": of(R.WRONG_ALGORITHM, head={"alg": None}),
    "alg as a list": of(R.WRONG_ALGORITHM, head={"alg": ["EdDSA"]}),
    "alg in small letters": of(R.WRONG_ALGORITHM, head={"alg": "eddsa"}),
    "PS256": of(R.WRONG_ALGORITHM, kid="bob-rsa", head={"alg": "PS256"}),
    "ES256K": of(R.WRONG_ALGORITHM, kid="bob-ec", head={"alg": "ES256K"}),
    "HS512": of(R.SYMMETRIC_ALGORITHM, head={"alg": "HS512"}),
    "a shared secret off one machine": of(R.SYMMETRIC_ALGORITHM, kid="bob-secret"),
    "HS256 with an RSA key, on one machine": Attack(
        lambda: jws(header("bob-rsa", alg="HS256"), claims(), "bob-secret"),
        R.OTHER_KEYS_ALGORITHM,
        rules=replace(RULES, embedded=True),
    ),
    "an RSA key's signature called EdDSA": of(R.OTHER_KEYS_ALGORITHM, kid="bob-rsa", head={"alg": "EdDSA"}),
    "a P-256 key's signature called RS256": of(R.OTHER_KEYS_ALGORITHM, kid="bob-ec", head={"alg": "RS256"}),
    "kid empty": of(R.MALFORMED_KEY_ID, kid="", head={"kid": ""}),
    "kid a number": of(R.MALFORMED_KEY_ID, head={"kid": 1}),
    "kid with a zero byte": of(R.MALFORMED_KEY_ID, head={"kid": "bob-1\x00"}),
    "kid with a line break": of(R.MALFORMED_KEY_ID, head={"kid": "bob-1\n"}),
    "kid in a look-alike": of(R.MALFORMED_KEY_ID, head={"kid": "b\u043eb-1"}),
    # its claims
    "a claim that nobody knows": of(R.UNKNOWN_CLAIM, admin=True),
    "Sub beside sub": of(R.UNKNOWN_CLAIM, Sub="carol"),
    "aud empty list": of(R.AUDIENCE_IS_A_LIST, aud=[]),
    "aud null": of(R.MALFORMED_CLAIM, aud=None),
    "exp as text": of(R.MALFORMED_CLAIM, exp=str(SECONDS + 60)),
    "exp true": of(R.MALFORMED_CLAIM, exp=True),
    "exp a fraction": of(R.MALFORMED_CLAIM, exp=SECONDS + 0.5),
    "exp 1e999": raw(header("bob-1"), text(claims(exp="X")).replace(b'"X"', b"1e999"), R.MALFORMED_CLAIM),
    "iat negative": of(R.MALFORMED_CLAIM, iat=-1),
    "nbf null": of(R.MALFORMED_CLAIM, nbf=None),
    "exp beyond the year 9999": of(R.MALFORMED_CLAIM, exp=10**18),
    "sub a list": of(R.MALFORMED_CLAIM, sub=["bob", "carol"]),
    "jti a number": of(R.MALFORMED_CLAIM, jti=1),
    "roles as text": of(R.MALFORMED_CLAIM, roles="devops"),
    "a role twice": of(R.MALFORMED_CLAIM, roles=["devops", "devops"]),
    "roles of numbers": of(R.MALFORMED_CLAIM, roles=[1]),
    # its key, who and where
    "a key of nobody": of(R.UNKNOWN_KEY, kid="mallory-1"),
    "an issuer that is not configured": of(R.UNKNOWN_ISSUER, iss="https://login.example.com"),
    "the issuer with a slash behind": of(R.UNKNOWN_ISSUER, iss="awoooi/"),
    "a revoked key": of(R.REVOKED_KEY, kid="bob-old"),
    "a key that no admin has confirmed": of(R.UNCONFIRMED_KEY, person="carol", kid="carol-new"),
    "a removed person": of(R.REMOVED_PERSON, person="ivan"),
    "another's claims under bob's key": of(R.NOT_THE_KEYS_OWNER, person="dave", kid="bob-1", roles=["cto"]),
    "a Cyrillic o in the name": of(R.LOOK_ALIKE_NAME, sub="b\u043eb"),
    "a wide letter in the name": of(R.LOOK_ALIKE_NAME, sub="\uff42ob"),
    "the name in capitals": of(R.LOOK_ALIKE_NAME, sub="BOB"),
    "an invisible letter in the name": of(R.LOOK_ALIKE_NAME, sub="bo\u200bb"),
    "an accent on the name": of(R.LOOK_ALIKE_NAME, sub="b\u00f6b"),
    "a space behind the name": of(R.LOOK_ALIKE_NAME, sub="bob "),
    "no role": of(R.NO_ROLE, roles=[]),
    "a role in capitals": of(R.UNKNOWN_ROLE, roles=["DEVOPS"]),
    "a role in a look-alike": of(R.UNKNOWN_ROLE, roles=["\u0441to"]),
    "a role of no list": of(R.UNKNOWN_ROLE, roles=["root"]),
    "a role that the registry does not give": of(R.ROLE_NOT_GIVEN, roles=["cto"]),
    "one role too many": of(R.ROLE_NOT_GIVEN, roles=["devops", "ciso"]),
    "another environment": of(R.WRONG_AUDIENCE, aud="staging"),
    "the environment in capitals": of(R.WRONG_AUDIENCE, aud="Production"),
    "the environment with a space": of(R.WRONG_AUDIENCE, aud="production "),
    # when
    "ends as it begins": of(R.ENDS_BEFORE_IT_BEGINS, exp=At(-5)),
    "ends before its nbf": of(R.ENDS_BEFORE_IT_BEGINS, nbf=At(200)),
    "expires this very second": of(R.EXPIRED, exp=At(0)),
    "expired within the skew": of(R.EXPIRED, iat=At(-60), exp=At(-10)),
    "a clock ahead by more than the skew": of(R.ISSUED_IN_THE_FUTURE, iat=At(31)),
    "valid from after the skew": of(R.NOT_YET_VALID, nbf=At(31)),
    "a second over the longest life": of(R.LIVES_TOO_LONG, iat=At(0), exp=At(24 * 3600 + 1)),
    # what
    "decision in capitals": of(R.UNKNOWN_DECISION, decision="APPROVE"),
    "decision yes": of(R.UNKNOWN_DECISION, decision="yes"),
    "decision empty": of(R.UNKNOWN_DECISION, decision=""),
    "approval id of nothing": of(R.MALFORMED_APPROVAL_ID, approval_id="1"),
    "approval id with a line break": of(R.MALFORMED_APPROVAL_ID, approval_id=f"{APPROVAL.approval_id}\n"),
    "approval id with Arabic digits": of(
        R.MALFORMED_APPROVAL_ID,
        approval_id="INC-\u0662\u0660\u0662\u0666\u0661\u0661\u0662\u0661-ABCDEFGHIJ-A1",
    ),
    "hash in capitals": of(R.MALFORMED_HASH, action_hash="AB" * 32),
    "hash cut short": of(R.MALFORMED_HASH, action_hash="ab" * 31),
    "hash empty": of(R.MALFORMED_HASH, action_hash=""),
    "jti empty": of(R.MALFORMED_JTI, jti=""),
    "jti with a quote": of(R.MALFORMED_JTI, jti="12345678'--"),
    "jti of a thousand letters": of(R.MALFORMED_JTI, jti="x" * 1000),
    "a reason of a thousand and one letters": of(R.REASON_TOO_LONG, reason="x" * 1001),
    # beside its approval
    "another approval of the incident": of(R.OTHER_APPROVAL, approval_id=f"{APPROVAL.approval_id[:-1]}2"),
    "another incident's approval": of(R.OTHER_APPROVAL, approval_id="INC-20261121-KLMNOPQRST-A1"),
    "a signer of another project": of(R.OTHER_PROJECT, person="heidi"),
    "an admin where a CTO is asked": of(R.ROLE_DOES_NOT_COUNT, CRITICAL, person="frank"),
    "a CTO where an operator is asked": of(R.ROLE_DOES_NOT_COUNT, person="dave"),
    "longer than its approval": of(R.OUTLIVES_APPROVAL, exp=At(3601)),
    "own proposal, the name spelled otherwise": Attack(
        lambda: token("bob"), R.OWN_PROPOSAL, replace(APPROVAL, proposed_by="B\u043eb")
    ),
    "own rejection": of(R.OWN_PROPOSAL, person="alice", decision="reject"),
    "second vote with another key": Attack(
        lambda: token("bob", kid="bob-ec"), R.SAME_PERSON, before=(lambda: token("bob"),)
    ),
    "a change of mind": Attack(
        lambda: token("bob", decision="reject"), R.SAME_PERSON, before=(lambda: token("bob"),)
    ),
    "both places for one with both roles": Attack(
        lambda: token("grace"), R.SAME_PERSON, CRITICAL, before=(lambda: token("grace"),)
    ),
    "replay by another transport, closed in between": Attack(
        USED, R.REUSED_JTI, replace(APPROVAL, quorum=QUORUMS[Risk.MEDIUM]), before=(USED,)
    ),
    "after it was approved": of(R.CLOSED, replace(APPROVAL, state=State.APPROVED)),
    "after it was rejected": of(R.CLOSED, replace(APPROVAL, state=State.REJECTED)),
    "after it was voided": of(R.CLOSED, replace(APPROVAL, state=State.VOIDED)),
    "after it expired": of(R.CLOSED, replace(APPROVAL, state=State.EXPIRED)),
}

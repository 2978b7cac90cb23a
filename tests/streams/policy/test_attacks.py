"""Every attack is refused with its own reason; every check is needed; no changed token is accepted."""

from __future__ import annotations

import base64
import random
from dataclasses import replace

import pytest

from streams.policy.approvals import LOOKS, Judged, Look, State, Verdict
from streams.policy.checks import CHECKS, Check
from streams.policy.refusals import Refusal, Refused
from streams.policy.signatures import Vote, verify
from tests.streams.policy.attacks import OWN, TRIED, Attack, parts, reason_of, verdict
from tests.streams.policy.signing import CRITICAL, NOW, RULES, b64, claims, registry, text, token

ATTACKS = {**TRIED, **OWN}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_an_attack_is_refused_with_its_own_reason(attack: Attack) -> None:
    assert reason_of(attack) == attack.reason


def test_there_are_as_many_as_promised() -> None:
    assert len(TRIED) + 1 == 37
    assert len(OWN) >= 40
    assert not TRIED.keys() & OWN.keys()


def test_a_rejection_is_not_read_as_an_approval() -> None:
    judged = verdict(token(decision="reject"))

    assert isinstance(judged, Judged)
    assert judged.approval.state is State.REJECTED


# -- each check is needed


OF_THE_REGISTRY = {Refusal.SIGNERS_IN_DOUBT, Refusal.DISPUTED_KEY}
"""no token does it: what the registry knows; each is left out in test_recorded_signers.py"""


@pytest.mark.parametrize(
    "left_out",
    [one for one in (*CHECKS, *LOOKS) if one.reason not in OF_THE_REGISTRY],
    ids=lambda one: one.reason.value,
)
def test_what_is_left_out_is_noticed(left_out: Check | Look) -> None:
    """Of a token by itself, or beside its approval."""
    checks = tuple(one for one in CHECKS if one is not left_out)
    looks = tuple(one for one in LOOKS if one is not left_out)
    assert len(checks) + len(looks) == len(CHECKS) + len(LOOKS) - 1

    assert [name for name, attack in ATTACKS.items() if reason_of(attack, checks, looks) != attack.reason]


def test_without_the_checks_beside_the_key_most_attacks_would_pass() -> None:
    """The table is dangerous: what a plain library call does, signature and expiry, is not enough."""
    plain = tuple(
        check
        for check in CHECKS
        if check.reason in (Refusal.BAD_SIGNATURE, Refusal.EXPIRED, Refusal.UNKNOWN_KEY)
    )

    passed = [name for name, attack in ATTACKS.items() if not reason_of(attack, plain, ())]

    assert len(passed) > 50


def test_every_reason_is_some_attacks() -> None:
    reasons = {attack.reason for attack in ATTACKS.values()}

    elsewhere = {
        Refusal.NO_QUORUM,  # of the check before an effect
        Refusal.UNKNOWN_APPROVAL,  # of the approve stage, which alone knows what was asked
    }
    assert set(Refusal) - reasons == elsewhere | OF_THE_REGISTRY
    assert {one.reason for one in (*CHECKS, *LOOKS)} == set(Refusal) - elsewhere - {Refusal.CLOSED}


# -- what is good passes


GOOD = {
    "Ed25519": {},
    "P-256": {"kid": "bob-ec"},
    "RSA": {"kid": "bob-rsa"},
    "a key made in a browser and confirmed": {"person": "carol", "kid": "carol-2"},
    "a clock ahead within the skew": {"iat": int(NOW.timestamp()) + 30, "nbf": int(NOW.timestamp()) + 30},
    "as long as its approval": {"exp": int(NOW.timestamp()) + 3600},
    "the longest reason, in any script": {"reason": "🔥" * 1000},
    "no reason": {"reason": ""},
}


@pytest.mark.parametrize("given", GOOD.values(), ids=GOOD)
def test_a_good_signature_counts(given: dict[str, object]) -> None:
    judged = verdict(token(**given))  # type: ignore[arg-type]  # a table of different arguments

    assert isinstance(judged, Judged), judged
    assert judged.verdict is Verdict.COUNTED


def test_a_shared_secret_signs_on_one_machine_alone() -> None:
    made = token(kid="bob-secret")

    assert isinstance(verdict(made, rules=replace(RULES, embedded=True)), Judged)
    assert isinstance(verdict(made), Refused)


def test_a_token_says_fewer_roles_than_the_registry_gives() -> None:
    judged = verdict(token("grace", roles=["ciso"]), CRITICAL)

    assert isinstance(judged, Judged)
    assert [sorted(vote.roles) for vote in judged.approval.votes] == [["ciso"]]


# -- changes of a good token


CHANGES = 5_000


def changed(good: bytes, others: list[bytes], draw: random.Random) -> bytes:
    at = draw.randrange(len(good))
    other = draw.choice(others)
    match draw.randrange(10):
        case 0:
            return good[:at] + bytes([good[at] ^ 1 << draw.randrange(8)]) + good[at + 1 :]
        case 1:
            return good[:at] + bytes([draw.randrange(256)]) + good[at + 1 :]
        case 2:
            return good[:at] + good[at + 1 :]
        case 3:
            return good[:at] + bytes([draw.randrange(256)]) + good[at:]
        case 4:
            return good[:at]
        case 5:
            return good[:at] + other[at:]
        case 6:
            return good + bytes(draw.randrange(256) for _ in range(draw.randrange(1, 5)))
        case 7:
            return good.swapcase() if draw.random() < 0.1 else good[:at] + good[at:].swapcase()
        case 8:
            mixed = [
                draw.choice((mine, theirs)) for mine, theirs in zip(parts(good), parts(other), strict=True)
            ]
            return ".".join(mixed).encode()
        case _:
            return rewritten(good, draw)


def rewritten(good: bytes, draw: random.Random) -> bytes:
    """Other claims under the old signature."""
    head, _, signature = parts(good)
    name = draw.choice(["sub", "decision", "approval_id", "action_hash", "exp", "jti", "roles", "aud"])
    value = draw.choice(["carol", "reject", 10**9, ["cto"]])
    return f"{head}.{b64(text(claims(**{name: value})))}.{signature}".encode()


@pytest.mark.parametrize("kid", ["bob-1", "bob-ec", "bob-rsa"])
def test_no_random_change_of_a_good_token_is_accepted(kid: str) -> None:
    draw = random.Random(kid)
    good = token(kid=kid)
    others = [token("carol"), token(kid=kid), token(kid=kid, decision="reject")]
    assert isinstance(verify(good, NOW, registry(), RULES), Vote)

    accepted, tried = [], 0
    while tried < CHANGES:
        made = changed(good, others, draw)
        if made in (good, *others):
            continue
        tried += 1
        if isinstance(verify(made, NOW, registry(), RULES), Vote):
            accepted.append(made)

    assert accepted == []


def test_a_p256_signature_turned_around_is_still_one_vote() -> None:
    """(r, s) and (r, n - s) are both good by definition: the jti is what counts once, not the bytes."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    good = token(kid="bob-ec")
    head, body, signature = parts(good)
    raw = base64.urlsafe_b64decode(signature + "==")
    turned = raw[:32] + (order - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    twin = f"{head}.{body}.{b64(turned)}".encode()

    first = verdict(good)
    assert isinstance(first, Judged)
    second = verdict(twin, first.approval)

    assert isinstance(second, Judged)
    assert second.refused is not None
    assert second.refused.reason is Refusal.REUSED_JTI

"""Whatever is presented, also under a signer's good signature: an answer, never an exception."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.policy.approvals import judge
from streams.policy.refusals import Refused
from streams.policy.signatures import Vote, key_named, verify
from tests.streams.policy.signing import APPROVAL, NOW, RULES, b64, claims, header, jws, registry

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from([*claims(), "nbf", "alg", "kid", "typ", "jwk"]) | st.text(max_size=8)
CHANGES = st.dictionaries(NAMES, VALUES, max_size=3)
KEYS = st.sampled_from(["bob-1", "bob-ec", "evil"])


def answered(token: bytes) -> Vote | Refused:
    found = verify(token, NOW, registry(), RULES)
    assert isinstance(found, Vote | Refused)
    issuer, kid = key_named(token, RULES)
    assert isinstance(issuer, str)
    assert isinstance(kid, str)
    return found


@given(head=CHANGES, body=CHANGES, kid=KEYS)
@settings(max_examples=1000, deadline=None)
def test_values_of_any_type_under_a_good_signature(
    head: dict[str, Any], body: dict[str, Any], kid: str
) -> None:
    found = answered(jws({**header("bob-1"), **head}, {**claims(), **body}, kid))

    if isinstance(found, Vote):
        assert kid == "bob-1"
        assert found.person == "bob"
        judge(found, APPROVAL)


@given(first=st.binary(max_size=60), second=st.binary(max_size=60), third=st.binary(max_size=80))
@settings(max_examples=1000, deadline=None)
def test_any_three_parts(first: bytes, second: bytes, third: bytes) -> None:
    assert isinstance(answered(f"{b64(first)}.{b64(second)}.{b64(third)}".encode()), Refused)


@given(token=st.binary(max_size=300))
@settings(max_examples=1000, deadline=None)
def test_any_bytes(token: bytes) -> None:
    assert isinstance(answered(token), Refused)

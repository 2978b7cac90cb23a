"""What `awoooi approve` signs is what it shows, with whose key it says."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization as form

from awoooi.sign_commands import hand_of, shown, signed
from schemas.approval import ApprovalRequested
from schemas.errors import BadPayload, Misconfigured
from streams.policy.action_hash import act_of, action_hash
from streams.policy.signatures import Vote, verify
from streams.policy.signers_file import SignersFile
from tests.schemas.golden_events import golden
from tests.streams.policy.signing import RULES, key, registry, signers


def request(**changes: Any) -> ApprovalRequested:
    """Hashed as the gate does it."""
    event: ApprovalRequested = golden("approval.requested")
    asked = event.payload.model_copy(update={"commitments": {}, **changes})
    hashed = asked.model_copy(update={"action_hash": action_hash(act_of(asked))})
    return event.model_copy(update={"payload": hashed})


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, SignersFile]:
    """Bob's private key, and the registry."""
    private = key("bob-1").private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    (tmp_path / "bob.key").write_bytes(private)
    return tmp_path / "bob.key", signers()


def test_what_it_signs_is_accepted(files: tuple[Path, SignersFile]) -> None:
    asked, hand = request(), hand_of(*files, "", ())
    now = int(asked.payload.expires_at.timestamp()) - 60
    token = signed(asked, "approve", "seen", hand, RULES.audience, now)

    found = verify(token, datetime.fromtimestamp(now, UTC), registry(), RULES)
    assert isinstance(found, Vote), found
    assert (found.person, found.reason, found.action_hash) == ("bob", "seen", asked.payload.action_hash)
    assert found.expires == now + 60, "no later than the approval's own end"


def test_it_signs_no_hash_but_that_of_what_it_shows(files: tuple[Path, SignersFile]) -> None:
    honest = request()
    other = honest.payload.model_copy(update={"action_hash": "0" * 64})

    with pytest.raises(BadPayload, match="action_hash"):
        signed(honest.model_copy(update={"payload": other}), "approve", "", hand_of(*files, "", ()), "x", 0)


def test_it_signs_nothing_that_has_expired(files: tuple[Path, SignersFile]) -> None:
    asked = request()

    with pytest.raises(Misconfigured, match="expired"):
        signed(asked, "approve", "", hand_of(*files, "", ()), "x", int(asked.payload.expires_at.timestamp()))


def test_it_shows_what_would_be_done() -> None:
    text = "\n".join(shown(request()))

    assert "SET_RESOURCES on eu-1/shop/deployment/checkout" in text
    assert "limits={'memory': '512Mi'}" in text
    assert "risk HIGH" in text


def test_a_key_that_nobody_here_has_needs_a_name(files: tuple[Path, SignersFile]) -> None:
    private, nowhere = files[0], SignersFile()

    with pytest.raises(Misconfigured, match="give --person and --role"):
        hand_of(private, nowhere, "bob", ())
    assert hand_of(private, nowhere, "bob", ("devops",)).person == "bob"


@pytest.mark.parametrize("content", [b"", b"no key"], ids=["empty", "rubbish"])
def test_what_is_no_key_is_told(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.key"
    path.write_bytes(content)

    with pytest.raises(Misconfigured, match="no private key"):
        hand_of(path, SignersFile(), "bob", ("sre",))

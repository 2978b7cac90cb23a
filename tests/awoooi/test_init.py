"""The first start: what it makes, for whom it is readable, and that a second one changes nothing."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from awoooi.init import Made, init
from awoooi.loading import load
from awoooi.settings import Settings
from connectors.tokens import TokenFile, revoke_token
from schemas.errors import Misconfigured

OWNER_ONLY = 0o600


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "state"


def settings(state: Path, **more: str) -> Settings:
    return load({"AWOOOI_STATE_DIR": str(state), **more}).settings


def contents(state: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in state.iterdir()}


def names(made: list[Made], *, new: bool) -> set[str]:
    return {thing.path.name for thing in made if thing.is_new is new}


def test_it_makes_everything_for_its_owner_alone(state: Path) -> None:
    made = init(settings(state))

    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    assert names(made, new=True) == {
        "admin.key",
        "signers.json",
        "gateway.token",
        "admin.token",
        "stamp.secret",
        "target.secret",
        "proof.secret",
        "store-writer.password",
        "store-reader.password",
        "sealing.key",
        "audit.key",
    }
    for thing in made:
        assert stat.S_IMODE(thing.path.stat().st_mode) == OWNER_ONLY, thing.path


def test_a_second_call_changes_nothing_and_says_so(state: Path) -> None:
    init(settings(state))
    before = contents(state)

    again = init(settings(state))

    assert contents(state) == before
    assert names(again, new=True) == set()
    assert not any(thing.shown for thing in again), "a secret is shown once"


def test_the_token_opens_the_gateway_and_is_stored_hashed(state: Path) -> None:
    shown = next(thing.shown for thing in init(settings(state)) if thing.shown)

    assert (state / "gateway.token").read_text().strip() == shown
    assert TokenFile(state / "tokens.json").find(shown) is not None
    assert shown not in (state / "tokens.json").read_text()


def test_a_token_that_was_lost_or_revoked_is_made_anew(state: Path) -> None:
    first = next(thing.shown for thing in init(settings(state)) if thing.shown)
    (state / "gateway.token").unlink()

    made = init(settings(state))

    assert names(made, new=True) == {"gateway.token"}
    assert (state / "gateway.token").read_text().strip() != first


def test_the_admins_token_acts_for_the_admin_and_is_never_shown(state: Path) -> None:
    made = init(settings(state))
    token = (state / "admin.token").read_text().strip()

    person = TokenFile(state / "tokens.json").find_person(token)
    assert person is not None
    assert (person.person, person.roles, person.projects) == ("admin", ("admin",), "*")
    assert not any(token in thing.shown for thing in made)


def test_an_admins_token_that_was_revoked_is_made_anew(state: Path) -> None:
    init(settings(state))
    first = (state / "admin.token").read_text()
    revoke_token(state / "tokens.json", first.split("_")[1])

    assert names(init(settings(state)), new=True) == {"admin.token"}
    assert (state / "admin.token").read_text() != first


def test_the_signers_file_holds_the_admins_public_key_alone(state: Path) -> None:
    init(settings(state))

    (signer,) = json.loads((state / "signers.json").read_text())["signers"]
    (key,) = signer["keys"]

    assert (signer["person"], signer["roles"]) == ("admin", ["admin"])
    assert (key["kty"], key["crv"], key["alg"]) == ("OKP", "Ed25519", "EdDSA")
    assert "d" not in key


def test_a_stamp_secret_that_is_given_is_not_made(state: Path) -> None:
    made = init(settings(state, AWOOOI_GATEWAY_STAMP_SECRET="x" * 32))

    assert "stamp.secret" not in {thing.path.name for thing in made}


def test_a_folder_that_is_open_to_others_is_closed(state: Path) -> None:
    state.mkdir(mode=0o755)

    init(settings(state))

    assert stat.S_IMODE(state.stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made_is_named_with_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(Misconfigured) as caught:
        init(settings(tmp_path / "file" / "state"))

    assert str(tmp_path / "file" / "state") in str(caught.value)
    assert "AWOOOI_STATE_DIR" in str(caught.value)

"""`awoooi keys` and `awoooi signers`: made for one pair of eyes, registered, changed, ended."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from awoooi import key_commands, signer_commands
from awoooi.checks_here import signers
from awoooi.findings import Verdict
from awoooi.init import init
from awoooi.loading import load
from awoooi.settings import Settings
from schemas.errors import Misconfigured
from streams.policy.refusals import Refusal, Refused
from streams.policy.signatures import Vote, verify
from streams.policy.signers import Registry
from streams.policy.signers_file import read_signers
from tests.awoooi.test_cli import awoooi
from tests.streams.policy.signing import ALGORITHMS, NOW, RULES, b64, claims, text

MakeKey = Callable[..., dict[str, Any]]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    found = load({"AWOOOI_STATE_DIR": str(tmp_path / "state"), "AWOOOI_APPROVALS_ENVIRONMENT": "production"})
    init(found.settings)
    return found.settings


@pytest.fixture
def make_key(settings: Settings, capsys: pytest.CaptureFixture[str]) -> MakeKey:
    def make(person: str, algorithm: str = "EdDSA", to: str = "") -> dict[str, Any]:
        key_commands.new(settings, person, algorithm, to)
        said = capsys.readouterr().out
        assert "PRIVATE" not in said
        line = next(line for line in said.splitlines() if line.startswith("Public key: "))
        return {"said": said, "jwk": json.loads(line.removeprefix("Public key: "))}

    return make


def registered(settings: Settings, person: str, jwk: dict[str, Any], *roles: str) -> Registry:
    signer_commands.add(settings, person, roles, (), (json.dumps(jwk),))
    return Registry.of(read_signers(settings.approvals.signers_file))


def signed(settings: Settings, person: str, jwk: dict[str, Any], **given: Any) -> bytes:
    """With the private key as it lies in its file."""
    private = load_pem_private_key((settings.state_dir / "keys" / f"{person}.key").read_bytes(), None)
    header = {"alg": jwk["alg"], "kid": jwk["kid"], "typ": "approval+jwt"}
    content = f"{b64(text(header))}.{b64(text(claims(person, **given)))}"
    return f"{content}.{b64(ALGORITHMS[jwk['alg']].sign(content.encode(), private))}".encode()


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256"])
def test_a_new_key_signs_once_it_is_registered(settings: Settings, make_key: MakeKey, algorithm: str) -> None:
    jwk = make_key("bob", algorithm)["jwk"]
    made = signed(settings, "bob", jwk)

    before = verify(made, NOW, Registry.of(read_signers(settings.approvals.signers_file)), RULES)
    after = verify(made, NOW, registered(settings, "bob", jwk, "devops"), RULES)

    assert isinstance(before, Refused)
    assert before.reason is Refusal.UNKNOWN_KEY
    assert isinstance(after, Vote)


def test_a_private_key_is_its_owners_alone_and_never_shown(settings: Settings, make_key: MakeKey) -> None:
    made = make_key("bob")
    path = settings.state_dir / "keys" / "bob.key"
    lines = path.read_text().splitlines()

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not [line for line in lines if line in made["said"]]
    assert "d" not in made["jwk"]
    shown = json.dumps(made["jwk"], separators=(",", ":"))
    assert f"awoooi signers add bob --role ROLE --key '{shown}'" in made["said"]
    assert "aud production" in made["said"]


def test_a_key_is_never_overwritten(settings: Settings, make_key: MakeKey, tmp_path: Path) -> None:
    make_key("bob")
    before = (settings.state_dir / "keys" / "bob.key").read_bytes()

    with pytest.raises(Misconfigured, match="--to names another"):
        make_key("bob")
    make_key("bob", to=str(tmp_path / "elsewhere" / "bob.key"))

    assert (settings.state_dir / "keys" / "bob.key").read_bytes() == before
    assert (tmp_path / "elsewhere" / "bob.key").exists()


def test_a_revoked_key_signs_nothing(settings: Settings, make_key: MakeKey) -> None:
    jwk = make_key("bob")["jwk"]
    registered(settings, "bob", jwk, "devops")

    key_commands.revoke(settings, jwk["kid"])
    key_commands.revoke(settings, jwk["kid"])

    registry = Registry.of(read_signers(settings.approvals.signers_file))
    found = verify(signed(settings, "bob", jwk), NOW, registry, RULES)
    assert isinstance(found, Refused)
    assert found.reason is Refusal.REVOKED_KEY


def test_a_removed_person_signs_nothing_and_comes_back_with_new_keys(
    settings: Settings, make_key: MakeKey
) -> None:
    jwk = make_key("bob")["jwk"]
    made = signed(settings, "bob", jwk)
    registered(settings, "bob", jwk, "devops")

    signer_commands.remove(settings, "bob")
    signer_commands.remove(settings, "bob")
    gone = verify(made, NOW, Registry.of(read_signers(settings.approvals.signers_file)), RULES)
    signer_commands.add(settings, "bob", ("devops",), (), ())
    back = verify(made, NOW, Registry.of(read_signers(settings.approvals.signers_file)), RULES)

    assert isinstance(gone, Refused)
    assert isinstance(back, Refused)
    assert (gone.reason, back.reason) == (Refusal.REVOKED_KEY, Refusal.REVOKED_KEY)


def test_roles_and_projects_are_replaced_and_keys_are_added(settings: Settings, make_key: MakeKey) -> None:
    first = make_key("bob")["jwk"]
    registered(settings, "bob", first, "devops")
    second = make_key("bob", "ES256", str(settings.state_dir / "other.key"))["jwk"]

    signer_commands.add(settings, "bob", ("sre", "cto"), ("shop",), (json.dumps(second),))

    bob = next(one for one in read_signers(settings.approvals.signers_file).signers if one.person == "bob")
    assert (bob.roles, bob.projects) == (("sre", "cto"), ("shop",))
    assert [key.kid for key in bob.keys] == [first["kid"], second["kid"]]


WRONG: dict[str, tuple[Callable[[Settings], None], str]] = {
    "a new person without role": (lambda s: signer_commands.add(s, "eve", (), (), ()), "admin, devops, sre"),
    "a role that is none": (lambda s: signer_commands.add(s, "eve", ("root",), (), ()), "'admin', 'devops'"),
    "a name in capitals": (lambda s: signer_commands.add(s, "Eve", ("sre",), (), ()), "person"),
    "a key that is no JSON": (lambda s: signer_commands.add(s, "eve", ("sre",), (), ("{",)), "--key"),
    "a key file that is not there": (lambda s: signer_commands.add(s, "eve", ("sre",), (), ("x",)), "--key"),
    "removing nobody": (lambda s: signer_commands.remove(s, "eve"), "there are: admin"),
    "revoking no key": (lambda s: key_commands.revoke(s, "nothing"), "no key has the id 'nothing'"),
    "a key for no name": (lambda s: key_commands.new(s, "../bob", "EdDSA", ""), "person"),
}


@pytest.mark.parametrize(("act", "told"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told_and_changes_nothing(
    settings: Settings, act: Callable[[Settings], None], told: str
) -> None:
    before = settings.approvals.signers_file.read_bytes()

    with pytest.raises(Misconfigured, match=told):
        act(settings)

    assert settings.approvals.signers_file.read_bytes() == before


def test_anothers_key_is_not_taken(settings: Settings, make_key: MakeKey) -> None:
    jwk = make_key("bob")["jwk"]
    registered(settings, "bob", jwk, "devops")

    with pytest.raises(Misconfigured, match="stands twice"):
        registered(settings, "eve", {**jwk, "kid": "eve-1"}, "sre")


def test_a_file_written_by_hand_is_left_to_its_hand(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "signers.yaml"
    path.write_text("signers: []  # ours\n")
    theirs = load({"AWOOOI_STATE_DIR": str(tmp_path / "state"), "AWOOOI_APPROVALS_SIGNERS_FILE": str(path)})

    with pytest.raises(Misconfigured, match="by hand"):
        signer_commands.add(theirs.settings, "eve", ("sre",), (), ())


async def test_the_doctor_says_who_can_sign(settings: Settings) -> None:
    loaded = load({"AWOOOI_STATE_DIR": str(settings.state_dir)})
    path = settings.approvals.signers_file

    (fresh,) = await signers(loaded)
    signer_commands.remove(settings, "admin")
    (nobody,) = await signers(loaded)
    path.write_text('{"signers": [{"person": "Bob"}]}')
    (broken,) = await signers(loaded)

    assert (fresh.verdict, fresh.what) == (Verdict.OK, "1 can sign")
    assert nobody.verdict is Verdict.WARNING
    assert broken.verdict is Verdict.WRONG
    assert f"{path}:1" in broken.what


def test_the_commands_as_they_are_typed(tmp_path: Path) -> None:
    awoooi(tmp_path, "init")
    made = awoooi(tmp_path, "keys", "new", "bob", "--algorithm", "ES256")
    jwk = made.stdout.split("Public key: ")[1].splitlines()[0]
    added = awoooi(tmp_path, "signers", "add", "bob", "--role", "sre", "--role", "cto", "--key", jwk)
    keys = json.loads(awoooi(tmp_path, "keys", "list", "--json").stdout)
    awoooi(tmp_path, "keys", "revoke", keys[1]["key"])
    table = awoooi(tmp_path, "keys", "list").stdout
    awoooi(tmp_path, "signers", "remove", "bob")
    listed = awoooi(tmp_path, "signers", "list").stdout

    assert added.returncode == 0, added.stderr
    assert "bob may sign as sre, cto in all projects" in added.stdout
    assert [(row["person"], row["algorithm"]) for row in keys] == [("admin", "EdDSA"), ("bob", "ES256")]
    assert "revoked" in table
    assert "removed" in listed
    assert json.loads(awoooi(tmp_path, "signers", "list", "--json").stdout)[1]["person"] == "bob"

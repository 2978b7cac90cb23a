"""`awoooi keys` and `awoooi signers`: made for one pair of eyes, registered, changed, ended."""

from __future__ import annotations

import getpass
import json
import stat
from collections.abc import Callable, Sequence
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
from awoooi.signers_log import register
from schemas.catalog import key_of
from schemas.codec import Codec
from schemas.envelope import Event
from schemas.errors import Misconfigured
from streams.policy.recorded_signers import Recorded, recorded
from streams.policy.refusals import Refusal, Refused
from streams.policy.signatures import Vote, verify
from streams.policy.signers import Registry, Standing
from streams.policy.signers_file import read_signers
from tests.streams.policy.signing import ALGORITHMS, NOW, RULES, b64, claims, jwk, text

MakeKey = Callable[..., dict[str, Any]]
CODEC = Codec()


class Log:
    """The topic of signers, in memory."""

    def __init__(self) -> None:
        self.values: dict[bytes, bytes] = {}
        self.events: list[Event] = []
        self.gives = True

    def read(self) -> Recorded:
        return recorded(CODEC, self.values, gives=self.gives)

    def write(self, events: Sequence[Event]) -> None:
        self.events += events
        self.values |= {key_of(event): CODEC.encode(event) for event in events}


@pytest.fixture
def log() -> Log:
    return Log()


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


def registered(settings: Settings, log: Log, person: str, jwk: dict[str, Any], *roles: str) -> Registry:
    signer_commands.add(settings, log, person, roles, (), (json.dumps(jwk),))
    return register(settings, log).registry


def signed(settings: Settings, person: str, jwk: dict[str, Any], **given: Any) -> bytes:
    """With the private key as it lies in its file."""
    private = load_pem_private_key((settings.state_dir / "keys" / f"{person}.key").read_bytes(), None)
    header = {"alg": jwk["alg"], "kid": jwk["kid"], "typ": "approval+jwt"}
    content = f"{b64(text(header))}.{b64(text(claims(person, **given)))}"
    return f"{content}.{b64(ALGORITHMS[jwk['alg']].sign(content.encode(), private))}".encode()


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256"])
def test_a_new_key_signs_once_it_is_registered(
    settings: Settings, log: Log, make_key: MakeKey, algorithm: str
) -> None:
    jwk = make_key("bob", algorithm)["jwk"]
    made = signed(settings, "bob", jwk)

    before = verify(made, NOW, register(settings, log).registry, RULES)
    after = verify(made, NOW, registered(settings, log, "bob", jwk, "devops"), RULES)

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


def test_a_revoked_key_signs_nothing(settings: Settings, log: Log, make_key: MakeKey) -> None:
    jwk = make_key("bob")["jwk"]
    registered(settings, log, "bob", jwk, "devops")

    key_commands.revoke(settings, log, jwk["kid"])
    key_commands.revoke(settings, log, jwk["kid"])

    registry = register(settings, log).registry
    found = verify(signed(settings, "bob", jwk), NOW, registry, RULES)
    assert isinstance(found, Refused)
    assert found.reason is Refusal.REVOKED_KEY


def test_a_removed_person_signs_nothing_and_comes_back_with_new_keys(
    settings: Settings, log: Log, make_key: MakeKey
) -> None:
    jwk = make_key("bob")["jwk"]
    made = signed(settings, "bob", jwk)
    registered(settings, log, "bob", jwk, "devops")

    signer_commands.remove(settings, log, "bob")
    signer_commands.remove(settings, log, "bob")
    gone = verify(made, NOW, register(settings, log).registry, RULES)
    signer_commands.add(settings, log, "bob", ("devops",), (), ())
    back = verify(made, NOW, register(settings, log).registry, RULES)

    assert isinstance(gone, Refused)
    assert isinstance(back, Refused)
    assert (gone.reason, back.reason) == (Refusal.REVOKED_KEY, Refusal.REVOKED_KEY)


def test_roles_and_projects_are_replaced_and_keys_are_added(
    settings: Settings, log: Log, make_key: MakeKey
) -> None:
    first = make_key("bob")["jwk"]
    registered(settings, log, "bob", first, "devops")
    second = make_key("bob", "ES256", str(settings.state_dir / "other.key"))["jwk"]

    signer_commands.add(settings, log, "bob", ("sre", "cto"), ("shop",), (json.dumps(second),))

    bob = next(one for one in register(settings, log).both.signers if one.person == "bob")
    assert (bob.roles, bob.projects) == (("sre", "cto"), ("shop",))
    assert {key.kid for key in bob.keys} == {first["kid"], second["kid"]}


WRONG: dict[str, tuple[Callable[[Settings, Log], None], str]] = {
    "a new person without role": (
        lambda s, log: signer_commands.add(s, log, "eve", (), (), ()),
        "admin, devops, sre",
    ),
    "a role that is none": (
        lambda s, log: signer_commands.add(s, log, "eve", ("root",), (), ()),
        "'admin', 'devops'",
    ),
    "a role that the file does not give": (
        lambda s, log: signer_commands.add(s, log, "admin", ("admin", "cto"), (), ()),
        "both must give it",
    ),
    "a name in capitals": (lambda s, log: signer_commands.add(s, log, "Eve", ("sre",), (), ()), "person"),
    "a key that is no JSON": (
        lambda s, log: signer_commands.add(s, log, "eve", ("sre",), (), ("{",)),
        "--key",
    ),
    "a key file that is not there": (
        lambda s, log: signer_commands.add(s, log, "eve", ("sre",), (), ("x",)),
        "--key",
    ),
    "a shared secret": (
        lambda s, log: signer_commands.add(s, log, "eve", ("sre",), (), (json.dumps(jwk("bob-secret")),)),
        "no public key",
    ),
    "removing nobody": (lambda s, log: signer_commands.remove(s, log, "eve"), "there are: admin"),
    "revoking no key": (lambda s, log: key_commands.revoke(s, log, "nothing"), "no key has the id 'nothing'"),
    "enrolling for nobody": (
        lambda s, log: key_commands.enroll(s, log, "eve", json.dumps(jwk("bob-1"))),
        "there are: admin",
    ),
    "confirming no key": (lambda s, log: key_commands.confirm(s, log, "bob-1", "", ""), "keys list"),
    "a key for no name": (lambda s, log: key_commands.new(s, "../bob", "EdDSA", ""), "person"),
}


@pytest.mark.parametrize(("act", "told"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told_and_changes_nothing(
    settings: Settings, log: Log, act: Callable[[Settings, Log], None], told: str
) -> None:
    with pytest.raises(Misconfigured, match=told):
        act(settings, log)

    assert not log.events


def test_anothers_key_is_not_taken(settings: Settings, log: Log, make_key: MakeKey) -> None:
    jwk = make_key("bob")["jwk"]
    registered(settings, log, "bob", jwk, "devops")

    with pytest.raises(Misconfigured, match="stands twice"):
        registered(settings, log, "eve", {**jwk, "kid": "eve-1"}, "sre")


def test_every_act_is_an_event_with_the_persons_name(settings: Settings, log: Log, make_key: MakeKey) -> None:
    made = make_key("bob")["jwk"]
    registered(settings, log, "bob", made, "devops")
    signer_commands.remove(settings, log, "bob", "left the company")

    acts = ["signer.set", "signer.key_added", "signer.removed", "signer.key_revoked"]
    assert [event.type for event in log.events] == acts
    assert {event.actor for event in log.events} == {getpass.getuser()}
    assert log.events[2].payload.reason == "left the company"
    assert len({event.event_id for event in log.events}) == 4


def test_what_is_said_again_is_recorded_once(settings: Settings, log: Log, make_key: MakeKey) -> None:
    made = make_key("bob")["jwk"]
    for _ in range(2):
        registered(settings, log, "bob", made, "devops")
    signer_commands.add(settings, log, "admin", (), (), ())

    assert [event.type for event in log.events] == ["signer.set", "signer.key_added"]


def test_who_stands_in_the_file_can_get_a_key_and_lose_it_here(
    settings: Settings, log: Log, make_key: MakeKey
) -> None:
    made = make_key("admin")["jwk"]
    before = settings.approvals.signers_file.read_bytes()
    after = registered(settings, log, "admin", made)
    assert verify(signed(settings, "admin", made, roles=["admin"]), NOW, after, RULES).person == "admin"  # type: ignore[union-attr]

    of_file = read_signers(settings.approvals.signers_file).signers[0].keys[0].kid
    key_commands.revoke(settings, log, of_file, "the laptop was lost")
    assert register(settings, log).registry.keys[of_file].standing is Standing.REVOKED
    assert settings.approvals.signers_file.read_bytes() == before


def test_a_revoked_key_never_comes_back(settings: Settings, log: Log, make_key: MakeKey) -> None:
    made = make_key("bob")["jwk"]
    registered(settings, log, "bob", made, "devops")
    key_commands.revoke(settings, log, made["kid"])

    for again in (made, {**made, "kid": "bob-2"}):
        with pytest.raises(Misconfigured, match="nothing takes that back"):
            registered(settings, log, "bob", again, "devops")


GIVING: dict[str, Callable[[Settings, Log], None]] = {
    "a person": lambda s, log: signer_commands.add(s, log, "eve", ("sre",), (), ()),
    "a key": lambda s, log: signer_commands.add(s, log, "admin", (), (), (json.dumps(jwk("bob-1")),)),
    "an enrolment": lambda s, log: key_commands.enroll(s, log, "admin", json.dumps(jwk("bob-1"))),
    "a confirmation": lambda s, log: key_commands.confirm(s, log, "bob-1", "", ""),
}


@pytest.mark.parametrize("act", GIVING.values(), ids=GIVING)
def test_where_the_topic_gives_nothing_the_commands_say_so(
    settings: Settings, log: Log, act: Callable[[Settings, Log], None]
) -> None:
    log.gives = False

    with pytest.raises(Misconfigured, match="signers file"):
        act(settings, log)
    signer_commands.remove(settings, log, "admin")
    assert register(settings, log).both.signers[0].removed is not None


# -- made by its owner, confirmed by an admin


def reason(settings: Settings, log: Log, person: str, made: dict[str, Any]) -> Refusal | None:
    found = verify(signed(settings, person, made), NOW, register(settings, log).registry, RULES)
    return found.reason if isinstance(found, Refused) else None


def test_an_enrolled_key_counts_once_an_admin_has_confirmed_it(
    settings: Settings, log: Log, make_key: MakeKey, capsys: pytest.CaptureFixture[str]
) -> None:
    made = make_key("bob")["jwk"]
    signer_commands.add(settings, log, "bob", ("devops",), (), ())
    key_commands.enroll(settings, log, "bob", json.dumps(made))
    assert reason(settings, log, "bob", made) is Refusal.UNCONFIRMED_KEY
    assert f"awoooi keys confirm {made['kid']}" in capsys.readouterr().out

    key_commands.confirm(settings, log, made["kid"], "", "")
    assert reason(settings, log, "bob", made) is None
    assert "confirmed by admin" in capsys.readouterr().out
    assert log.events[-1].payload.confirmed_by == "admin"


def confirms_as(role: str) -> Callable[[Settings, Log, MakeKey], str]:
    def carol(settings: Settings, log: Log, make_key: MakeKey) -> str:
        registered(settings, log, "carol", make_key("carol")["jwk"], role)
        return str(settings.state_dir / "keys" / "carol.key")

    return carol


def confirms_after_removal(settings: Settings, log: Log, make_key: MakeKey) -> str:
    path = confirms_as("admin")(settings, log, make_key)
    signer_commands.remove(settings, log, "carol")
    return path


def confirms_with_no_key(settings: Settings, log: Log, make_key: MakeKey) -> str:
    make_key("mallory")
    return str(settings.state_dir / "keys" / "mallory.key")


def confirms_own(settings: Settings, log: Log, make_key: MakeKey) -> str:
    other = make_key("bob", "ES256", str(settings.state_dir / "bob-2.key"))["jwk"]
    registered(settings, log, "bob", other, "admin")
    return str(settings.state_dir / "bob-2.key")


NO_ADMIN: dict[str, tuple[Callable[[Settings, Log, MakeKey], str], str]] = {
    "no admin": (confirms_as("sre"), "carol, who is no admin"),
    "an admin who was removed": (confirms_after_removal, "no registered key in force"),
    "a key of nobody": (confirms_with_no_key, "no registered key in force"),
    "the owner": (confirms_own, "cannot confirm a key of their own"),
}


@pytest.mark.parametrize(("who", "told"), NO_ADMIN.values(), ids=NO_ADMIN)
def test_nobody_else_confirms_a_key(
    settings: Settings, log: Log, make_key: MakeKey, who: Callable[..., str], told: str
) -> None:
    made = make_key("bob")["jwk"]
    signer_commands.add(settings, log, "bob", ("devops",), (), ())
    key_commands.enroll(settings, log, "bob", json.dumps(made))
    path = who(settings, log, make_key)

    with pytest.raises(Misconfigured, match=told):
        key_commands.confirm(settings, log, made["kid"], "", path)
    assert reason(settings, log, "bob", made) is not None


def test_a_key_that_another_has_by_now_is_not_confirmed(
    settings: Settings, log: Log, make_key: MakeKey
) -> None:
    made = make_key("bob")["jwk"]
    for person in ("bob", "eve"):
        signer_commands.add(settings, log, person, ("devops",), (), ())
    key_commands.enroll(settings, log, "eve", json.dumps({**made, "kid": "eve-1"}))
    registered(settings, log, "bob", made)

    with pytest.raises(Misconfigured, match="another's already"):
        key_commands.confirm(settings, log, "eve-1", "", "")


async def test_the_doctor_says_who_can_sign(settings: Settings) -> None:
    loaded = load({"AWOOOI_STATE_DIR": str(settings.state_dir)})
    path = settings.approvals.signers_file

    (fresh,) = await signers(loaded)
    path.write_text('{"signers": []}')
    (nobody,) = await signers(loaded)
    path.write_text('{"signers": [{"person": "Bob"}]}')
    (broken,) = await signers(loaded)

    assert (fresh.verdict, fresh.what) == (Verdict.OK, "1 can sign")
    assert nobody.verdict is Verdict.WARNING
    assert broken.verdict is Verdict.WRONG
    assert f"{path}:1" in broken.what

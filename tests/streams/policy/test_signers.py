"""The signers file: whose key it is, said once, and what is wrong with its line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import rsa

from awoooi.init import init
from awoooi.loading import load
from schemas.errors import Misconfigured
from streams.policy.jwk import SMALLEST_RSA_BITS, public_jwk, read_jwk
from streams.policy.people import Role
from streams.policy.signers import OWN_ISSUER, Registry, Standing
from streams.policy.signers_file import read_signers
from tests.streams.policy.signing import NOW, jwk, key

ISSUER = "https://login.example.com"
ACCOUNT = {"issuer": ISSUER, "subject": "1"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "signers.yaml"


def written(path: Path, *signers: dict[str, Any], **more: Any) -> Path:
    path.write_text(yaml.safe_dump({"signers": list(signers), **more}, sort_keys=False))
    return path


def bob(**more: Any) -> dict[str, Any]:
    return {"person": "bob", "roles": ["devops", "sre"], "keys": [jwk("bob-1")], **more}


def test_a_key_leads_to_its_person(path: Path) -> None:
    registry = Registry.of(read_signers(written(path, bob(projects=["shop"]))))

    holder = registry.holder(OWN_ISSUER, "bob-1", "bob")

    assert holder is not None
    assert (holder.person, holder.roles) == ("bob", {Role.DEVOPS, Role.SRE})
    assert holder.projects == {"shop"}
    assert registry.holder(OWN_ISSUER, "bob-1", "carol") is None
    assert registry.find(OWN_ISSUER, "bob-2") is None
    assert registry.find(ISSUER, "bob-1") is None


def test_the_file_of_the_first_start_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    init(load({"AWOOOI_STATE_DIR": str(tmp_path / "state")}).settings)

    (signer,) = read_signers(tmp_path / "state" / "signers.json").signers

    assert (signer.person, signer.roles, signer.projects) == ("admin", (Role.ADMIN,), ("*",))


def test_json_does_as_well_indented_with_tabs_too(tmp_path: Path) -> None:
    path = tmp_path / "signers.json"
    path.write_text(json.dumps({"signers": [bob()]}, indent="\t"))

    assert [signer.person for signer in read_signers(path).signers] == ["bob"]


def test_keys_may_stand_in_a_jwks_file(path: Path) -> None:
    (path.parent / "keys.json").write_text(json.dumps({"keys": [jwk("bob-2"), jwk("nobody-1")]}))
    file = read_signers(written(path, bob(key_ids=["bob-2"]), jwks="keys.json"))

    assert [entry.kid for entry in file.signers[0].keys] == ["bob-1", "bob-2"]
    assert Registry.of(file).find(OWN_ISSUER, "nobody-1") is None


STANDINGS = {
    "a key of the file": ({}, Standing.IN_FORCE),
    "revoked": ({"revoked": NOW.isoformat()}, Standing.REVOKED),
    "made in a browser": ({"enrolled": NOW.isoformat()}, Standing.UNCONFIRMED),
    "confirmed": ({"enrolled": NOW.isoformat(), "confirmed_by": "ada"}, Standing.IN_FORCE),
    "confirmed by an admin who has gone": (
        {"enrolled": NOW.isoformat(), "confirmed_by": "gone"},
        Standing.IN_FORCE,
    ),
    "confirmed by who may not": (
        {"enrolled": NOW.isoformat(), "confirmed_by": "eve"},
        Standing.UNCONFIRMED,
    ),
    "confirmed and revoked": (
        {"enrolled": NOW.isoformat(), "confirmed_by": "ada", "revoked": NOW.isoformat()},
        Standing.REVOKED,
    ),
    "as a browser exports it": ({"key_ops": ["verify"], "ext": True}, Standing.IN_FORCE),
}


@pytest.mark.parametrize(("more", "standing"), STANDINGS.values(), ids=STANDINGS)
def test_what_became_of_a_key(path: Path, more: dict[str, Any], standing: Standing) -> None:
    ada, eve = {"person": "ada", "roles": ["admin"]}, {"person": "eve", "roles": ["sre"]}
    gone = {"person": "gone", "roles": ["admin"], "removed": NOW.isoformat()}
    registry = Registry.of(read_signers(written(path, bob(keys=[jwk("bob-1", **more)]), ada, eve, gone)))

    known = registry.find(OWN_ISSUER, "bob-1")

    assert known is not None
    assert known.standing is standing


class OneKey:
    def find(self, kid: str) -> Any:
        return read_jwk(jwk("idp-1")) if kid in ("idp-1", "bob-1") else None


def test_an_account_at_an_issuer_is_a_person(path: Path) -> None:
    accounts = [{"issuer": ISSUER, "subject": 248289761001}]
    file = read_signers(written(path, bob(accounts=accounts), issuers=[ISSUER]))
    registry = Registry.of(file, {ISSUER: OneKey(), "https://evil.example": OneKey()})

    holder = registry.holder(ISSUER, "idp-1", "248289761001")

    assert holder is not None
    assert holder.person == "bob"
    assert registry.holder(ISSUER, "idp-1", "bob") is None
    assert not registry.knows_issuer("https://evil.example"), "only what the file names"


def test_an_issuers_key_never_stands_for_one_of_ours(path: Path) -> None:
    registry = Registry.of(read_signers(written(path, bob(), issuers=[ISSUER])), {ISSUER: OneKey()})

    ours, theirs = registry.find(OWN_ISSUER, "bob-1"), registry.find(ISSUER, "bob-1")

    assert ours is not None
    assert theirs is not None
    assert ours.key.thumbprint != theirs.key.thumbprint
    assert registry.holder(ISSUER, "bob-1", "bob") is None


PRIVATE = {**jwk("bob-1"), "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}
WRONG: dict[str, tuple[dict[str, Any], int, str]] = {
    "a role in capitals": (bob(roles=["CTO"]), 4, "'admin', 'devops', 'sre', 'cto' or 'ciso'"),
    "no role": (bob(roles=[]), 3, "at least one"),
    "a name in capitals": (bob(person="Bob"), 2, "pattern"),
    "a name in Cyrillic": (bob(person="b\u043eb"), 2, "pattern"),
    "a typo": (bob(project=["shop"]), 13, "did you mean projects?"),
    "a project that is none": (bob(projects=["Shop!"]), 14, "pattern"),
    "a private key": (bob(keys=[PRIVATE]), 7, "private key"),
    "a key without id": (bob(keys=[{"kty": "OKP"}]), 7, "kid: it is missing"),
    "a key id with a slash": (bob(keys=[jwk("bob-1", kid="../x")]), 7, "letters, digits"),
    "a key of another kind": (bob(keys=[{"kty": "EC", "kid": "x"}]), 7, "Ed25519, P-256 or RSA"),
    "a key that is cut short": (bob(keys=[jwk("bob-1", x="AAAA")]), 7, "no key for EdDSA"),
    "a key for another algorithm": (bob(keys=[jwk("bob-1", alg="RS256")]), 7, "for EdDSA"),
    "a key to encrypt with": (bob(keys=[jwk("bob-1", use="enc")]), 7, "use: sig"),
    "a short shared secret": (bob(keys=[{"kty": "oct", "k": "YWJj", "kid": "s"}]), 7, "at least 32"),
    "a key id that nobody knows": (bob(key_ids=["bob-9"]), 14, "no key of the JWKS file"),
    "confirmed by its own owner": (
        bob(roles=["admin"], keys=[jwk("bob-1", enrolled=NOW.isoformat(), confirmed_by="bob")]),
        6,
        "no other person of this file",
    ),
    "an account at a stranger's": (bob(accounts=[ACCOUNT]), 14, "not among the issuers"),
}


@pytest.mark.parametrize(("signer", "line", "told"), WRONG.values(), ids=WRONG)
def test_a_fault_is_told_with_its_line(path: Path, signer: dict[str, Any], line: int, told: str) -> None:
    with pytest.raises(Misconfigured) as error:
        read_signers(written(path, signer))

    assert f"{path}:{line}: " in str(error.value)
    assert told in str(error.value)
    assert "\n" not in str(error.value)
    assert str(PRIVATE["d"]) not in str(error.value)


DOUBTS = {
    "a person twice": ([bob(), bob(keys=[jwk("bob-2")])], "bob stands twice"),
    "a key id of two persons": (
        [bob(), {"person": "eve", "roles": ["sre"], "keys": [jwk("eve-1", kid="bob-1")]}],
        "the key bob-1 stands twice",
    ),
    "one key of two persons": (
        [bob(), {"person": "eve", "roles": ["sre"], "keys": [jwk("bob-1", kid="eve-1")]}],
        "the key eve-1 stands twice",
    ),
    "an account of two persons": (
        [
            bob(accounts=[ACCOUNT]),
            {"person": "eve", "roles": ["sre"], "accounts": [ACCOUNT]},
        ],
        "the account 1 stands twice",
    ),
}


@pytest.mark.parametrize(("signers", "told"), DOUBTS.values(), ids=DOUBTS)
def test_who_somebody_is_is_never_left_open(path: Path, signers: list[dict[str, Any]], told: str) -> None:
    with pytest.raises(Misconfigured, match=told):
        read_signers(written(path, *signers, issuers=[ISSUER]))


TEXTS = {
    "no YAML": ("signers: [", ":1: neither YAML nor JSON"),
    "nothing": ("", "empty"),
    "a list": ("- bob", "valid dictionary"),
    "a name twice": ("signers: []\nsigners: []\n", ":2: signers stands twice"),
    "an issuer without https": ("issuers: [http://login.example.com]\n", ":1: issuers.0"),
    "an issuer with a query": ("issuers: ['https://login.example.com/?a=b']\n", ":1: issuers.0"),
    "a JWKS file that is not there": ("jwks: nowhere.json\n", "the JWKS file"),
    "no text": ("\udcff", "neither YAML nor JSON"),
}


@pytest.mark.parametrize(("text", "told"), TEXTS.values(), ids=TEXTS)
def test_a_file_that_is_none_is_told(path: Path, text: str, told: str) -> None:
    path.write_bytes(text.encode(errors="surrogateescape"))

    with pytest.raises(Misconfigured, match=told):
        read_signers(path)


def test_a_file_that_is_not_there_is_told(path: Path) -> None:
    with pytest.raises(Misconfigured, match="cannot be read"):
        read_signers(path)


def test_a_jwks_file_names_each_key_once(path: Path) -> None:
    keys = {"keys": [jwk("bob-2"), jwk("eve-1", kid="bob-2")]}
    (path.parent / "keys.json").write_text(json.dumps(keys))

    with pytest.raises(Misconfigured, match="bob-2 stands twice"):
        read_signers(written(path, bob(key_ids=["bob-2"]), jwks="keys.json"))


def test_a_short_rsa_key_is_refused() -> None:
    weak = rsa.generate_private_key(65537, SMALLEST_RSA_BITS // 2).public_key()

    with pytest.raises(Exception, match="at least 2048"):
        read_jwk(public_jwk(weak, "RS256"))


def test_the_thumbprint_is_that_of_rfc_8037() -> None:
    """Its appendix A.3."""
    public = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"

    found = read_jwk({"kty": "OKP", "crv": "Ed25519", "x": public, "kid": "a"})

    assert found.thumbprint == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize("kid", ["-x", "_x", "x" * 43, "a.b:c-1"])
def test_a_thumbprint_is_an_id_whatever_it_begins_with(kid: str) -> None:
    assert read_jwk(jwk("bob-1", kid=kid)).kid == kid


def test_a_key_is_the_same_however_it_is_written() -> None:
    padded = {**jwk("bob-ec"), "x": jwk("bob-ec")["x"] + "="}

    assert read_jwk(padded).thumbprint == read_jwk(jwk("bob-ec")).thumbprint
    assert key("bob-ec") is key("bob-ec")

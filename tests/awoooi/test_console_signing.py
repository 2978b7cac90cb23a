"""What the console's own module signs is accepted by the registry, and it signs nothing but what it shows."""

from __future__ import annotations

import hashlib
import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization as form

from connectors.gateway.console_files import FOLDER
from schemas.approval import ApprovalRequested
from streams.policy.action_hash import act_of, signed_text
from streams.policy.jwk import EDDSA, ES256, RS256, id_of, read_jwk
from streams.policy.signatures import Vote, verify
from streams.policy.signers import Registry
from streams.policy.signers_file import SignersFile
from tests.awoooi.test_sign_commands import request
from tests.peers.tools import find_tool, skip_without_tools
from tests.streams.policy.signing import RULES, key

RUN = """
import { importKey, makeKey, signed } from "./signing.mjs";
let told = "";
for await (const chunk of process.stdin) told += chunk;
const { card, key, ...wish } = JSON.parse(told);
const answer = {};
try {
  const found = key ? await importKey(key) : await makeKey();
  const { kid, algorithm, jwk } = found;
  Object.assign(answer, { kid, algorithm, jwk, extractable: found.key.extractable });
  if (card) answer.token = await signed(card, { ...wish, hand: { ...found, person: wish.person } });
} catch (error) {
  answer.why = error.why ?? String(error);
}
console.log(JSON.stringify(answer));
"""


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with skip_without_tools("js"):
        find_tool("node", "Debian's `nodejs`")
    folder = tmp_path_factory.mktemp("module")
    (folder / "signing.mjs").write_text((FOLDER / "acts" / "signing.js").read_text())
    (folder / "run.mjs").write_text(RUN)
    return folder


def run(module: Path, **told: Any) -> dict[str, Any]:
    done = subprocess.run(
        ["node", "run.mjs"],
        cwd=module,
        input=json.dumps(told).encode(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def card(event: ApprovalRequested, **changes: Any) -> dict[str, Any]:
    """What the browser is given of it, as far as a signature needs it."""
    asked = event.payload
    to_sign = signed_text(act_of(asked))
    target = {name: value for name, value in to_sign["action"]["target"].items() if name != "id"}
    return {
        "approval_id": asked.approval_id,
        "action": {**to_sign["action"], "target": target, "text": "…", "undo": undo_of(to_sign)},
        "action_hash": asked.action_hash,
        "to_sign": to_sign,
        "policy": {"hash": asked.policy.hash},
        "audience": RULES.audience,
        "expires_at": asked.expires_at.isoformat(),
        **changes,
    }


def undo_of(to_sign: dict[str, Any]) -> str:
    """As the card says it."""
    return str(to_sign["undo"]["operation"]) if to_sign["undo"] else ""


def wish(event: ApprovalRequested, **changes: Any) -> dict[str, Any]:
    now = int(event.payload.expires_at.timestamp()) - 60
    told = {"decision": "approve", "reason": "seen 確認", "roles": ["devops"], "person": "bob", "now": now}
    return {**told, **changes}


def pem(kid: str) -> str:
    raw: bytes = key(kid).private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    return raw.decode()


def registry_of(answer: dict[str, Any]) -> Registry:
    entry = {**answer["jwk"], "kid": answer["kid"]}
    file = {"signers": [{"person": "bob", "roles": ["devops"], "keys": [entry]}]}
    return Registry.of(SignersFile.model_validate(file))


KEYS = {
    "made in the browser": ("", EDDSA),
    "imported, Ed25519": ("bob-1", EDDSA),
    "imported, P-256": ("bob-ec", ES256),
    "imported, RSA": ("bob-rsa", RS256),
}


@pytest.mark.parametrize(("kid", "algorithm"), KEYS.values(), ids=KEYS)
def test_what_it_signs_is_accepted(module: Path, kid: str, algorithm: str) -> None:
    event = request()

    answer = run(module, card=card(event), key=pem(kid) if kid else "", **wish(event))

    assert (answer.get("why"), answer["algorithm"], answer["extractable"]) == (None, algorithm, False)
    public = read_jwk({**answer["jwk"], "kid": answer["kid"]})
    assert answer["kid"] == id_of(public.thumbprint)
    now = datetime.fromtimestamp(wish(event)["now"], UTC)
    found = verify(answer["token"].encode(), now, registry_of(answer), RULES)
    assert isinstance(found, Vote), found
    assert (found.person, found.reason, found.action_hash) == (
        "bob",
        "seen 確認",
        event.payload.action_hash,
    )
    assert found.expires == wish(event)["now"] + 60, "no later than the approval's own end"


def other(what: dict[str, Any], *path: str) -> dict[str, Any]:
    """A copy in which one value is another."""
    copied: dict[str, Any] = json.loads(json.dumps(what))
    place = copied
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = f"{place[path[-1]]}x"
    return copied


LIES = {
    "another hash": ("action_hash",),
    "another target in what is signed": ("to_sign", "action", "target", "name"),
    "another operation on the card": ("action", "operation"),
    "another target on the card": ("action", "target", "name"),
    "another way back on the card": ("action", "undo"),
    "another state": ("to_sign", "observed_state"),
    "another policy on the card": ("policy", "hash"),
}


def _why(module: Path, shown: dict[str, Any], event: ApprovalRequested) -> str:
    answer = run(module, card=shown, key=pem("bob-1"), **wish(event))
    assert "token" not in answer
    return str(answer["why"])


@pytest.mark.parametrize("path", LIES.values(), ids=LIES)
def test_it_signs_no_hash_but_that_of_what_it_shows(module: Path, path: tuple[str, ...]) -> None:
    event = request()

    assert _why(module, other(card(event), *path), event) == "other_hash"


def test_it_signs_nothing_that_it_cannot_hash_or_that_has_ended(module: Path) -> None:
    event = request()
    late = wish(event)["now"] + 60

    assert _why(module, {**card(event), "to_sign": None}, event) == "other_hash"
    ended = {**card(event), "expires_at": datetime.fromtimestamp(late - 60, UTC).isoformat()}
    assert _why(module, ended, event) == "expired"


def test_it_signs_nothing_too_long_to_be_shown_whole(module: Path) -> None:
    event = request()
    shown = card(event)
    shown["to_sign"]["action"]["parameters"]["x"] = shown["action"]["parameters"]["x"] = "x" * 100_000
    told = json.dumps(shown["to_sign"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    shown["action_hash"] = hashlib.sha256(told.encode()).hexdigest()

    assert _why(module, shown, event) == "too_long"


NO_KEYS = {
    "nothing": ("x", "private_key"),
    "a public key": ('{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg"}', "private_key"),
    "an encrypted one": (
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----",
        "encrypted_key",
    ),
    "another kind of PEM": ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "private_key"),
    "no base64": ("-----BEGIN PRIVATE KEY-----\n%%%\n-----END PRIVATE KEY-----", "private_key"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "why"), NO_KEYS.values(), ids=NO_KEYS)
def test_what_is_no_key_is_told_so(module: Path, text: str, why: str) -> None:
    assert run(module, key=text)["why"] == why

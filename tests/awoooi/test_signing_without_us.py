"""docs/approvals.md: what its three snippets sign is accepted, as they stand."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives import serialization as form

from streams.policy.signatures import Vote, verify
from streams.policy.signers_file import SignersFile
from tests.peers.tools import find_tool, skip_without_tools
from tests.streams.policy.signing import APPROVAL_ID, HASH, RULES, key, registry

PAGE = (Path(__file__).parents[2] / "docs" / "approvals.md").read_text()
WAYS = {
    "python": (sys.executable, "-c", ""),
    "js": ("node", "-e", "Debian's `nodejs`"),
    "sh": ("sh", "-c", "a shell"),
}
NEEDS = {"sh": ("openssl", "Debian's `openssl`")}


def snippet(language: str) -> str:
    found: list[str] = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.S | re.M)
    return found[0]


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "bob.key"
    path.write_bytes(
        key("bob-1").private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    )
    return path


@pytest.mark.parametrize("language", WAYS)
def test_what_a_snippet_signs_is_accepted(language: str, key_file: Path) -> None:
    program, option, hint = WAYS[language]
    with skip_without_tools(program if language == "js" else NEEDS.get(language, ("python", ""))[0]):
        command = find_tool(program, hint)
        if language in NEEDS:
            find_tool(*NEEDS[language])
    asked = {"approval_id": APPROVAL_ID, "action_hash": HASH, "environment": "production"}
    who = {"person": "bob", "role": "devops", "kid": "bob-1", "key_file": str(key_file)}

    said = subprocess.run(
        [command, option, snippet(language)],
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", **asked, **who},
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert said.returncode == 0, said.stderr.decode()
    found = verify(said.stdout.removesuffix(b"\n"), datetime.now(UTC), registry(), RULES)
    assert isinstance(found, Vote), found
    assert (found.person, found.decision, found.action_hash) == ("bob", "approve", HASH)


@pytest.mark.parametrize("language", WAYS)
def test_a_snippet_is_ten_lines(language: str) -> None:
    assert len([line for line in snippet(language).splitlines() if line]) <= 10


def test_the_signers_file_of_the_page_is_one() -> None:
    (signer,) = SignersFile.model_validate(yaml.safe_load(snippet("yaml"))).signers

    assert signer.accounts[0].subject == "248289761001"

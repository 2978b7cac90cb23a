"""Tokens of webhooks and of people: shown once, stored as hashes, read again when the file changes."""

from __future__ import annotations

import json
import stat
import threading
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from connectors.tokens import (
    Limits,
    Role,
    Token,
    TokenFile,
    new_personal_token,
    new_token,
    read_personal_tokens,
    read_tokens,
    revoke_person,
    revoke_token,
)
from schemas.errors import Misconfigured


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "tokens.json"


def test_a_new_token_is_found_by_what_was_shown(path: Path) -> None:
    entry, shown = new_token(path, "prometheus", project="acme", sources=("grafana",))

    assert shown.startswith(f"awt_{entry.id}_")
    assert TokenFile(path).find(shown) == entry
    assert (entry.project, entry.limits) == ("acme", Limits(requests_per_minute=100))
    assert entry.covers("grafana")
    assert not entry.covers("signoz")


def test_the_file_holds_no_secret_and_is_the_owners_alone(path: Path) -> None:
    _, shown = new_token(path, "one")

    assert shown.split("_", 2)[2] not in path.read_text()  # it may hold a _ itself
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [child.name for child in path.parent.iterdir() if child.name.endswith(".new")] == []


def test_a_token_carries_256_random_bits(path: Path) -> None:
    secrets = {new_token(path, "x")[1].split("_", 2)[2] for _ in range(20)}

    assert len(secrets) == 20
    assert min(map(len, secrets)) >= 43


@pytest.mark.parametrize(
    "presented",
    [
        pytest.param("", id="nothing"),
        pytest.param("awt", id="prefix alone"),
        pytest.param("awt_{id}", id="no secret"),
        pytest.param("awt_{id}_", id="an empty secret"),
        pytest.param("awt_{id}_{secret}x", id="longer"),
        pytest.param("xyz_{id}_{secret}", id="another prefix"),
        pytest.param("awt_0000000000_{secret}", id="another id"),
        pytest.param("{sha256}", id="the stored hash"),
        pytest.param("awt_{id}_{sha256}", id="the stored hash as secret"),
        pytest.param("awt_{id}_\udcff\u00e9", id="odd characters"),
    ],
)
def test_anything_else_is_not_found(path: Path, presented: str) -> None:
    entry, shown = new_token(path, "one")
    secret = shown.split("_", 2)[2]

    assert TokenFile(path).find(presented.format(id=entry.id, secret=secret, sha256=entry.sha256)) is None


def test_a_revoked_token_stays_listed_and_is_not_found(path: Path) -> None:
    entry, shown = new_token(path, "one")

    revoked = revoke_token(path, entry.id)

    assert revoked.revoked is not None
    assert revoke_token(path, entry.id) == revoked
    assert read_tokens(path) == (revoked,)
    assert TokenFile(path).find(shown) is None


def test_revoking_an_unknown_id_says_which_there_are(path: Path) -> None:
    entry, _ = new_token(path, "one")

    with pytest.raises(Misconfigured, match=entry.id):
        revoke_token(path, "nope")


def test_a_changed_file_is_read_within_a_second(path: Path) -> None:
    clock = Clock()
    new_token(path, "one")
    tokens = TokenFile(path, clock)
    second, shown = new_token(path, "two")

    clock.now = 0.5
    assert tokens.find(shown) is None
    clock.now = 1.1
    assert tokens.find(shown) == second


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param("{", id="cut off"),
        pytest.param('{"tokens": [{"id": "x"}]}', id="wrong entry"),
        pytest.param("", id="empty"),
        pytest.param(None, id="gone"),
    ],
)
def test_a_broken_file_keeps_the_last_good_one_and_says_so(path: Path, broken: str | None) -> None:
    clock = Clock()
    entry, shown = new_token(path, "one")
    tokens = TokenFile(path, clock)
    good = path.read_text()

    path.unlink()
    if broken is not None:
        path.write_text(broken)
    clock.now = 2.0
    assert tokens.find(shown) == entry
    assert str(path) in tokens.trouble

    path.write_text(good)
    clock.now = 4.0
    assert tokens.find(shown) == entry
    assert tokens.trouble == ""


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param({"project": "Acme Corp"}, "project", id="project"),
        pytest.param({"project": "a;b"}, "project", id="a project that would break the stamp"),
        pytest.param({"name": ""}, "name", id="no name"),
        pytest.param({"sources": ()}, "sources", id="no source"),
        pytest.param({"sources": ("A B",)}, "sources", id="a source with a blank"),
        pytest.param({"limits": {"requests_per_minute": 0}}, "limits", id="no requests"),
        pytest.param({"limits": {"bytes_per_minute": 10}}, "limits", id="fewer bytes than a body"),
        pytest.param({"sha256": "geheim-geheim"}, "sha256", id="a secret in the wrong place"),
        pytest.param({"scope": "all"}, "scope", id="an unknown name"),
    ],
)
def test_a_wrong_entry_is_named_without_its_value(path: Path, change: dict[str, Any], told: str) -> None:
    new_token(path, "one")
    content = json.loads(path.read_text())
    content["tokens"][0].update(change)
    path.write_text(json.dumps(content))

    with pytest.raises(Misconfigured, match=told) as error:
        TokenFile(path)
    assert "geheim" not in str(error.value)


def test_wrong_wishes_write_nothing(path: Path) -> None:
    with pytest.raises(Misconfigured, match="project"):
        new_token(path, "one", project="Ä")

    assert not path.exists()


def test_a_missing_file_stops_the_start(path: Path) -> None:
    with pytest.raises(Misconfigured, match=f"{path} does not exist: `awoooi init` makes it"):
        TokenFile(path)


def test_two_commands_at_once_lose_no_entry(path: Path) -> None:
    threads = [threading.Thread(target=new_token, args=(path, f"t{number}")) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {token.name for token in read_tokens(path)} == {f"t{number}" for number in range(16)}


def test_the_hash_is_hidden_in_repr(path: Path) -> None:
    entry, _ = new_token(path, "one")

    assert entry.sha256 not in repr(entry)


# -- a person's own


def test_a_persons_token_says_who_they_are_and_what_they_may(path: Path) -> None:
    entry, shown = new_personal_token(path, "laptop", "bob", ["operator", "viewer"], projects=("shop",))

    assert shown.startswith(f"awp_{entry.id}_")
    assert TokenFile(path).find_person(shown) == entry
    assert (entry.person, entry.roles, entry.projects) == ("bob", (Role.OPERATOR, Role.VIEWER), ("shop",))
    assert shown.split("_", 2)[2] not in path.read_text()


def test_neither_kind_is_taken_for_the_other(path: Path) -> None:
    webhook, alerts = new_token(path, "one")
    personal, own = new_personal_token(path, "laptop", "bob", ["admin"])
    tokens = TokenFile(path)
    secret = own.split("_", 2)[2]

    assert (tokens.find(alerts), tokens.find_person(own)) == (webhook, personal)
    assert tokens.find(own) is None
    assert tokens.find_person(alerts) is None
    assert tokens.find(f"awt_{personal.id}_{secret}") is None
    assert tokens.find_person(f"awp_{webhook.id}_{alerts.split('_', 2)[2]}") is None


def test_both_kinds_stand_in_one_file_and_end_the_same_way(path: Path) -> None:
    webhook, _ = new_token(path, "one")
    personal, own = new_personal_token(path, "laptop", "bob", ["admin"])

    revoked = revoke_token(path, personal.id)

    assert read_tokens(path) == (webhook,)
    assert read_personal_tokens(path) == (revoked,)
    assert TokenFile(path).find_person(own) is None


def test_somebody_who_has_gone_loses_all_of_theirs(path: Path) -> None:
    gone = [new_personal_token(path, name, "bob", ["admin"])[1] for name in ("laptop", "phone")]
    _, kept = new_personal_token(path, "laptop", "bobby", ["admin"])
    _, alerts = new_token(path, "bob")

    assert [entry.name for entry in revoke_person(path, "bob")] == ["laptop", "phone"]
    assert revoke_person(path, "bob") == ()

    tokens = TokenFile(path)
    assert [tokens.find_person(shown) for shown in gone] == [None, None]
    assert tokens.find_person(kept) is not None
    assert tokens.find(alerts) is not None


@pytest.mark.parametrize("make", [new_token, partial(new_personal_token, person="bob", roles=["admin"])])
def test_a_token_ends_by_itself(path: Path, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ends, shown = make(path, "laptop", days=30)
    never, other = make(path, "phone")
    file = TokenFile(path)
    find = file.find if isinstance(ends, Token) else file.find_person

    assert (find(shown), find(other)) == (ends, never)
    later = SimpleNamespace(now=lambda _: ends.created + timedelta(days=30))
    monkeypatch.setattr("connectors.tokens.datetime", later)
    assert (find(shown), find(other)) == (None, never)


@pytest.mark.parametrize(
    ("person", "roles", "projects", "told"),
    [
        pytest.param("Bob", ["admin"], "*", "person", id="a capital letter"),
        pytest.param("b\u043eb", ["admin"], "*", "person", id="a letter that looks like another"),
        pytest.param("bob\n", ["admin"], "*", "person", id="a line break"),
        pytest.param("bob", [], "*", "at least one role", id="no role"),
        pytest.param("bob", ["root"], "*", "viewer, operator, approver, admin", id="no such role"),
        pytest.param("bob", ["Admin"], "*", "no such role", id="a role in capitals"),
        pytest.param("bob", ["admin"], (), "projects", id="no project"),
        pytest.param("bob", ["admin"], ("A B",), "projects", id="no project's name"),
    ],
)
def test_a_wrong_person_writes_nothing(
    path: Path, person: str, roles: list[str], projects: Any, told: str
) -> None:
    with pytest.raises(Misconfigured, match=told):
        new_personal_token(path, "laptop", person, roles, projects=projects)

    assert not path.exists()

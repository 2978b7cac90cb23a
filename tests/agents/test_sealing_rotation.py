from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from typer.testing import CliRunner

from agents.key_rotation import destroy, key_files, opener, private_keys, rotate
from agents.sealing import (
    Opener,
    Sealer,
    generate_keypair,
    key_id,
    load_private_key,
    load_public_key,
    public_path,
)
from agents.snapshot import Gathered, Keys, snapshot
from agents.target_id import load_target_key
from awoooi.cli import app
from schemas.errors import CannotOpen, Misconfigured
from schemas.evidence import Source, Surroundings
from tests.agents.runs import TARGET_KEY, finding, started

VALUES = {"[IP_1]": "10.0.0.1"}
HERE = {"project_id": "shop", "event_id": "e-1"}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def private(tmp_path: Path) -> Path:
    path = tmp_path / "sealing.key"
    generate_keypair(path)
    return path


def sealer(private: Path) -> Sealer:
    return Sealer(load_public_key(public_path(private)))


def test_what_was_sealed_before_a_rotation_opens_after_it(private: Path) -> None:
    before = sealer(private).seal(VALUES, **HERE)
    rotate(private, public_path(private))
    after = sealer(private).seal(VALUES, **HERE)
    reader = opener(private)
    assert reader.open(before, **HERE) == reader.open(after, **HERE) == VALUES
    with pytest.raises(CannotOpen, match="sealed to key"):
        Opener([load_private_key(private)]).open(before, **HERE)


def test_new_data_is_sealed_to_the_newest_key(private: Path) -> None:
    file = rotate(private, public_path(private))
    assert key_id(load_public_key(public_path(private))) == file.key_id
    assert [key.in_force for key in key_files(private)] == [True, False]
    assert all(
        path.stat().st_mode & 0o077 == 0
        for path in private.parent.glob("sealing.key.*")
        if path.suffix != ".pub"
    )


def test_a_reader_that_runs_finds_the_new_key(private: Path) -> None:
    reader = opener(private)
    rotate(private, public_path(private))
    assert reader.open(sealer(private).seal(VALUES, **HERE), **HERE) == VALUES


def test_a_reader_looks_again_seldom() -> None:
    asked: list[int] = []
    clock = Clock()
    reader = Opener([], again=lambda: asked.append(1) or (), clock=clock)
    sealed = Sealer(X25519PrivateKey.generate().public_key()).seal(VALUES, **HERE)
    for _ in range(3):
        with pytest.raises(CannotOpen):
            reader.open(sealed, **HERE)
    assert len(asked) == 1
    clock.now = 5
    with pytest.raises(CannotOpen):
        reader.open(sealed, **HERE)
    assert len(asked) == 2


def test_key_files_that_cannot_be_read_again_stop_no_worker(private: Path) -> None:
    reader = opener(private)
    rotate(private, public_path(private))
    sealed = sealer(private).seal(VALUES, **HERE)
    private.chmod(0o644)
    with pytest.raises(CannotOpen, match="cannot be read again"):
        reader.open(sealed, **HERE)


async def test_after_the_old_key_is_destroyed_a_run_goes_on_with_a_gap(private: Path) -> None:
    run = await started({"pod": "web-0"}, sealer(private), summary="10.0.0.9 is away")
    rotate(private, public_path(private))
    gathered = [Gathered(Source.KUBERNETES, [finding("OOMKilled")])]

    def taken() -> tuple[bool, str, list[str]]:
        keys = Keys(opener(private), sealer(private), TARGET_KEY)
        brief = snapshot(run, gathered, keys, Surroundings()).brief
        return brief.cloud, brief.items[1].text, [gap.reason for gap in brief.gaps]

    assert taken() == (True, "OOMKilled", [])
    (old,) = (file for file in key_files(private) if not file.in_force)
    destroy(private, old.key_id)
    cloud, text, gaps = taken()
    assert not cloud
    assert text == "OOMKilled"
    assert f"sealed to key {old.key_id}" in gaps[0]


def test_many_rotations_keep_all_keys(private: Path) -> None:
    sealed = []
    for _ in range(4):
        sealed.append(sealer(private).seal(VALUES, **HERE))
        rotate(private, public_path(private))
    reader = opener(private)
    assert len(private_keys(private)) == 5
    assert all(reader.open(one, **HERE) == VALUES for one in sealed)


def test_a_rotation_that_broke_off_is_taken_up(private: Path) -> None:
    """After the private key was moved, before the public one was."""
    before = sealer(private).seal(VALUES, **HERE)
    public = public_path(private).read_bytes()
    rotate(private, public_path(private))
    public_path(private).write_bytes(public)
    between = sealer(private).seal(VALUES, **HERE)
    rotate(private, public_path(private))
    reader = opener(private)
    assert all(
        reader.open(one, **HERE) == VALUES for one in (before, between, sealer(private).seal(VALUES, **HERE))
    )


def test_the_key_in_force_is_not_destroyed(private: Path) -> None:
    named = key_files(private)[0].key_id
    with pytest.raises(Misconfigured, match="is in force; rotate first"):
        destroy(private, named)
    assert private.exists()


def test_an_unknown_key_is_named(private: Path) -> None:
    rotate(private, public_path(private))
    with pytest.raises(Misconfigured, match=r"no older sealing key 0123; there are: [0-9a-f]{16}"):
        destroy(private, "0123")


def test_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWOOOI_STATE_DIR", str(tmp_path / "state"))
    runner = CliRunner()
    for command in (["init"], ["sealing", "rotate"], ["sealing", "rotate"]):
        assert runner.invoke(app, command).exit_code == 0
    listed = json.loads(runner.invoke(app, ["sealing", "list", "--json"]).stdout)
    assert [key["state"] for key in listed] == ["in force", "opens only", "opens only"]
    assert runner.invoke(app, ["sealing", "destroy", listed[1]["key"]]).exit_code == 0
    assert "in force" in runner.invoke(app, ["sealing", "list"]).stdout
    assert len(json.loads(runner.invoke(app, ["sealing", "list", "--json"]).stdout)) == 2


# --- the key of target ids ------------------------------------------------------------------------------


def test_the_key_of_target_ids_is_read_without_its_line_break(tmp_path: Path) -> None:
    path = tmp_path / "target.secret"
    path.write_bytes(b"k" * 32 + b"\n")
    assert load_target_key(path) == b"k" * 32


@pytest.mark.parametrize(
    ("content", "said"), [(None, "cannot be read"), (b"short\n", "is too short: 5 of 32")]
)
def test_a_target_key_that_is_none_stops_the_start(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "target.secret"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Misconfigured, match=said):
        load_target_key(path)

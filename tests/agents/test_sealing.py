from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from agents.sealing import (
    Opener,
    Sealer,
    generate_keypair,
    key_id,
    load_private_key,
    load_public_key,
    public_path,
)
from schemas.errors import CannotOpen, Misconfigured

VALUES = {"[IP_1]": "10.0.0.1", "[EMAIL_1]": "zoë@example.com"}
HERE = {"project_id": "shop", "event_id": "e-1"}
KEY = X25519PrivateKey.generate()
OTHER = X25519PrivateKey.generate()


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def header(sealed: bytes) -> bytes:
    return sealed[:89]


def test_what_was_sealed_opens_again() -> None:
    sealed = Sealer(KEY.public_key()).seal(VALUES, **HERE)
    assert b"10.0.0.1" not in sealed
    assert Opener([KEY]).open(sealed, **HERE) == VALUES


def test_keys_rotate_side_by_side() -> None:
    old, new = (Sealer(key.public_key()).seal(VALUES, **HERE) for key in (OTHER, KEY))
    opener = Opener([KEY, OTHER])
    assert opener.open(old, **HERE) == opener.open(new, **HERE) == VALUES


def test_the_same_values_never_look_the_same() -> None:
    sealer = Sealer(KEY.public_key())
    assert sealer.seal(VALUES, **HERE) != sealer.seal(VALUES, **HERE)


@pytest.mark.parametrize(
    ("project", "event"),
    [("other", "e-1"), ("shop", "e-2"), ("shope", "-1"), ("", "")],
    ids=["other project", "other event", "shifted", "empty"],
)
def test_elsewhere_it_does_not_open(project: str, event: str) -> None:
    sealed = Sealer(KEY.public_key()).seal(VALUES, **HERE)
    with pytest.raises(CannotOpen, match="belong to another project or event"):
        Opener([KEY]).open(sealed, project_id=project, event_id=event)


def test_another_key_does_not_open_and_says_which_is_needed() -> None:
    sealed = Sealer(KEY.public_key()).seal(VALUES, **HERE)
    with pytest.raises(CannotOpen, match=f"sealed to key {key_id(KEY.public_key())}, this process holds"):
        Opener([OTHER]).open(sealed, **HERE)
    with pytest.raises(CannotOpen, match="this process holds none"):
        Opener([]).open(sealed, **HERE)


def test_not_one_byte_can_be_changed() -> None:
    sealed = Sealer(KEY.public_key()).seal(VALUES, **HERE)
    opener = Opener([KEY])
    for at in range(len(sealed)):
        changed = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        with pytest.raises(CannotOpen):
            opener.open(changed, **HERE)


def test_not_one_byte_can_be_missing() -> None:
    sealed = Sealer(KEY.public_key()).seal(VALUES, **HERE)
    for length in range(len(sealed)):
        with pytest.raises(CannotOpen):
            Opener([KEY]).open(sealed[:length], **HERE)


def test_a_data_key_serves_a_bounded_number_of_messages() -> None:
    sealer = Sealer(KEY.public_key(), messages=2)
    one, two, three = (sealer.seal(VALUES, **HERE) for _ in range(3))
    assert header(one) == header(two) != header(three)
    opener = Opener([KEY])
    assert all(opener.open(sealed, **HERE) == VALUES for sealed in (one, two, three))


def test_a_data_key_serves_a_bounded_time() -> None:
    clock = Clock()
    sealer = Sealer(KEY.public_key(), seconds=60, clock=clock)
    first = sealer.seal(VALUES, **HERE)
    clock.now = 59.9
    assert header(sealer.seal(VALUES, **HERE)) == header(first)
    clock.now = 60
    assert header(sealer.seal(VALUES, **HERE)) != header(first)


def test_key_files(tmp_path: Path) -> None:
    path = tmp_path / "sealing.pem"
    name = generate_keypair(path)
    assert path.stat().st_mode & 0o777 == 0o600
    sealed = Sealer(load_public_key(public_path(path))).seal(VALUES, **HERE)
    assert Opener([load_private_key(path)]).open(sealed, **HERE) == VALUES
    assert key_id(load_public_key(public_path(path))) == name


def test_a_key_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "sealing.pem"
    generate_keypair(path)
    before = path.read_bytes()
    with pytest.raises(Misconfigured, match=r"sealing.pem cannot be written: File exists"):
        generate_keypair(path)
    assert path.read_bytes() == before


def test_a_private_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sealing.pem"
    generate_keypair(path)
    path.chmod(0o640)
    with pytest.raises(Misconfigured, match=r"readable by others \(640\); allowed is 600 or 400"):
        load_private_key(path)


@pytest.mark.parametrize(
    "content", [None, b"", b"no key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_a_broken_key_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "broken.pem"
    if content is not None:
        path.write_bytes(content)
        path.chmod(0o600)
    for load in (load_private_key, load_public_key):
        with pytest.raises(Misconfigured, match=r"broken\.pem"):
            load(path)

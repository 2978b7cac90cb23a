"""A secret from a file: what is wrong is named, and who makes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.gateway.config import GatewayConfig
from connectors.secret import read_secret
from schemas.errors import Misconfigured


def test_a_secret_that_nobody_made_yet_tells_who_does(tmp_path: Path) -> None:
    missing = tmp_path / "stamp.secret"
    config = GatewayConfig(tokens_file=tmp_path / "tokens.json", stamp_secret_file=missing)

    with pytest.raises(Misconfigured) as error:
        config.stamp_key()

    told = f"stamp_secret_file: {missing} does not exist: `awoooi init` makes it in the state folder"
    assert str(error.value) == told


def test_a_secret_that_is_the_operators_own_is_only_named(tmp_path: Path) -> None:
    missing = tmp_path / "password"

    with pytest.raises(Misconfigured) as error:
        read_secret(None, missing, "password")

    assert str(error.value) == f"password_file: {missing} does not exist"


def test_a_folder_is_no_secret(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"password_file: .* cannot be read: Is a directory"):
        read_secret(None, tmp_path, "password")

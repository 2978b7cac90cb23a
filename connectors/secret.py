"""A secret is given as a value or as a file that holds it, never both."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from schemas.errors import Misconfigured


def one_of(value: SecretStr | None, file: Path | None, name: str) -> None:
    """For validators: ValueError unless exactly one of the two is given."""
    if (value is None) == (file is None):
        raise ValueError(f"give either {name} or {name}_file")


def read_secret(value: SecretStr | None, file: Path | None, name: str, made_by: str = "") -> str:
    """The secret itself; a file's last line break is no part of it. `made_by` tells whoever has none yet."""
    if value is not None:
        return value.get_secret_value()
    if file is None:
        raise Misconfigured(f"give either {name} or {name}_file")
    try:
        return file.read_text().rstrip("\r\n")
    except FileNotFoundError as error:
        todo = f": {made_by}" if made_by else ""
        raise Misconfigured(f"{name}_file: {file} does not exist{todo}") from error
    except OSError as error:
        raise Misconfigured(f"{name}_file: {file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Misconfigured(f"{name}_file: {file} is not text") from error


def secrets_of(files: Mapping[str, Path]) -> dict[str, str]:
    """By name. Read for each use, so that a rotated one counts at once."""
    return {name: read_secret(None, path, name) for name, path in files.items()}

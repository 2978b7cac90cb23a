"""`awoooi eval rca DIR`."""

from __future__ import annotations

from schemas.errors import AwoooiError


def run(folder: str, *, as_json: bool) -> None:
    raise AwoooiError(f"{folder}: there is nothing here yet that could be measured (json: {as_json})")

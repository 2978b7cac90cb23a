"""`awoooi topology show`."""

from __future__ import annotations

from schemas.errors import AwoooiError


def show(service: str, file: str, depth: int, *, as_json: bool) -> None:
    raise AwoooiError(f"{service}: not in {file or 'the topology'} (depth {depth}, json: {as_json})")

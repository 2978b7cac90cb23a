"""The golden examples as events, for tests that need a whole one."""

from __future__ import annotations

from typing import Any

from schemas.codec import Codec
from schemas.golden import GOLDEN_DIR


def golden(kind: str, version: int = 1) -> Any:
    return Codec().decode((GOLDEN_DIR / f"{kind}.v{version}.json").read_bytes())

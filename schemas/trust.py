"""Trust that is earned: what came of an approved action."""

from __future__ import annotations

from enum import StrEnum


class Earned(StrEnum):
    VERIFIED = "verified"
    REJECTED = "rejected"
    FAILED = "failed"
    RESET = "reset"
    """a person took all trust away"""

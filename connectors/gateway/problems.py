"""What a refused caller is told: problem details (RFC 9457), and what we count it as."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson

PROBLEM_CONTENT = "application/problem+json"


class Refused(Exception):
    """An answer, not a fault of ours: it ends the handling of one request.

    `reason` is a short constant, for metrics and logs.
    """

    def __init__(
        self, status: int, reason: str, detail: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.detail = detail
        self.headers = headers or {}


def problem(status: int, detail: str = "") -> bytes:
    told: dict[str, Any] = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    if detail:
        told["detail"] = detail
    return orjson.dumps(told)


def unauthorized() -> Refused:
    """Without detail on purpose: nobody learns whether a token exists, is revoked or is misspelt."""
    return Refused(401, "unauthorized", headers={"WWW-Authenticate": "Bearer"})


def come_again(reason: str, detail: str, after_secs: int) -> Refused:
    """503, not 429: Alertmanager gives up on a 429 and retries a 503."""
    return Refused(503, reason, detail, {"Retry-After": str(after_secs)})

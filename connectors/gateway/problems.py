"""What a refused caller is told: problem details (RFC 9457), and what we count it as."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import orjson

PROBLEM_CONTENT = "application/problem+json"
RawHeaders = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Refused(Exception):
    """Ends the handling of one request. `reason` is a short constant, for metrics and logs."""

    status: int
    reason: str
    detail: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> bytes:
        return problem(self.status, self.detail)


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

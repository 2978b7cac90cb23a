"""Talking to peers over HTTP with nothing but the standard library."""

from __future__ import annotations

import json
import urllib.error
import urllib.request


def get(url: str, timeout: float = 2.0) -> str | None:
    """The body, or None while there is no good answer."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            body: bytes = answer.read()
            return body.decode()
    except OSError:  # refused, reset, timed out, or a status that is not 2xx
        return None


def post_json(url: str, body: object, headers: dict[str, str] | None = None, timeout: float = 10.0) -> int:
    """The status of the answer, whatever it is."""
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            status: int = answer.status
            return status
    except urllib.error.HTTPError as refused:
        return refused.code

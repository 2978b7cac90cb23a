"""A service's refusal in our words. What a server says passes the privacy shield and is cut short."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from agents.models.model import Fault, ProviderFailed
from agents.privacy import cover_text

LONGEST = 200
DURATION = re.compile(r"(\d+(?:\.\d+)?)s")


def told(text: str, *secrets: str) -> str:
    """One line, without secrets and personal values, cut short."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "[API_KEY]")
    return cover_text(" ".join(text.split()), LONGEST)


def refusal_of(status: int, headers: Mapping[str, str], body: bytes, *secrets: str) -> ProviderFailed:
    """By the status, which all services use alike."""
    error = _error_in(body)
    said = told(_message(error) or body.decode(errors="replace"), *secrets)
    reason = f"answers {status}" + (f": {said}" if said else "")
    match status:
        case 401 | 403:
            return ProviderFailed(reason, fault=Fault.KEY, final=True)
        case 404:
            return ProviderFailed(reason, fault=Fault.MODEL, final=True)
        case 429 | 503 | 529:
            patience = _retry_after(headers, error)
            fault = Fault.BUSY if status == 429 or patience is not None else Fault.AWAY
            return ProviderFailed(reason, fault=fault, retry_after_secs=patience)
        case 408:
            return ProviderFailed(reason, fault=Fault.AWAY)
        case _ if status >= 500:
            return ProviderFailed(reason, fault=Fault.AWAY)
        case _ if 300 <= status < 400:
            return ProviderFailed(
                f"answers {status}: redirects are not followed", fault=Fault.MODEL, final=True
            )
        case _:
            return ProviderFailed(reason, fault=Fault.REFUSED, final=True)


def message_of(error: Any) -> str:
    """Of an error that came within a stream."""
    return told(_message({"error": error}) or "an error without words")


def _error_in(body: bytes) -> Any:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return content[0] if isinstance(content, list) and content else content


def _message(content: Any) -> str:
    """Services say {"error": "…"} or {"error": {"message": "…"}}."""
    error = content.get("error") if isinstance(content, Mapping) else None
    message = error.get("message") if isinstance(error, Mapping) else error
    return message if isinstance(message, str) else ""


def _retry_after(headers: Mapping[str, str], content: Any) -> float | None:
    said = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d+)?", said):
        return float(said)
    if said:
        return _until(said)
    return _delay_within(content)


def _until(date: str) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    return max(0.0, (moment.astimezone(UTC) - datetime.now(UTC)).total_seconds())


def _delay_within(content: Any) -> float | None:
    """Gemini says it in the error's details: {"retryDelay": "39s"}."""
    error = content.get("error") if isinstance(content, Mapping) else None
    details = error.get("details") if isinstance(error, Mapping) else None
    for detail in details if isinstance(details, list) else ():
        delay = detail.get("retryDelay") if isinstance(detail, Mapping) else None
        if isinstance(delay, str) and (found := DURATION.fullmatch(delay)):
            return float(found[1])
    return None

"""Brokers out of reach: said once, by us, with the reason.

aiokafka logs the reason at every attempt, twice a second for ever, and its error holds only addresses.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from aiokafka.errors import BrokerResponseError, KafkaError, SaslAuthenticationFailed

from connectors.reasons import reason_of

_TELLS_OF_IT = "Unable "  # how aiokafka's lines about it begin


class Unreached:
    """`why` the last attempt failed; empty where none did."""

    why = ""


_listening: ContextVar[Unreached | None] = ContextVar("listening", default=None)


class _Taken(logging.Filter):
    """Keeps a line's reason instead of the line, where somebody listens."""

    def filter(self, record: logging.LogRecord) -> bool:
        listener = _listening.get()
        if listener is None or not str(record.msg).startswith(_TELLS_OF_IT):
            return True
        last = record.args[-1] if isinstance(record.args, tuple) and record.args else None
        if isinstance(last, BaseException):
            listener.why = _reason(last)
        return False


_taken = _Taken()


@contextmanager
def told_by_us() -> Iterator[Unreached]:
    """Clients that are started within no longer log that a broker is out of reach."""
    logging.getLogger("aiokafka").addFilter(_taken)  # the same one is added once
    listener = Unreached()
    token = _listening.set(listener)
    try:
        yield listener
    finally:
        _listening.reset(token)


def away(servers: str, error: BaseException, unreached: Unreached) -> str:
    """Which Kafka is meant, and what is wrong with it."""
    if isinstance(error, BrokerResponseError):  # it does answer
        return f"Kafka at {servers}: {error}"
    given = "" if isinstance(error, KafkaError) else _reason(error)  # its text is about nodes and families
    why = unreached.why or given
    return f"Kafka at {servers} does not answer" + (f" ({why})" if why else "")


def _reason(error: BaseException) -> str:
    if isinstance(error, SaslAuthenticationFailed):
        return "it refuses user name or password"
    return reason_of(error)

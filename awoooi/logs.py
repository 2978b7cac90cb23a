"""One way of logging for every process: structlog over stdlib logging, as JSON or readable.

Lines of faust, aiokafka and uvicorn come out in the same form. Ours hold ids and counts, never an alert.
"""

from __future__ import annotations

import logging
import logging.config
import math
import sys
from typing import Any

import structlog

from awoooi.settings import LogSettings

# What others say at these levels is of no interest to an operator, or would hold alerts' values.
THIRD_PARTIES = {
    "faust": "WARNING",
    "mode": "WARNING",
    "aiokafka": "ERROR",
    "kafka": "WARNING",
    "uvicorn": "WARNING",
    "aiohttp": "WARNING",
    "asyncio": "WARNING",
    "httpx": "WARNING",
    "httpcore": "WARNING",
    "clickhouse_connect": "WARNING",
    "urllib3": "WARNING",
}
# Of a broker that is away aiokafka tells at each attempt, several times a second, for ever.
BROKER_AWAY = ("Unable connect to ", "Unable to update metadata from ", "Failed fetch ")
AWAY_EVERY_SECS = 60.0
# Every first start of a cluster makes its groups' coordinator.
EXPECTED = "GroupCoordinatorNotAvailableError"
# These tell by lines of their own that the broker is away, and when it is back.
TELL_THEMSELVES = ("gateway", "sink")


def set_up(settings: LogSettings, process: str) -> None:
    """Once, at the start of a process; every line then carries its name."""
    as_json = settings.format == "json" or (settings.format == "auto" and not sys.stderr.isatty())
    level = settings.level.upper()
    shared = _shared(process)
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "ours": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": [structlog.stdlib.ExtraAdder(), *shared],
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        *_rendering(as_json=as_json),
                    ],
                }
            },
            "filters": {
                "services": {"()": lambda: _not_a_service},
                "broker": {"()": lambda: AwayNowAndThen(never=process in TELL_THEMSELVES)},
            },
            "handlers": {
                "stderr": {
                    "class": "logging.StreamHandler",
                    "formatter": "ours",
                    "filters": ["services", "broker"],
                }
            },
            "root": {"level": level, "handlers": ["stderr"]},
            "loggers": {
                name: {"level": quiet, "handlers": [], "propagate": True}
                for name, quiet in THIRD_PARTIES.items()
            },
        }
    )
    logging.captureWarnings(True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def quiet() -> None:
    """For commands that tell by themselves what goes wrong: their output is all that is said."""
    logging.basicConfig(handlers=[logging.NullHandler()])
    structlog.configure(logger_factory=structlog.stdlib.LoggerFactory())


class AwayNowAndThen(logging.Filter):
    """Lets aiokafka tell of an absent broker once in a while, or never; of all else at once."""

    def __init__(self, *, never: bool) -> None:
        super().__init__()
        self._never, self._told_at = never, -math.inf

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith("aiokafka"):
            return True
        text = record.getMessage()
        if EXPECTED in text:
            return False
        if not text.startswith(BROKER_AWAY):
            return True
        if self._never or record.created - self._told_at < AWAY_EVERY_SECS:
            return False
        self._told_at = record.created
        return True


def _not_a_service(record: logging.LogRecord) -> bool:
    """Faust's services tell of each start and stop in their subclass's name: `[^--Name]`."""
    return record.levelno >= logging.WARNING or not str(record.msg).startswith("[^")


def _shared(process: str) -> list[Any]:
    def name_process(_: Any, __: str, line: Any) -> Any:
        line["process"] = process
        return line

    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        name_process,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]


def _rendering(*, as_json: bool) -> list[Any]:
    if as_json:
        # frames' local variables could hold alerts: only the trace itself is written
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    return [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]

"""Waiting without sleeping blindly: poll until true, or say what never came."""

from __future__ import annotations

import asyncio
import inspect
import socket
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def free_ports(count: int) -> list[int]:
    """Several at once, all different."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def wait_until(
    predicate: Callable[[], T], timeout: float = 10.0, *, what: str = "", every: float = 0.05
) -> T:
    """The predicate's first true answer; TimeoutError with its last answer when none comes."""
    deadline = time.monotonic() + timeout
    while True:
        answer = predicate()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(_never(what or _name(predicate), timeout, answer))
        time.sleep(every)


async def wait_until_async(
    predicate: Callable[[], T | Awaitable[T]],
    timeout: float = 10.0,  # noqa: ASYNC109 (called like `wait_until`)
    *,
    what: str = "",
    every: float = 0.05,
) -> T:
    """`wait_until` for a running loop; the predicate may be a coroutine function."""
    deadline = time.monotonic() + timeout
    while True:
        given = predicate()
        answer: T = await given if inspect.isawaitable(given) else given
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(_never(what or _name(predicate), timeout, answer))
        await asyncio.sleep(every)


def answers(port: int, host: str = "127.0.0.1") -> bool:
    """Whether something accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def _never(what: str, timeout: float, answer: object) -> str:
    return f"{what}: not within {timeout:g} s (last answer: {answer!r})"


def _name(predicate: Callable[..., object]) -> str:
    name: str = getattr(predicate, "__qualname__", repr(predicate))
    return name

"""The doctor's check of what may be run by name: whether it could be, and whether policy names it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from awoooi.findings import Finding, Verdict
from awoooi.loading import Loaded
from schemas.errors import Misconfigured, NotNow

if TYPE_CHECKING:
    from connectors.executors.named import NamedFile
    from streams.policy.policy import Policy

PART = "actions"
CONNECT_SECS = 3.0
MEND = "correct the file that AWOOOI_ACTIONS_FILE names, or what it needs"
NAME_IT = "name it in your policy, with its risk: `awoooi policy show`, `awoooi policy apply`"


async def actions(loaded: Loaded) -> list[Finding]:
    from awoooi.execution import executors_of
    from awoooi.rca import named_of
    from connectors.executors.assigned import assign

    settings = loaded.settings
    try:
        file = named_of(settings)
        async with AsyncExitStack() as opened:
            executors = executors_of(settings, opened)
            assign(executors, settings.executors)
    except Misconfigured as error:
        return [Finding(PART, Verdict.WRONG, line, MEND) for line in str(error).splitlines()]
    names = ", ".join(one.name for one in executors if one.operations)
    found = [Finding(PART, Verdict.OK, f"{_counted(file)}; executors: {names}")]
    if any(things for _, _, things in file.kinds()):
        found += await _by_policy(loaded, file)
        found += await _hosts(file)
    return found


def _counted(file: NamedFile) -> str:
    counts = [f"{len(things)} {kind}" for kind, _, things in file.kinds() if things]
    return f"{', '.join(counts)} may be run by name" if counts else "nothing may be run by name"


async def _by_policy(loaded: Loaded, file: NamedFile) -> list[Finding]:
    from awoooi.policy_commands import in_force
    from streams.policy.policy import parse_policy

    try:
        policy = parse_policy(await in_force(loaded.settings))
    except (NotNow, Misconfigured):  # the broker's and policy's own checks tell it
        return []
    return list(_unnamed(file, policy))


def _unnamed(file: NamedFile, policy: Policy) -> Iterator[Finding]:
    for _, operation, things in file.kinds():
        for name in sorted(things.keys() - policy.operations[operation].named.keys()):
            what = f"{operation} {name}: policy names none like it, so it is CRITICAL"
            yield Finding(PART, Verdict.WARNING, what, NAME_IT)


async def _hosts(file: NamedFile) -> list[Finding]:
    places = {(parts.hostname or "", parts.port or PORTS[parts.scheme]) for parts in _addresses(file)}
    found = await asyncio.gather(*(_reached(host, port) for host, port in sorted(places)))
    return [one for one in found if one is not None]


def _addresses(file: NamedFile) -> Iterator[SplitResult]:
    return (urlsplit(url) for call in file.calls.values() for _, url in call.urls())


async def _reached(host: str, port: int) -> Finding | None:
    try:
        async with asyncio.timeout(CONNECT_SECS):
            _, writer = await asyncio.open_connection(host, port)
        writer.close()
    except (OSError, TimeoutError) as error:
        told = str(error) or f"no answer within {CONNECT_SECS:g} s"
        return Finding(PART, Verdict.WARNING, f"{host}:{port} is not reached: {told}", "start or correct it")
    return None


PORTS = {"http": 80, "https": 443}

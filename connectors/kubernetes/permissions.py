"""What a log-in may do: everything that evidence reads, and better nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from connectors.kubernetes import kinds
from connectors.kubernetes.client import Cluster
from connectors.kubernetes.kinds import Kind

_SECRET = Kind("secret", "Secret", "secrets")
_BEYOND = (
    ("get", _SECRET),
    ("delete", kinds.POD),
    ("create", kinds.POD),
    ("patch", kinds.DEPLOYMENT),
    ("patch", kinds.NODE),
)


@dataclass(frozen=True, slots=True)
class Permissions:
    """`missing` is what evidence cannot be had of; `beyond` is what a reader should not be able to do."""

    missing: Sequence[str]
    beyond: Sequence[str]


async def permissions(cluster: Cluster) -> Permissions:
    """As the API server answers; asking changes nothing. Raises Unavailable."""
    reading = [("list", kind) for kind in kinds.ALL]
    answers = await asyncio.gather(*(cluster.may(verb, kind) for verb, kind in (*reading, *_BEYOND)))
    wanted, more = answers[: len(reading)], answers[len(reading) :]
    return Permissions(
        missing=[kind.plural for (_, kind), may in zip(reading, wanted, strict=True) if not may],
        beyond=[f"{verb} {kind.plural}" for (verb, kind), may in zip(_BEYOND, more, strict=True) if may],
    )

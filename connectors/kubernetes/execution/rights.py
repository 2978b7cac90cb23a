"""What the executor's log-in may carry out in all namespaces, and what it may do that no operation needs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connectors.kubernetes import kinds
from connectors.kubernetes.client import Cluster
from connectors.kubernetes.execution.act import Right
from connectors.kubernetes.execution.operations import ACTS
from connectors.kubernetes.kinds import Kind
from schemas.operations import SHAPES, Operation, Parameters, Step, Target

_SECRET = Kind("secret", "Secret", "secrets")
BEYOND = (
    Right("get", _SECRET),
    Right("create", kinds.POD),
    Right("create", kinds.POD, "exec"),
    Right("delete", kinds.DEPLOYMENT),
    Right("delete", kinds.NAMESPACE),
    Right("delete", kinds.NODE),
)


@dataclass(frozen=True, slots=True)
class Able:
    """`lacking`: operations that cannot be carried out, with the rights that are missing."""

    lacking: Mapping[Operation, Sequence[str]]
    beyond: Sequence[str]


async def able(cluster: Cluster) -> Able:
    """As the API server answers; asking changes nothing. Raises Unavailable."""
    needed = {operation: rights_of(operation) for operation in ACTS}
    asked = list(dict.fromkeys([*(right for rights in needed.values() for right in rights), *BEYOND]))
    answers = await asyncio.gather(*(cluster.may(one.verb, one.kind, sub=one.sub) for one in asked))
    may = dict(zip(asked, answers, strict=True))
    lacking = {
        operation: sorted({str(right) for right in rights if not may[right]})
        for operation, rights in needed.items()
    }
    return Able(
        {operation: missing for operation, missing in lacking.items() if missing},
        [str(right) for right in BEYOND if may[right]],
    )


def rights_of(operation: Operation) -> list[Right]:
    """On each kind that it acts on."""
    return [
        right for kind in SHAPES[operation].kinds for right in ACTS[operation].rights(_any(operation, kind))
    ]


def _any(operation: Operation, kind: str) -> Step:
    """Rights hang on the kind alone; what the shape demands is filled in."""
    needs = {"replicas": 1, "size": "1Gi", "name": "any"}
    given = {name: needs[name] for name in SHAPES[operation].required}
    return Step(operation=operation, target=Target(kind=kind, name="any"), parameters=Parameters(**given))

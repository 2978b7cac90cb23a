"""A codec over a schema registry: our schemas registered, foreign numbers looked up when they are met.

codec = await registry_codec(client, as_json)
Engine(..., learn=partial(learn, codec, client))
"""

from __future__ import annotations

from typing import Any, Protocol

import structlog

from schemas.catalog import event_classes
from schemas.codec import Codec, schema_text
from schemas.envelope import Event
from schemas.errors import Misconfigured, Never

log = structlog.get_logger(__name__)
NO_REGISTRY = "no schema registry is configured"


class Registry(Protocol):
    """What is needed of connectors.schema_registry.SchemaRegistry."""

    async def register(self, subject: str, schema: str) -> int: ...

    async def schema(self, number: int) -> dict[str, Any]: ...


async def register_all(client: Registry) -> dict[type[Event], int]:
    """What the registry gives for every schema of ours; a second call gives the same.

    Raises RegistryAway when it may work later, Misconfigured when the registry refuses a schema.
    """
    numbers = {}
    for event in event_classes().values():
        try:
            numbers[event] = await client.register(event.record_name(), schema_text(event))
        except Never as error:
            raise Misconfigured(f"{event.record_name()} cannot be registered: {error}") from error
    return numbers


async def registry_codec(client: Registry, as_json: frozenset[str] = frozenset()) -> Codec:
    return Codec(registry_ids=await register_all(client), as_json=as_json)


async def learn(codec: Codec, client: Registry | None, number: int) -> None:
    """Teach the codec the schema behind a number, or that nobody knows it.

    Raises RegistryAway alone: then the record waits. A number that the registry cannot help with is refused,
    and the record that carries it becomes a dead letter at the next try.
    """
    if client is None:
        codec.refuse(number, NO_REGISTRY)
        return
    try:
        codec.learn(number, await client.schema(number))
    except Never as error:
        log.warning("schema_refused", number=number, why=str(error))
        codec.refuse(number, str(error))

"""The codec as the settings want it: with a schema registry, or without."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from awoooi.running import until_there
from awoooi.settings import Settings
from connectors.http import HttpClient
from connectors.schema_registry import SchemaRegistry
from schemas.codec import Codec
from schemas.envelope import Event
from schemas.errors import UnknownSchema
from streams.registry import learn, registry_codec

Learn = Callable[[int], Awaitable[None]]


@asynccontextmanager
async def codec_of(settings: Settings) -> AsyncIterator[tuple[Codec, Learn]]:
    """With it what teaches it a schema that only the registry knows: RegistryAway when nobody answers."""
    as_json = frozenset(settings.json_events)
    given = settings.registry
    if given.url is None:
        codec = Codec(as_json=as_json)
        yield codec, partial(learn, codec, None)
        return
    ca_file = None if given.ca_file is None else str(given.ca_file)
    async with HttpClient(basic_auth=given.login(), ca_file=ca_file) as http:
        registry = SchemaRegistry(given.url, http)
        codec = await until_there("schema_registry", partial(registry_codec, registry, as_json))
        yield codec, partial(learn, codec, registry)


async def read_event(codec: Codec, learn: Learn, value: bytes | None) -> tuple[type[Event], dict[str, Any]]:
    """Class and plain values, however long it takes until a schema that only the registry knows is told."""
    try:
        return codec.read(value)
    except UnknownSchema as unknown:
        if unknown.framing == "registry":
            await until_there("schema_registry", partial(learn, int(unknown.schema)))
        return codec.read(value)

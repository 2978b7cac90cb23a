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
from schemas.errors import RegistryAway, UnknownSchema
from schemas.headers import Headers, event_headers, trace_of
from streams.registry import learn, registry_codec
from streams.runner import VERSION

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


def encoded(codec: Codec, event: Event, traceparent: bytes = b"") -> tuple[bytes, Headers]:
    """Value and headers of its record: in the trace of the request that it comes of, or in one of its own."""
    trace = trace_of([("traceparent", traceparent)], event.event_id)
    return codec.encode(event), event_headers(event, codec.content_type(event.type), trace, VERSION)


def there(codec: Codec | None) -> Codec:
    """RegistryAway while a schema registry is waited for."""
    if codec is None:
        raise RegistryAway("the schema registry is away")
    return codec


async def read_event(codec: Codec, learn: Learn, value: bytes | None) -> tuple[type[Event], dict[str, Any]]:
    """Class and plain values, however long it takes until a schema that only the registry knows is told."""
    try:
        return codec.read(value)
    except UnknownSchema as unknown:
        if unknown.framing == "registry":
            await until_there("schema_registry", partial(learn, int(unknown.schema)))
        return codec.read(value)

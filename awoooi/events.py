"""The codec as the settings want it: with a schema registry, or without."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

from awoooi.running import until_there
from awoooi.settings import Settings
from connectors.http import HttpClient
from connectors.schema_registry import SchemaRegistry
from schemas.catalog import event_classes
from schemas.codec import Codec, schema_text
from schemas.envelope import Event
from schemas.errors import Never

Learn = Callable[[int], Awaitable[None]]


@asynccontextmanager
async def codec_of(settings: Settings) -> AsyncIterator[tuple[Codec, Learn]]:
    """`learn` teaches the codec a schema that the registry knows; RegistryAway when it does not answer."""
    as_json = frozenset(settings.json_events)
    given = settings.registry
    if given.url is None:
        codec = Codec(as_json=as_json)
        yield codec, _nobody_knows(codec)
        return
    ca_file = None if given.ca_file is None else str(given.ca_file)
    async with HttpClient(basic_auth=given.login(), ca_file=ca_file) as http:
        registry = SchemaRegistry(given.url, http)
        codec = Codec(await _registered(registry), as_json)
        yield codec, _asking(registry, codec)


async def _registered(registry: SchemaRegistry) -> dict[type[Event], int]:
    """Every event's schema under its record name, and the registry's number for it."""
    numbers = {}
    for event in event_classes().values():
        ask = partial(registry.register, event.record_name(), schema_text(event))
        numbers[event] = await until_there("schema_registry", ask)
    return numbers


def _asking(registry: SchemaRegistry, codec: Codec) -> Learn:
    async def learn(number: int) -> None:
        try:
            codec.learn(number, await registry.schema(number))
        except Never as error:
            codec.refuse(number, str(error))

    return learn


def _nobody_knows(codec: Codec) -> Learn:
    async def learn(number: int) -> None:
        codec.refuse(number, "AWOOOI_REGISTRY_URL names no schema registry")

    return learn

"""The registry's client against its fake, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator

import pytest

from connectors.http import HttpClient
from connectors.schema_registry import SchemaRegistry
from connectors.schema_registry_fake import FakeSchemaRegistry
from schemas.alert import AlertNormalized
from schemas.codec import Codec, schema_text
from schemas.errors import Never, RegistryAway, Unreadable
from tests.peers import free_port

SCHEMA = json.dumps({"type": "record", "name": "X", "fields": []})


@pytest.fixture
def fake() -> FakeSchemaRegistry:
    return FakeSchemaRegistry()


@pytest.fixture
def address(fake: FakeSchemaRegistry) -> Iterator[str]:
    with fake.serving() as url:
        yield url


@pytest.fixture
async def registry(address: str) -> AsyncIterator[SchemaRegistry]:
    async with HttpClient() as http:
        yield SchemaRegistry(address + "/", http)


async def test_a_schema_has_one_id_however_often_it_is_registered(registry: SchemaRegistry) -> None:
    first = await registry.register("a", SCHEMA)

    assert await registry.register("a", SCHEMA) == first
    assert await registry.register("odd/subject name", SCHEMA) == first
    assert await registry.register("a", SCHEMA.replace("X", "Y")) != first
    assert await registry.schema(first) == json.loads(SCHEMA)


async def test_the_codec_learns_what_it_gives(registry: SchemaRegistry) -> None:
    number = await registry.register("alert", schema_text(AlertNormalized))

    Codec().learn(number, await registry.schema(number))


async def test_an_unknown_id_is_never(registry: SchemaRegistry) -> None:
    with pytest.raises(Never, match="404: Schema not found"):
        await registry.schema(99)


async def test_an_incompatible_schema_is_never(registry: SchemaRegistry, fake: FakeSchemaRegistry) -> None:
    fake.incompatible.add("a")

    with pytest.raises(Never, match="409: Schema being registered is incompatible"):
        await registry.register("a", SCHEMA)


async def test_a_registry_in_trouble_is_away(registry: SchemaRegistry, fake: FakeSchemaRegistry) -> None:
    fake.away = True

    with pytest.raises(RegistryAway, match="503"):
        await registry.register("a", SCHEMA)


async def test_nobody_there_is_away() -> None:
    async with HttpClient(timeout_secs=1) as http:
        with pytest.raises(RegistryAway, match="does not answer"):
            await SchemaRegistry(f"http://127.0.0.1:{free_port()}", http).schema(1)


async def test_a_log_in_is_sent(fake: FakeSchemaRegistry, address: str) -> None:
    fake.basic_auth = ("user", "geheim")

    async with HttpClient(basic_auth=("user", "geheim")) as http:
        assert await SchemaRegistry(address, http).register("a", SCHEMA) == 1
    async with HttpClient(basic_auth=("user", "wrong")) as http:
        with pytest.raises(Never, match="401") as error:
            await SchemaRegistry(address, http).register("a", SCHEMA)
    assert "wrong" not in str(error.value)


@pytest.mark.parametrize("text", ["no JSON", '"string"', "[]"])
async def test_a_schema_that_is_none_is_unreadable(
    registry: SchemaRegistry, fake: FakeSchemaRegistry, text: str
) -> None:
    fake.schemas[1] = text

    with pytest.raises(Unreadable):
        await registry.schema(1)

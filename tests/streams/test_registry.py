"""The codec with a schema registry, over HTTP, and what becomes of numbers that it does not know."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from connectors.http import HttpClient
from connectors.schema_registry import SchemaRegistry
from connectors.schema_registry_fake import FakeSchemaRegistry
from schemas.catalog import event_classes
from schemas.codec import CONFLUENT, Codec, schema_text
from schemas.envelope import Event
from schemas.errors import BrokerAway, Misconfigured, Never, RegistryAway, UnknownSchema
from schemas.failure import StageFailed
from schemas.incident import IncidentMoved
from streams.registry import NO_REGISTRY, learn, register_all, registry_codec
from streams.runner import Runner, stage_failed
from streams.stage import Now, Record
from tests.schemas.examples import moved


@pytest.fixture
def registry() -> FakeSchemaRegistry:
    return FakeSchemaRegistry()


@pytest.fixture
async def client(registry: FakeSchemaRegistry) -> AsyncIterator[SchemaRegistry]:
    with registry.serving() as url:
        async with HttpClient(timeout_secs=5) as http:
            yield SchemaRegistry(url, http)


async def test_every_schema_is_registered_under_its_record_name(
    registry: FakeSchemaRegistry, client: SchemaRegistry
) -> None:
    numbers = await register_all(client)

    assert set(registry.subjects) == {event.record_name() for event in event_classes().values()}
    assert {event: json.loads(registry.schemas[number]) for event, number in numbers.items()} == {
        event: json.loads(schema_text(event)) for event in event_classes().values()
    }


async def test_registering_twice_gives_the_same_numbers(client: SchemaRegistry) -> None:
    assert await register_all(client) == await register_all(client)


async def test_the_codec_writes_and_reads_with_the_registrys_numbers(client: SchemaRegistry) -> None:
    codec, event = await registry_codec(client), moved()

    value = codec.encode(event)

    assert value[:5] == CONFLUENT + codec.registry_ids[IncidentMoved].to_bytes(4)
    assert codec.decode(value) == event


async def test_what_the_settings_want_as_json_is_json(client: SchemaRegistry) -> None:
    codec = await registry_codec(client, frozenset({"incident.moved"}))

    assert json.loads(codec.encode(moved()))["type"] == "incident.moved"


async def test_a_refused_schema_stops_the_start_and_is_named(
    registry: FakeSchemaRegistry, client: SchemaRegistry
) -> None:
    registry.incompatible.add("awoooi.IncidentMoved")

    with pytest.raises(Misconfigured, match=r"awoooi\.IncidentMoved.*incompatible"):
        await register_all(client)


async def test_a_registry_that_is_away_is_waited_for(
    registry: FakeSchemaRegistry, client: SchemaRegistry
) -> None:
    registry.away = True

    with pytest.raises(RegistryAway):
        await register_all(client)


# -- numbers that other writers' records carry


async def test_a_newer_writers_schema_is_learned(
    registry: FakeSchemaRegistry, client: SchemaRegistry
) -> None:
    """A process of tomorrow registered a schema with one field more, which today's code does not know."""
    schema = json.loads(schema_text(IncidentMoved))
    schema["fields"].append({"name": "mood", "type": "string", "default": "calm"})
    number = registry.register("awoooi.IncidentMoved", json.dumps(schema))[1]["id"]
    value = _written_with(number) + b"\x08calm"
    reader = Codec()

    with pytest.raises(UnknownSchema):
        reader.decode(value)
    await learn(reader, client, number)

    assert reader.decode(value) == moved()


async def test_a_reader_that_registered_nothing_learns_todays_schemas(client: SchemaRegistry) -> None:
    writer, reader = await registry_codec(client), Codec()

    await learn(reader, client, writer.registry_ids[IncidentMoved])

    assert reader.decode(writer.encode(moved())) == moved()


async def test_while_the_registry_is_away_the_number_stays_open(
    registry: FakeSchemaRegistry, client: SchemaRegistry
) -> None:
    reader = Codec()
    registry.away = True

    with pytest.raises(RegistryAway):
        await learn(reader, client, 1)

    with pytest.raises(UnknownSchema) as caught:
        reader.decode(_written_with(1))
    assert caught.value.framing == "registry", "it is asked again"


@pytest.mark.parametrize("known", [False, True], ids=["unknown to the registry", "of a foreign record"])
async def test_a_number_that_nobody_can_explain_becomes_a_dead_letter(
    known: bool, registry: FakeSchemaRegistry, client: SchemaRegistry
) -> None:
    number = 4096
    if known:
        registry.schemas[number] = '{"type": "record", "name": "other.Thing", "fields": []}'
    runner = Runner(_Reads(), Codec(), clock=lambda: 0)
    record = _record(_written_with(number), runner.codec)

    with pytest.raises(UnknownSchema):
        await runner.turn([record])
    await learn(runner.codec, client, number)
    turn = await runner.turn([record])

    letter = runner.codec.decode(turn.outputs[0].value)
    assert isinstance(letter, StageFailed)
    assert (letter.payload.reason, letter.payload.original) == ("unknown_schema", record.value)


async def test_without_a_registry_a_number_becomes_a_dead_letter_at_once() -> None:
    reader = Codec()

    await learn(reader, None, 7)

    with pytest.raises(UnknownSchema, match=NO_REGISTRY) as caught:
        reader.decode(_written_with(7))
    assert caught.value.framing != "registry"


async def test_trouble_of_another_kind_is_not_taken_for_an_answer() -> None:
    class Broken:
        async def register(self, subject: str, schema: str) -> int:
            raise BrokerAway("away")

        async def schema(self, number: int) -> dict[str, object]:
            raise BrokerAway("away")

    reader = Codec()
    with pytest.raises(BrokerAway):
        await learn(reader, Broken(), 7)

    with pytest.raises(UnknownSchema, match=r"unknown registry schema 7$"):
        reader.decode(_written_with(7))


class _Reads:
    """A stage that only reads."""

    name = "reads"
    reads = ("incidents",)

    async def handle(self, record: Record, now: Now) -> list[Event]:
        assert record.event
        return []

    def dead_letter(self, record: Record, error: Never, now: Now) -> Event:
        return stage_failed(self.name, record, error, now, "")


def _written_with(number: int) -> bytes:
    return Codec(registry_ids={IncidentMoved: number}).encode(moved())


def _record(value: bytes, codec: Codec) -> Record:
    return Record("incidents", 0, 0, b"INC-1", value, (), 0, codec)

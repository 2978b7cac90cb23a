"""The models, the checked-in Avro schemas and the golden records agree."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import fastavro
import pytest
from fastavro.schema import load_schema, parse_schema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas import avro_schema, codec
from schemas.alert import AlertNormalized
from schemas.avro_schema import AVRO_DIR, path_of, render
from schemas.codec import CONFLUENT, SINGLE_OBJECT, Codec
from schemas.envelope import Event, as_plain
from schemas.golden import GOLDEN_DIR, example_of, freeze
from schemas.settled import Settled
from tests.schemas.examples import CLASSES, any_of, moved, name_of

IDS = {event: number for number, event in enumerate(CLASSES, 100)}
FRAMINGS = {
    "single-object": Codec(),
    "confluent": Codec(registry_ids=IDS),
    "json": Codec(as_json=frozenset(map(name_of, CLASSES))),
}
SCHEMA_FILES = sorted(AVRO_DIR.glob("*.avsc"))
GOLDEN_FILES = sorted(GOLDEN_DIR.glob("*.hex"))


@pytest.mark.parametrize("event", CLASSES, ids=name_of)
class TestEveryEvent:
    def test_its_schema_is_the_one_checked_in(self, event: type[Event]) -> None:
        assert path_of(event).read_text() == render(event), "stale: `make docs` renews it"

    def test_its_class_and_its_records_say_the_same_version(self, event: type[Event]) -> None:
        assert event.model_fields["schema_version"].default == event.version

    def test_it_says_what_its_id_is_over(self, event: type[Event]) -> None:
        assert event.id_over

    def test_it_is_told_in_the_past_tense_and_described(self, event: type[Event]) -> None:
        assert event.__doc__
        assert event.__doc__ != Event.__doc__

    @pytest.mark.parametrize("framing", FRAMINGS)
    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(data=st.data())
    def test_what_is_written_is_read(self, event: type[Event], framing: str, data: st.DataObject) -> None:
        written = data.draw(any_of(event))
        value = FRAMINGS[framing].encode(written)

        assert FRAMINGS[framing].decode(value) == written

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(data=st.data())
    def test_it_is_written_as_avro_s_own_writer_does(self, event: type[Event], data: st.DataObject) -> None:
        written = data.draw(any_of(event))
        out = io.BytesIO(), load_schema(str(path_of(event)))
        fastavro.schemaless_writer(*out, as_plain(written))

        assert Codec().encode(written).endswith(out[0].getvalue())
        assert len(Codec().encode(written)) == len(out[0].getvalue()) + 10

    def test_it_has_a_golden_record(self, event: type[Event]) -> None:
        assert example_of(event).with_suffix(".hex") in GOLDEN_FILES


@settings(max_examples=20, deadline=None)
@given(any_of(AlertNormalized), st.dictionaries(st.text(), st.text()))
def test_what_was_settled_is_written_the_same_each_time(event: Event, labels: dict[str, str]) -> None:
    plain, settled = as_plain(event), Settled(labels)
    plain["payload"] |= {"labels": labels}
    expected = Codec().encode_plain(AlertNormalized, plain)

    for _ in range(2):
        plain["payload"]["labels"] = settled
        assert Codec().encode_plain(AlertNormalized, plain) == expected


def test_the_framings_are_what_they_are_called() -> None:
    event = moved()

    assert FRAMINGS["single-object"].encode(event).startswith(SINGLE_OBJECT)
    assert FRAMINGS["confluent"].encode(event).startswith(CONFLUENT + IDS[type(event)].to_bytes(4))
    assert json.loads(FRAMINGS["json"].encode(event))["type"] == "incident.moved"


def test_a_reader_takes_every_framing_whatever_it_writes_itself() -> None:
    event = moved()
    reader = Codec(registry_ids=IDS)

    assert [reader.decode(writer.encode(event)) for writer in FRAMINGS.values()] == [event] * 3


@pytest.mark.parametrize("path", SCHEMA_FILES, ids=lambda path: path.stem)
def test_every_schema_ever_checked_in_has_a_golden_record(path: Path) -> None:
    assert GOLDEN_DIR / f"{path.stem}.hex" in GOLDEN_FILES


@pytest.mark.parametrize("path", GOLDEN_FILES, ids=lambda path: path.stem)
class TestYesterdaysRecord:
    def test_it_is_still_read(self, path: Path) -> None:
        assert Codec().decode(_golden(path)) == Codec().decode(path.with_suffix(".json").read_bytes())

    def test_its_bytes_are_those_of_its_own_schema(self, path: Path) -> None:
        """So a schema that changed under an old version number is found out."""
        schema = load_schema(str(AVRO_DIR / f"{path.stem}.avsc"))

        assert _golden(path)[2:10] == codec._fingerprint(schema)

    def test_todays_codec_writes_the_same_bytes(self, path: Path, tmp_path: Path) -> None:
        """As long as the version is today's. The bytes were checked against Apache Avro's own writer."""
        event = Codec().decode(_golden(path))
        if path_of(type(event)).stem != path.stem:
            pytest.skip("an older version: it is read, not written")
        example = tmp_path / path.with_suffix(".json").name
        example.write_bytes(path.with_suffix(".json").read_bytes())
        freeze(example)

        assert example.with_suffix(".hex").read_text() == path.read_text()


def _golden(path: Path) -> bytes:
    return bytes.fromhex(path.read_text())


# -- a schema that has moved on


@pytest.fixture
def older(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, object]]:
    """`incident.moved` as if version 0 had had no `actor` and one field more; both versions checked in."""
    schema = json.loads(path_of(type(moved())).read_text())
    (tmp_path / "incident.moved.v1.avsc").write_text(json.dumps(schema))
    schema["fields"] = [field for field in schema["fields"] if field["name"] != "actor"]
    schema["fields"].append({"name": "mood", "type": "string", "default": "calm"})
    (tmp_path / "incident.moved.v0.avsc").write_text(json.dumps(schema))
    monkeypatch.setattr(avro_schema, "AVRO_DIR", tmp_path)
    monkeypatch.setattr(codec, "AVRO_DIR", tmp_path)
    _forget()
    yield schema
    monkeypatch.undo()
    _forget()


def _forget() -> None:
    codec._known.cache_clear()
    codec._current.cache_clear()


def _write(schema: dict[str, object], event: Event, tmp_path: Path) -> bytes:
    path = tmp_path / "body"
    plain = {**as_plain(event), "mood": "tense"}
    with path.open("wb") as file:
        fastavro.schemaless_writer(file, parse_schema(schema), plain)
    return path.read_bytes()


def test_a_record_of_an_older_schema_is_resolved_to_todays(older: dict[str, object], tmp_path: Path) -> None:
    value = SINGLE_OBJECT + codec._fingerprint(parse_schema(older)) + _write(older, moved(), tmp_path)

    assert Codec().decode(value) == moved(actor="")


def test_a_schema_learned_from_a_registry_is_resolved_to_todays(
    older: dict[str, object], tmp_path: Path
) -> None:
    reader = Codec()
    reader.learn(7, older)

    assert reader.decode(CONFLUENT + (7).to_bytes(4) + _write(older, moved(), tmp_path)) == moved(actor="")


def test_a_registry_may_write_the_namespace_apart_from_the_name() -> None:
    event = moved()
    schema = json.loads(codec.schema_text(type(event)))
    schema["namespace"], _, schema["name"] = schema["name"].rpartition(".")
    reader = Codec()
    reader.learn(100 + CLASSES.index(type(event)), schema)

    assert reader.decode(FRAMINGS["confluent"].encode(event)) == event


# -- the fingerprint, as the Avro specification publishes it


@pytest.mark.parametrize(
    ("schema", "published"),
    [("int", 0x7275D51A3F395C8F), ("string", 0x8F014872634503C7), ("null", 0x63DD24E7CC258F8A)],
)
def test_the_fingerprint_is_crc_64_avro_little_endian(schema: str, published: int) -> None:
    assert int.from_bytes(codec._fingerprint(schema), "little") == published


def test_a_text_that_only_describes_is_no_part_of_a_fingerprint() -> None:
    schema = json.loads(path_of(type(moved())).read_text())
    before = codec._fingerprint(parse_schema(schema))
    schema["doc"] = "said better"

    assert codec._fingerprint(parse_schema(schema)) == before

"""The one table is the specification's table."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from schemas.catalog import (
    DEAD_LETTER_MAX_BYTES,
    TOPICS,
    WORKERS,
    Topic,
    class_of_type,
    event_classes,
    key_of,
    partition_of,
    raw_topic,
    recorded_topics,
    topic,
    topic_of,
)
from schemas.envelope import Event
from tests.schemas.examples import CLASSES, name_of

KEYS = {
    "alerts.normalized": "project and fingerprint",
    "alerts.rejected": "source",
    "incidents": "incident",
    "runs.requests": "project",
    "runs": "incident",
    "rca.evidence": "incident",
    "rca.diagnoses": "incident",
    "rca.plans": "incident",
    "rca.reviews": "incident",
    "rca.critiques": "incident",
    "rca.decisions": "incident",
    "preflights": "incident",
    "approvals.requests": "incident",
    "approvals.signatures": "any",
    "approvals.votes": "incident",
    "approvals.outcomes": "incident",
    "decisions": "incident",
    "authorizations": "target",
    "executions.claims": "target",
    "executions": "incident",
    "trust.observations": "trust key",
    "trust": "trust key",
    "switches": "subject",
    "silences": "subject",
    "topology": "subject",
    "policies": "subject",
    "projects": "subject",
    "signers": "subject",
    "tools": "incident",
    "notifications": "incident",
    "channels": "incident",
    "governance": "subject",
    "finops": "subject",
    "learning": "subject",
    "audit.heads": "partition",
    "stage.failed": "stage",
    **{f"ticks.{worker}": "–" for worker in WORKERS},
}
REFERENCE = {"trust", "switches", "silences", "topology", "policies", "projects", "signers"}
COMPACTED = REFERENCE | {"audit.heads"}
INNER = {"alerts.rejected", "stage.failed"}


def test_every_topic_stands_under_its_key() -> None:
    assert {found.name: found.key for found in TOPICS} == KEYS


def test_no_topic_stands_twice() -> None:
    assert [name for name, count in Counter(found.name for found in TOPICS).items() if count > 1] == []


def test_reference_data_and_chain_heads_are_compacted_in_one_partition() -> None:
    assert {found.name for found in TOPICS if found.compacted} == COMPACTED
    assert {found.name for found in TOPICS if not found.keyed} == COMPACTED


def test_all_other_topics_have_the_keyed_partition_count() -> None:
    """`keyed` is a yes or no on purpose: no topic can ask for a count of its own."""
    assert all(found.keyed for found in TOPICS if found.name not in COMPACTED)
    assert raw_topic("grafana").keyed
    assert not raw_topic("pagerduty").keyed
    assert not hasattr(TOPICS[0], "partitions")


def test_the_dead_letters_and_the_raw_topics_are_the_inner_zone() -> None:
    assert {found.name for found in TOPICS if found.inner} == INNER
    assert raw_topic("grafana").inner


def test_the_original_of_any_record_fits_into_its_dead_letter() -> None:
    """As JSON too, where its bytes grow by a third."""
    others = [raw_topic("grafana"), *(found for found in TOPICS if found.name not in INNER)]
    largest = max(found.max_bytes for found in others)

    assert all(topic(name).max_bytes == DEAD_LETTER_MAX_BYTES for name in INNER)
    assert largest * 4 / 3 + 64 * 1024 < DEAD_LETTER_MAX_BYTES


def test_everything_but_what_is_no_event_is_recorded() -> None:
    left_out = {found.name for found in TOPICS} - {found.name for found in recorded_topics()}

    assert left_out == {"approvals.signatures", *(f"ticks.{worker}" for worker in WORKERS)}
    assert not raw_topic("grafana").recorded


def test_raw_records_are_kept_for_three_days_unless_told_otherwise() -> None:
    assert raw_topic("grafana").config()["retention.ms"] == str(3 * 24 * 3600 * 1000)
    assert raw_topic("grafana", timedelta(hours=1)).config()["retention.ms"] == "3600000"


@pytest.mark.parametrize(
    ("found", "config"),
    [
        pytest.param(
            Topic("a", key="incident", holds="", retention=None),
            {"cleanup.policy": "delete", "retention.ms": "-1", "max.message.bytes": "2097152"},
            id="kept for ever",
        ),
        pytest.param(
            Topic("a", key="subject", holds="", compacted=True),
            {
                "cleanup.policy": "compact",
                "max.message.bytes": "2097152",
                "min.compaction.lag.ms": "86400000",
            },
            id="compacted",
        ),
    ],
)
def test_a_topic_says_its_settings_in_the_brokers_words(found: Topic, config: dict[str, str]) -> None:
    assert found.config() == config


@pytest.mark.parametrize("event", CLASSES, ids=name_of)
class TestEveryEvent:
    def test_it_stands_in_exactly_one_topic(self, event: type[Event]) -> None:
        assert [found for found in TOPICS if event in found.events] == [topic_of(event)]

    def test_it_can_be_keyed(self, event: type[Event]) -> None:
        """A key that is made of the event's own fields."""
        fields = {"project_id": "shop", "incident_id": "INC-1"}
        payload = _Payload()

        key = key_of(event.model_construct(**fields, payload=payload))

        assert key in {
            b"shop:f1",
            b"grafana",
            b"dedup",
            b"INC-1",
            b"shop",
            b"eu-1/orders-db",
            b"shop/act",
            b"9b1f3f4e5a6b7c8d",
        }


class _Payload:
    fingerprint, source, stage, subject = "f1", "grafana", "dedup", "eu-1/orders-db"
    trust_key, target = "shop/act", "9b1f3f4e5a6b7c8d"


def test_every_event_class_is_in_the_catalogue() -> None:
    def below(kind: type[Event]) -> set[type[Event]]:
        return {kind}.union(*map(below, kind.__subclasses__()))

    ours = {found for found in below(Event) - {Event} if found.__module__.startswith("schemas.")}

    assert ours == {event for found in TOPICS for event in found.events}


def test_classes_of_one_type_are_written_alike_and_read_as_the_first() -> None:
    others = {event for found in TOPICS for event in found.events} - set(event_classes().values())

    for event in others:
        read_as = class_of_type(event)
        assert issubclass(event, read_as)
        assert event.model_fields.keys() == read_as.model_fields.keys()
        assert event.model_fields["payload"].annotation is read_as.model_fields["payload"].annotation


@pytest.mark.parametrize(
    ("key", "partitions", "partition"),
    [(b"123456789", 12, 0xCBF43926 % 12), (b"", 4, 0), (b"shop:8c5f1a0b6c9d2e37", 1, 0)],
)
def test_partitions_are_crc_32_as_librdkafka_has_it(key: bytes, partitions: int, partition: int) -> None:
    assert partition_of(key, partitions) == partition

"""Topics as the catalogue wants them: what is missing is made, what differs is told, nothing is deleted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from connectors.kafka.config import KafkaConfig
from connectors.kafka.unreached import away, told_by_us
from schemas.catalog import Topic
from schemas.errors import BrokerAway

BROKER_DEFAULT = -1
_NO_ERROR = 0
_LOOK_AGAIN_SECS = 0.05


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which a topic on the broker is not what the catalogue says."""

    topic: str
    what: str
    wanted: str
    found: str

    def __str__(self) -> str:
        return f"{self.topic}: {self.what} is {self.found}, wanted {self.wanted}"


@dataclass(frozen=True, slots=True)
class Report:
    created: tuple[str, ...]
    present: tuple[str, ...]
    differences: tuple[Difference, ...]
    refused: Mapping[str, str]
    """Topic → why the broker did not make it."""

    @property
    def is_good(self) -> bool:
        return not self.differences and not self.refused


async def apply_topics(
    config: KafkaConfig,
    topics: Collection[Topic],
    partitions: int,
    *,
    replication: int = BROKER_DEFAULT,
) -> Report:
    """`partitions` is for the keyed topics; the others have one. Raises BrokerAway."""
    async with _admin(config) as admin:
        there = await _partition_counts(admin)
        missing = [topic for topic in topics if topic.name not in there]
        created, refused = await _create(admin, missing, partitions, replication)
        wanted = {topic.name for topic in topics} - refused.keys()
        counts = await _all_visible(admin, wanted, config.request_timeout_secs)
        present = [topic for topic in topics if topic.name in wanted - created]
        settings = await _settings(admin, [topic.name for topic in present])
    return Report(
        created=tuple(topic.name for topic in topics if topic.name in created),
        present=tuple(topic.name for topic in present),
        differences=tuple(
            difference
            for topic in present
            for difference in _compare(topic, partitions, counts[topic.name], settings.get(topic.name, {}))
        ),
        refused=refused,
    )


async def partition_counts(config: KafkaConfig) -> dict[str, int]:
    """Topic → its partitions, of all that this log-in may see. Raises BrokerAway."""
    async with _admin(config) as admin:
        return await _partition_counts(admin)


@asynccontextmanager
async def _admin(config: KafkaConfig) -> AsyncIterator[AIOKafkaAdminClient]:
    with told_by_us() as unreached:
        admin = AIOKafkaAdminClient(**config.client_options())
        try:
            await admin.start()
            yield admin
        except (KafkaError, TimeoutError, OSError) as error:
            raise BrokerAway(away(config.bootstrap_servers, error, unreached)) from error
        finally:
            await admin.close()


async def _partition_counts(admin: AIOKafkaAdminClient) -> dict[str, int]:
    return {
        found["topic"]: len(found["partitions"])
        for found in await admin.describe_topics()
        if found["error_code"] == _NO_ERROR
    }


async def _all_visible(
    admin: AIOKafkaAdminClient, wanted: Collection[str], timeout_secs: float
) -> dict[str, int]:
    """A broker takes a moment to tell of a new topic; whoever writes to it meanwhile would be refused."""
    async with asyncio.timeout(timeout_secs):
        while not (counts := await _partition_counts(admin)).keys() >= set(wanted):  # noqa: ASYNC110 (nobody tells us)
            await asyncio.sleep(_LOOK_AGAIN_SECS)
    return counts


async def _create(
    admin: AIOKafkaAdminClient, topics: Collection[Topic], partitions: int, replication: int
) -> tuple[set[str], dict[str, str]]:
    """What was made, and what the broker refused and why. Somebody else may have been quicker."""
    if not topics:
        return set(), {}
    answer = await admin.create_topics([_new(topic, partitions, replication) for topic in topics])
    created, refused = set(), {}
    for name, code, *told in answer.topic_errors:
        if code == _NO_ERROR:
            created.add(name)
        elif code != TopicAlreadyExistsError.errno:
            refused[name] = next((text for text in told if text), None) or for_code(code).__name__
    return created, refused


def _new(topic: Topic, partitions: int, replication: int) -> NewTopic:
    # the empty assignment is how aiokafka is told that the broker's default is meant
    return NewTopic(
        topic.name,
        partitions if topic.keyed else 1,
        replication,
        replica_assignments={} if replication == BROKER_DEFAULT else None,
        topic_configs=topic.config(),
    )


async def _settings(admin: AIOKafkaAdminClient, names: Collection[str]) -> dict[str, dict[str, str]]:
    """Topic → its settings on the broker; nothing for a topic that the broker does not describe."""
    if not names:
        return {}
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    answers = await admin.describe_configs(asked)
    return {
        name: {entry[0]: entry[1] for entry in entries}
        for answer in answers
        for code, _, _, name, entries in answer.resources
        if code == _NO_ERROR
    }


def _compare(topic: Topic, partitions: int, count: int, found: Mapping[str, Any]) -> list[Difference]:
    """The embedded broker leaves settings out: what it does not tell is not held against it."""
    wanted_count = partitions if topic.keyed else 1
    differences = []
    may_have_more = topic.key == "any" and not topic.keyed
    if count < wanted_count or (count > wanted_count and not may_have_more):
        differences.append(Difference(topic.name, "partitions", str(wanted_count), str(count)))
    for name, wanted in topic.config().items():
        has = found.get(name)
        if has is not None and has != wanted:
            differences.append(Difference(topic.name, name, wanted, has))
    return differences

"""What a worker says of its playbooks is on the log once, and does not disturb who reads policies."""

from __future__ import annotations

import asyncio

from agents.playbooks.book import load_book
from awoooi.playbook_log import tell_playbooks
from connectors.kafka.admin import apply_topics
from connectors.kafka.config import KafkaConfig
from schemas.catalog import TOPICS
from schemas.codec import Codec
from streams.policy.in_force import TOPIC, PolicyInForce
from tests.peers.tansu import TansuPeer
from tests.streams.engines import put
from tests.streams.test_reference import following, ready

CODEC = Codec()


async def test_they_are_told_once(tansu: TansuPeer) -> None:
    broker, book = KafkaConfig(bootstrap_servers=tansu.bootstrap), load_book()
    await apply_topics(broker, [topic for topic in TOPICS if topic.name == TOPIC], 4)
    await put(broker, TOPIC, [(b"playbook/rubbish", b"rubbish")])
    async with following(broker, TOPIC, make=False) as reference:
        await ready(reference)
        for _ in range(2):
            await tell_playbooks(broker, book, CODEC, reference)
            await asyncio.wait_for(reference.reached_end(TOPIC), 10)

        assert reference.offset(TOPIC) == len(book.playbooks) + 1
        policy = PolicyInForce(CODEC, lambda: reference.values(TOPIC))
        assert (policy.policy().version, policy.trouble) == (1, "")

"""Which policy is in force: the last good one, and what cannot be read says so."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
import structlog
from prometheus_client import REGISTRY

from awoooi.policy_commands import applied
from connectors.kafka.config import KafkaConfig
from schemas.codec import Codec
from streams.policy.in_force import PolicyInForce
from streams.policy.policy import SHIPPED, parse_policy, read_policy
from tests.peers.kafka import KafkaPeer
from tests.streams.engines import put
from tests.streams.test_reference import following

CODEC = Codec()
TEXT = SHIPPED.read_text()
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = b"policy"


def value(text: str) -> bytes:
    """As somebody with a newer or broken writer may have written it: the text is not looked at here."""
    event = applied(read_policy(), text, "alice", NOON)
    return CODEC.encode(event)


def refused() -> float | None:
    return REGISTRY.get_sample_value("awoooi_policy_refused")


def test_the_shipped_one_until_another_is_applied() -> None:
    kept: dict[bytes, bytes] = {}
    known = PolicyInForce(CODEC, lambda: kept)
    assert (known.policy(), known.trouble) == (read_policy(), "")

    kept[KEY] = value(TEXT.replace("version: 1", "version: 2"))
    assert (known.policy().version, known.trouble) == (2, "")

    kept.clear()
    assert known.policy().version == 1


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(value(TEXT.replace("RESTART_JOB:", "RESTART_JOBB:")), id="unknown operation"),
        pytest.param(value(TEXT.replace("SET_RESOURCES: {risk: HIGH}", "SET_RESOURCES: {}")), id="no risk"),
        pytest.param(b"\xc3\x01 rubbish", id="rubbish"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_a_running_worker_keeps_the_last_good_one_and_says_so(bad: bytes) -> None:
    kept = {KEY: value(TEXT.replace("version: 1", "version: 2"))}
    known = PolicyInForce(CODEC, lambda: kept)
    assert known.policy().version == 2

    kept[KEY] = bad
    assert (known.policy().version, known.trouble, refused()) == (2, "", 1)

    kept[KEY] = value(TEXT.replace("version: 1", "version: 3"))
    assert (known.policy().version, known.trouble, refused()) == (3, "", 0)


def test_a_worker_that_starts_with_an_unreadable_one_lets_nothing_go_by_itself() -> None:
    known = PolicyInForce(CODEC, lambda: {KEY: value("version: 2")})

    assert known.policy() == read_policy()
    assert "cannot be read" in known.trouble


def test_before_the_topic_is_read_nothing_goes_by_itself() -> None:
    known = PolicyInForce(CODEC, lambda: None)

    assert known.policy() == parse_policy(TEXT)
    assert known.trouble


@pytest.mark.kafka
@pytest.mark.timeout(120)
async def test_a_worker_on_a_real_broker_keeps_the_last_good_one_and_says_so(kafka: KafkaPeer) -> None:
    broker = KafkaConfig(bootstrap_servers=kafka.bootstrap)
    async with following(broker, "ref.policies") as reference:
        known = PolicyInForce(CODEC, lambda: reference.values("ref.policies"))

        async def applied_there(text: str) -> int:
            await put(broker, "ref.policies", [(KEY, value(text))])
            await reference.reached_end("ref.policies", 20)
            return known.policy().version

        await asyncio.wait_for(reference.ready.wait(), 20)
        assert await applied_there(TEXT.replace("version: 1", "version: 2", 1)) == 2
        with structlog.testing.capture_logs() as logs:
            assert await applied_there(TEXT.replace("RESTART_JOB:", "RESTART_JOBB:")) == 2
            assert known.policy().version == 2
        [said] = logs
        assert (said["event"], said["log_level"], said["kept"]) == ("policy_refused", "warning", 2)
        assert "operations.RESTART_JOBB" in said["why"]
        assert (refused(), known.trouble) == (1, "")
        assert await applied_there(TEXT.replace("version: 1", "version: 3", 1)) == 3
        assert refused() == 0

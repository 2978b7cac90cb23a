"""How much a token may send in a minute, and how much the gateway takes on at once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from connectors.gateway.limits import RateLimits
from connectors.tokens import Limits, Token
from schemas.errors import BrokerAway
from tests.connectors.gateway.support import Gateway, running_gateway
from tests.peers import wait_until_async

MIB = 1024 * 1024


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def token(token_id: str = "0123456789", **limits: int) -> Token:
    return Token(
        id=token_id, name="test", created=datetime.now(UTC), sha256="0" * 64, limits=Limits(**limits)
    )


async def test_over_the_limit_the_answer_is_503_with_retry_after(tmp_path: Path) -> None:
    clock = Clock()
    limits = Limits(requests_per_minute=3)
    async with running_gateway(tmp_path, limits=limits, clock=clock) as gateway:
        statuses = [(await gateway.post()).status for _ in range(4)]
        refused = await gateway.post()
        clock.now += 20.0
        after = await gateway.post()

    assert statuses == [202, 202, 202, 503]
    assert refused.headers["retry-after"] == "20"
    assert refused.json()["detail"] == "over 3 requests a minute"
    assert after.status == 202
    assert len(gateway.log.records) == 4


async def test_bytes_are_counted_too(tmp_path: Path) -> None:
    clock = Clock()
    body = b'"' + b"x" * (MIB - 2) + b'"'
    async with running_gateway(tmp_path, limits=Limits(bytes_per_minute=MIB), clock=clock) as gateway:
        first, second = await gateway.post(body), await gateway.post(body)
        clock.now += 60.0
        third = await gateway.post(body)

    assert [first.status, second.status, third.status] == [202, 503, 202]
    assert second.headers["retry-after"] == "60"


async def test_a_refusal_of_ours_does_not_use_up_the_limit(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, limits=Limits(requests_per_minute=1), clock=Clock()) as gateway:
        gateway.log.failure = BrokerAway("gone")
        while_away = [(await gateway.post()).status for _ in range(3)]
        gateway.log.failure = None
        after = [(await gateway.post()).status for _ in range(2)]

    assert while_away == [503, 503, 503]
    assert after == [202, 503]


async def test_a_bad_body_does_use_up_the_limit(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, limits=Limits(requests_per_minute=1), clock=Clock()) as gateway:
        assert (await gateway.post(b"{")).status == 400
        assert (await gateway.post()).status == 503


async def test_too_many_at_once_are_asked_to_come_again(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, max_in_flight=2) as gateway:
        gate = gateway.log.gate = asyncio.Event()
        held = [asyncio.create_task(gateway.post()) for _ in range(2)]
        await wait_until_async(lambda: gateway.log.waiting == 2)

        refused = await gateway.post()
        assert (refused.status, refused.headers["retry-after"]) == (503, "1")

        gate.set()
        assert [reply.status for reply in await asyncio.gather(*held)] == [202, 202]
        assert (await gateway.post()).status == 202
        assert _is_idle(gateway)


async def test_too_many_bytes_at_once_are_asked_to_come_again(tmp_path: Path) -> None:
    body = b'"' + b"x" * (MIB - 2) + b'"'
    async with running_gateway(tmp_path, max_in_flight_bytes=MIB) as gateway:
        gate = gateway.log.gate = asyncio.Event()
        held = asyncio.create_task(gateway.post(body))
        await wait_until_async(lambda: gateway.log.waiting == 1)

        assert (await gateway.post()).status == 503

        gate.set()
        assert (await held).status == 202
        assert _is_idle(gateway)


def _is_idle(gateway: Gateway) -> bool:
    return not any(
        gateway.metric(name) for name in ("awoooi_webhook_in_flight", "awoooi_webhook_in_flight_bytes")
    )


def test_a_bucket_refills_steadily_and_no_further_than_a_minutes_worth() -> None:
    clock = Clock()
    rates, sender = RateLimits(clock), token(requests_per_minute=60)

    assert [rates.take_request(sender) for _ in range(61)] == [0] * 60 + [1]
    clock.now += 2.0
    assert [rates.take_request(sender) for _ in range(3)] == [0, 0, 1]
    clock.now += 3600.0
    assert [rates.take_request(sender) for _ in range(61)] == [0] * 60 + [1]


def test_tokens_do_not_share_a_limit() -> None:
    rates = RateLimits(Clock())

    first = token("0000000001", requests_per_minute=1)
    second = token("0000000002", requests_per_minute=1)
    assert (rates.take_request(first), rates.take_request(second)) == (0, 0)


def test_a_changed_limit_takes_effect() -> None:
    rates = RateLimits(Clock())
    rates.take_request(token(requests_per_minute=1))

    assert rates.take_request(token(requests_per_minute=1)) > 0
    assert rates.take_request(token(requests_per_minute=2)) == 0


def test_a_clock_that_jumps_back_takes_nothing_away() -> None:
    clock = Clock()
    rates, sender = RateLimits(clock), token(requests_per_minute=2)
    rates.take_request(sender)
    clock.now -= 1000.0

    assert rates.take_request(sender) == 0

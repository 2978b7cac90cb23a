"""What a process shows of the switches: as it goes by them itself, and in doubt engaged."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from awoooi.loading import load
from awoooi.switch_view import SwitchView, measured, seen_by_all
from connectors.health import HealthServer
from connectors.kafka.config import KafkaConfig
from schemas.codec import Codec
from schemas.switch import SwitchKind
from streams.reference import OUT_OF_DATE_SECS, Reference
from tests.streams.policy.test_switches import said

CODEC = Codec()
LIFTED = said(SwitchKind.KILL_SWITCH, "*", "off")
SHOP_ON = said(SwitchKind.KILL_SWITCH, "shop", "on")


class Clock:
    def __init__(self) -> None:
        self.now = time.monotonic()

    def __call__(self) -> float:
        return self.now


def view_of(clock: Clock, *values: tuple[bytes, bytes], read: bool = True) -> Reference:
    """A view as it is once the broker has answered, without one."""
    reference = Reference(KafkaConfig(), ("switches",), clock=clock)
    for offset, (key, value) in enumerate(values):
        reference._views["switches"].take(key, value, offset)
    if read:
        reference._all_read()
    return reference


def shown(reference: Reference) -> dict[str, float]:
    (engaged, offset, _) = SwitchView(CODEC, reference).collect()
    found = {f"engaged {one.labels['project']}": one.value for one in engaged.samples}
    return found | {f"offset {one.labels['topic']}": one.value for one in offset.samples}


SHOWN: dict[str, tuple[tuple[tuple[bytes, bytes], ...], Mapping[str, float]]] = {
    "fresh install": ((), {"engaged *": 1, "offset switches": 0}),
    "lifted": ((LIFTED,), {"engaged *": 0, "offset switches": 1}),
    "of a project": ((LIFTED, SHOP_ON), {"engaged *": 0, "engaged shop": 1, "offset switches": 2}),
}


@pytest.mark.parametrize(("values", "expected"), SHOWN.values(), ids=SHOWN)
def test_what_a_process_knows_is_shown(
    values: tuple[tuple[bytes, bytes], ...], expected: Mapping[str, float]
) -> None:
    assert shown(view_of(Clock(), *values)) == expected


def test_what_has_not_been_read_is_engaged() -> None:
    assert shown(view_of(Clock(), LIFTED, read=False))["engaged *"] == 1


def test_what_is_out_of_date_is_engaged_until_the_broker_has_answered_again() -> None:
    clock = Clock()
    reference = view_of(clock, LIFTED)

    clock.now += OUT_OF_DATE_SECS - 0.1
    assert shown(reference)["engaged *"] == 0
    clock.now += 0.1
    assert shown(reference)["engaged *"] == 1
    assert reference.current("switches") is None


class Answers:
    """A client's consumer, as far as it says how current it is."""

    def __init__(self, polled: int | None, end: int) -> None:
        self.polled, self.end = polled, end

    def last_poll_timestamp(self, _: Any) -> int | None:
        return self.polled

    def highwater(self, _: Any) -> int:
        return self.end


HEARD = {
    "all of it": (7, 1, False),
    "no answer at all": (None, 1, True),
    "more than was read": (7, 2, True),
}


@pytest.mark.parametrize(("polled", "end", "engaged"), HEARD.values(), ids=HEARD)
def test_only_an_answer_that_there_is_no_more_makes_it_current(
    polled: int | None, end: int, engaged: bool
) -> None:
    clock = Clock()
    reference = view_of(clock, LIFTED)
    clock.now += OUT_OF_DATE_SECS
    view, reference._consumer = reference._views["switches"], Answers(polled, end)

    reference._look_how_current({"place": view})
    assert bool(shown(reference)["engaged *"]) is engaged
    clock.now += OUT_OF_DATE_SECS
    reference._look_how_current({"place": view})
    assert shown(reference)["engaged *"] == 1, "the same answer once more is none"


@pytest.fixture
def registry() -> Iterator[CollectorRegistry]:
    registry = CollectorRegistry()
    with measured(registry, CODEC, view_of(Clock(), LIFTED, SHOP_ON)):
        yield registry
    assert b"kill_switch" not in generate_latest(registry)


async def test_the_processes_that_answer_are_asked(
    registry: CollectorRegistry, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ours, others = HealthServer({}, registry), HealthServer({}, CollectorRegistry())
    ports = {"AWOOOI_HEALTH_POLICY_PORT": await ours.start(), "AWOOOI_HEALTH_RCA_PORT": await others.start()}
    nobody = {"AWOOOI_HEALTH_INGEST_PORT": "1", "AWOOOI_GATEWAY_PORT": "1"}
    given = {"AWOOOI_STATE_DIR": str(tmp_path), **{name: str(port) for name, port in ports.items()}}
    try:
        settings = load({**given, **nobody}).settings
        seen = {
            project: [(one.process, one.engaged, one.offset) for one in await seen_by_all(settings, project)]
            for project in ("*", "shop", "bank")
        }
    finally:
        await ours.stop()
        await others.stop()

    assert seen == {
        "*": [("worker policy", False, 2)],
        "shop": [("worker policy", True, 2)],
        "bank": [("worker policy", False, 2)],
    }

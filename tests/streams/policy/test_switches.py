"""The switches: engaged until lifted, and whenever there is doubt."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from schemas.catalog import key_of
from schemas.codec import Codec
from schemas.errors import BrokerAway
from schemas.switch import Mode, SwitchKind, SwitchSet, setting
from streams.policy.switches import Switches, engaged_now

CODEC = Codec()
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def said(kind: SwitchKind, name: str, state: str) -> tuple[bytes, bytes]:
    event = SwitchSet(
        event_id="6f1d2c3b-0000-5000-8000-000000000051",
        project_id="",
        occurred_at=NOON,
        recorded_at=NOON,
        stage="cli",
        payload=setting(kind, name, state),
    )
    return key_of(event), CODEC.encode(event)


def switches(*values: tuple[bytes, bytes]) -> Switches:
    kept = dict(values)
    return Switches(CODEC, lambda: kept)


LIFTED = said(SwitchKind.KILL_SWITCH, "*", "off")
SHOP_ON, SHOP_OFF = (said(SwitchKind.KILL_SWITCH, "shop", state) for state in ("on", "off"))
RUBBISH = (b"kill_switch/*", b"\xc3\x01 rubbish")
ENGAGED = [
    pytest.param([], True, id="fresh install"),
    pytest.param([LIFTED], False, id="lifted"),
    pytest.param([said(SwitchKind.KILL_SWITCH, "*", "on")], True, id="thrown"),
    pytest.param([LIFTED, SHOP_ON], True, id="thrown for the project"),
    pytest.param([LIFTED, SHOP_OFF], False, id="lifted for both"),
    pytest.param([SHOP_OFF], True, id="lifted for the project alone"),
    pytest.param([LIFTED, said(SwitchKind.KILL_SWITCH, "else", "on")], False, id="thrown for another"),
    pytest.param([RUBBISH], True, id="unreadable"),
    pytest.param([LIFTED, (b"kill_switch/shop", b"")], True, id="the project's is unreadable"),
    pytest.param([(b"kill_switch/*", SHOP_OFF[1])], True, id="another's word under this key"),
]


@pytest.mark.parametrize(("values", "expected"), ENGAGED)
def test_the_kill_switch(values: list[tuple[bytes, bytes]], expected: bool) -> None:
    assert bool(switches(*values).engaged("shop")) is expected


def test_what_has_not_been_read_counts_as_the_safer_state() -> None:
    unread = Switches(CODEC, lambda: None)

    assert unread.engaged("shop")
    assert not unread.opted_in("DELETE_POD")
    assert unread.shadow("shop")
    assert unread.outbound("slack") == Mode.LOG


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([], False, id="nobody said so"),
        pytest.param([said(SwitchKind.OPERATION, "DELETE_POD", "on")], True, id="opted in"),
        pytest.param([said(SwitchKind.OPERATION, "DELETE_POD", "off")], False, id="opted out"),
        pytest.param([said(SwitchKind.OPERATION, "DRAIN_NODE", "on")], False, id="another"),
        pytest.param([(b"operation/DELETE_POD", b"on")], False, id="unreadable"),
    ],
)
def test_operations_are_opted_in_one_by_one(values: list[tuple[bytes, bytes]], expected: bool) -> None:
    assert switches(*values).opted_in("DELETE_POD") is expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([], False, id="nobody said so"),
        pytest.param([said(SwitchKind.SHADOW, "shop", "on")], True, id="in shadow mode"),
        pytest.param([said(SwitchKind.SHADOW, "shop", "off")], False, id="for real"),
        pytest.param([(b"shadow/shop", b"off")], True, id="unreadable"),
    ],
)
def test_shadow_projects(values: list[tuple[bytes, bytes]], expected: bool) -> None:
    assert switches(*values).shadow("shop") is expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([], Mode.LOG, id="nobody said so"),
        pytest.param([said(SwitchKind.OUTBOUND, "slack", "LIVE")], Mode.LIVE, id="live"),
        pytest.param([said(SwitchKind.OUTBOUND, "slack", "OFF")], Mode.OFF, id="off"),
        pytest.param([(b"outbound/slack", b"LIVE")], Mode.OFF, id="unreadable"),
    ],
)
def test_outbound_modes(values: list[tuple[bytes, bytes]], expected: Mode) -> None:
    assert switches(*values).outbound("slack") == expected


@pytest.mark.parametrize(
    ("kind", "name", "state"),
    [
        (SwitchKind.KILL_SWITCH, "*", "OFF"),
        (SwitchKind.OUTBOUND, "slack", "on"),
        (SwitchKind.OPERATION, "DROP_DATABASE", "on"),
        (SwitchKind.SHADOW, "shop", "maybe"),
    ],
)
def test_a_state_that_there_is_not_cannot_be_set(kind: SwitchKind, name: str, state: str) -> None:
    with pytest.raises(ValueError, match=r" is |no such operation"):
        setting(kind, name, state)


def test_what_changes_is_seen_at_once() -> None:
    kept = dict([LIFTED])
    seen = Switches(CODEC, lambda: kept)
    assert seen.engaged("shop") == ""

    kept[RUBBISH[0]] = RUBBISH[1]
    assert seen.engaged("shop")
    kept.update([LIFTED])
    assert seen.engaged("shop") == ""


class View:
    def __init__(self, trouble: bool) -> None:
        self.trouble = trouble

    def values(self, topic: str) -> Mapping[bytes, bytes]:
        return dict([LIFTED])

    def offset(self, topic: str) -> int:
        return 1

    async def reached_end(self, topic: str, timeout_secs: float = 5.0) -> int:
        if self.trouble:
            raise BrokerAway("nobody answers")
        return 1


def test_in_doubt_about_being_up_to_date_it_is_engaged() -> None:
    assert "nobody answers" in asyncio.run(engaged_now(CODEC, View(True), "shop"))
    assert asyncio.run(engaged_now(CODEC, View(False), "shop")) == ""

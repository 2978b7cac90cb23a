"""A stamp proves a record's project, and nothing but the secret makes one."""

from __future__ import annotations

import pytest

from connectors.gateway.stamp import Stamp, read_stamp, stamp

KEY = b"k" * 32
TOPIC = "alerts.raw.auto"
VALUE = b'{"alerts": []}'
GOOD = stamp(KEY, "acme", "0123456789", TOPIC, VALUE, 1_700_000_000_123)


def test_a_genuine_stamp_says_what_was_stamped() -> None:
    assert read_stamp(KEY, GOOD, TOPIC, VALUE) == Stamp("acme", "0123456789", 1_700_000_000_123)


def test_it_is_short_and_printable() -> None:
    assert len(GOOD) < 120
    assert GOOD.decode("ascii").isprintable()


@pytest.mark.parametrize(
    ("key", "header", "topic", "value"),
    [
        pytest.param(b"j" * 32, GOOD, TOPIC, VALUE, id="another secret"),
        pytest.param(KEY, GOOD, "alerts.raw.grafana", VALUE, id="another topic"),
        pytest.param(KEY, GOOD, TOPIC, VALUE + b" ", id="another value"),
        pytest.param(KEY, GOOD.replace(b"acme", b"evil"), TOPIC, VALUE, id="another project"),
        pytest.param(KEY, GOOD.replace(b"01234", b"11234"), TOPIC, VALUE, id="another token"),
        pytest.param(KEY, GOOD.replace(b"123;", b"124;"), TOPIC, VALUE, id="another time"),
        pytest.param(KEY, GOOD[:-1], TOPIC, VALUE, id="cut off"),
        pytest.param(KEY, GOOD[:-64], TOPIC, VALUE, id="no seal"),
        pytest.param(KEY, GOOD + b";" + GOOD, TOPIC, VALUE, id="twice"),
        pytest.param(KEY, None, TOPIC, VALUE, id="none"),
        pytest.param(KEY, b"", TOPIC, VALUE, id="empty"),
        pytest.param(KEY, b"\xff;;;;\xfe", TOPIC, VALUE, id="not text"),
        pytest.param(KEY, b";" * 50, TOPIC, VALUE, id="semicolons"),
    ],
)
def test_anything_else_proves_nothing(key: bytes, header: bytes | None, topic: str, value: bytes) -> None:
    assert read_stamp(key, header, topic, value) is None


def test_parts_do_not_slide_into_each_other() -> None:
    one = stamp(KEY, "a", "0123456789", TOPIC + ";x", VALUE, 1)
    assert read_stamp(KEY, one, TOPIC, VALUE) is None

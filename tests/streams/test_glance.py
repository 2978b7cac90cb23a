from __future__ import annotations

from typing import Any

import pytest

from schemas.alert import AlertStatus, Severity
from schemas.codec import Codec
from schemas.errors import BadPayload
from streams.glance import GLANCE, RECORDER_TOPIC, Glance, firing, glance_header, glance_of
from streams.stage import RawHeaders, Record

ALERT = {
    "status": AlertStatus.FIRING,
    "severity": Severity.CRITICAL,
    "fired_at": 1_790_000_000_123,
    "received_at": 1_790_000_001_456,
    "origin": {"epoch": "e1", "topic": "alerts.raw.signoz", "partition": 3, "offset": 2**40, "index": 7},
}
SEEN = Glance("id", True, 2, 1_790_000_000_123, 1_790_000_001_456, "e1/alerts.raw.signoz/3", 2**40, 7)


def record(headers: RawHeaders) -> Record:
    return Record("alerts.normalized", 0, 0, b"k", None, headers, 0, Codec())


@pytest.mark.parametrize(
    ("alert", "seen"),
    [
        (ALERT, SEEN),
        (ALERT | {"status": AlertStatus.RESOLVED}, SEEN._replace(firing=False)),
        (ALERT | {"fired_at": None}, SEEN._replace(fired_at=None)),
        (ALERT | {"fired_at": 0}, SEEN._replace(fired_at=0)),
        (ALERT | {"fired_at": -62_135_596_800_000}, SEEN._replace(fired_at=-62_135_596_800_000)),
    ],
    ids=["firing", "resolved", "no beginning", "1970", "the first year"],
)
def test_what_is_written_is_seen(alert: dict[str, object], seen: Glance) -> None:
    written = record((glance_header(alert), ("ce_id", b"id")))
    assert glance_of(written) == seen

    short = firing(written)
    assert (short is not None) is (seen.firing and seen.fired_at is not None)
    assert short in (None, tuple(value for name, value in seen._asdict().items() if name != "firing"))


@pytest.mark.parametrize(
    "written",
    [b"", b"short", b"f|2||1|e/t/0|1|0" + b"x" * 40, glance_header(ALERT)[1] + b"\xff", None],
    ids=["nothing", "too short", "another version", "no text", "null"],
)
def test_a_glance_that_normalize_did_not_write_is_refused(written: Any) -> None:
    assert firing(record(((GLANCE, written), ("ce_id", b"id")))) is None
    with pytest.raises(BadPayload, match=GLANCE):
        glance_of(record(((GLANCE, written), ("ce_id", b"id"))))


def test_the_short_way_leaves_to_the_long_one_what_is_not_as_normalize_writes_it() -> None:
    mark, by_recorder = glance_header(ALERT), ALERT | {"origin": ALERT["origin"] | {"topic": RECORDER_TOPIC}}  # type: ignore[operator]
    assert firing(record((mark, ("ce_id", b"id")))) is not None
    for headers in (
        (),
        (mark,),
        (("ce_id", b"id"), mark),
        (mark, ("ce_type", b"id")),
        (mark, ("ce_id", None)),
        (mark, ("ce_id", b"\xff")),
        (glance_header(by_recorder), ("ce_id", b"id")),
    ):
        assert firing(record(headers)) is None

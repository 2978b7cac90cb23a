from __future__ import annotations

import pytest

from schemas.alert import AlertStatus, Severity
from schemas.codec import Codec
from schemas.errors import BadPayload
from streams.glance import GLANCE, Glance, glance_header, glance_of
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
    assert glance_of(record((glance_header(alert), ("ce_id", b"id")))) == seen


@pytest.mark.parametrize(
    "written",
    [b"", b"short", b"f|2||1|e/t/0|1|0" + b"x" * 40, glance_header(ALERT)[1] + b"\xff"],
    ids=["nothing", "too short", "another version", "no text"],
)
def test_a_glance_that_normalize_did_not_write_is_refused(written: bytes) -> None:
    with pytest.raises(BadPayload, match=GLANCE):
        glance_of(record(((GLANCE, written), ("ce_id", b"id"))))

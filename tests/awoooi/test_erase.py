"""What `awoooi erase` takes, and the tombstone that it leaves."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from awoooi.erase_commands import Asked, scope_of, tombstone
from schemas.errors import Misconfigured

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        pytest.param(Asked("Shop", "2026-01-01", "left"), "'Shop' is no project name", id="name"),
        pytest.param(Asked("a' OR '1", "2026-01-01", "left"), "is no project name", id="no SQL in a name"),
        pytest.param(
            Asked("shop", "yesterday", "left"), "'yesterday' is no time; write 2026-03-01", id="time"
        ),
        pytest.param(Asked("shop", "2026-03-02", "left"), "is yet to come", id="future"),
        pytest.param(Asked("shop", "2026-01-01", " "), "needs a --reason", id="reason"),
    ],
)
def test_what_is_wrong_is_named(asked: Asked, says: str) -> None:
    with pytest.raises(Misconfigured, match=says):
        scope_of(asked, NOW)


@pytest.mark.parametrize("before", ["2026-01-01", "2026-01-01T00:00:00Z", "2026-01-01T08:00:00+08:00"])
def test_a_time_is_utc_unless_it_says_otherwise(before: str) -> None:
    assert scope_of(Asked("shop", before, "left"), NOW).before == datetime(2026, 1, 1, tzinfo=UTC)


def test_the_same_erasure_again_is_the_same_event() -> None:
    scope = scope_of(Asked("shop", "2026-01-01", "the customer left"), NOW)
    first, again = (
        tombstone(scope, 12, "the customer left", "alice", at) for at in (NOW, NOW.replace(hour=13))
    )
    assert first.event_id == again.event_id
    assert (first.project_id, first.actor, first.payload.rows) == ("shop", "alice", 12)
    assert (first.payload.subject, first.payload.reason) == ("erased/shop", "the customer left")

"""The rows of a partition and their deadlines."""

from __future__ import annotations

from streams.rows import PartitionRows


def rows_with(**due: int) -> PartitionRows:
    rows = PartitionRows(lambda row: int(row) or None)
    rows.apply({key.encode(): str(when).encode() for key, when in due.items()})
    return rows


def test_keys_come_when_their_time_has_come_earliest_first() -> None:
    rows = rows_with(late=9000, early=1000, never=0)
    assert rows.due(500, 10) == []
    assert rows.due(1000, 10) == [b"early"]
    assert rows.due(10_000, 10) == [b"early", b"late"]


def test_a_deadline_put_off_does_not_wake() -> None:
    rows = rows_with(key=1000)
    rows.apply({b"key": b"5000"})
    assert rows.due(2000, 10) == []
    rows.apply({})
    assert rows.due(5000, 10) == [b"key"]


def test_a_deadline_brought_forward_wakes_early() -> None:
    rows = rows_with(key=9000)
    rows.apply({b"key": b"1000"})
    assert rows.due(1000, 10) == [b"key"]


def test_a_forgotten_key_does_not_wake() -> None:
    rows = rows_with(key=1000)
    rows.apply({b"key": None})
    assert rows.due(9000, 10) == []
    assert len(rows) == 0


def test_keys_that_were_peeked_but_not_dealt_with_come_again() -> None:
    """The batch failed and is tried once more."""
    rows = rows_with(key=1000)
    assert rows.due(1000, 10) == [b"key"]
    assert rows.due(1000, 10) == [b"key"]


def test_a_tick_takes_no_more_than_it_is_allowed_and_the_next_takes_the_rest() -> None:
    rows = PartitionRows(lambda row: int(row) or None)
    rows.apply({str(number).encode(): b"1000" for number in range(25)})
    taken: set[bytes] = set()
    for _ in range(3):
        keys = rows.due(1000, 10)
        assert len(keys) <= 10
        taken.update(keys)
        rows.apply(dict.fromkeys(keys, None))
    assert len(taken) == 25
    assert rows.due(9000, 10) == []


def test_deadlines_come_back_with_the_rows() -> None:
    """What a recovery does: the same rows into an empty partition."""
    kept = dict(rows_with(a=1000, b=2000))
    recovered = PartitionRows(lambda row: int(row) or None)
    recovered.apply(kept)
    assert recovered.due(2000, 10) == [b"a", b"b"]

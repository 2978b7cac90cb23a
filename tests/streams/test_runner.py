"""Records through a stage without an engine: what each outcome comes to."""

from __future__ import annotations

import pytest

from schemas.codec import Codec
from schemas.errors import NotNow
from streams.rows import PartitionRows
from streams.runner import Runner
from streams.stage import Record
from tests.streams.engines import Counting, Obedient


def records(*values: bytes | None, key: bytes = b"k", start: int = 0) -> list[Record]:
    return [
        Record("in", 0, start + number, key, value, (), 1_800_000_000_000, Codec())
        for number, value in enumerate(values)
    ]


async def test_never_among_done_ones_is_a_dead_letter_and_the_rest_is_done() -> None:
    stage = Obedient(("in",))
    turn = await Runner(stage, Codec()).turn(records(b"a", b"never", b"b", b"never", b"never"))
    assert stage.values() == [b"a", b"never", b"b", b"never", b"never"]
    assert (turn.taken, turn.rejected, turn.trailing_rejects) == (5, 3, 2)
    letters = [Codec().decode(out.value) for out in turn.outputs]
    assert [letter.payload.offset for letter in letters] == [1, 3, 4]
    assert {letter.payload.original for letter in letters} == {b"never"}


async def test_a_dead_letter_that_is_repeated_has_the_same_id() -> None:
    runner = Runner(Obedient(("in",)), Codec())
    first, second = [await runner.turn(records(b"never")) for _ in range(2)]
    ids = [Codec().decode(turn.outputs[0].value).event_id for turn in (first, second)]
    assert ids[0] == ids[1]


@pytest.mark.parametrize(
    ("value", "error"),
    [pytest.param(b"later", NotNow, id="not-now"), pytest.param(b"bug", ZeroDivisionError, id="bug")],
)
async def test_what_is_not_an_outcome_of_a_record_gives_no_turn(value: bytes, error: type[Exception]) -> None:
    """The engine gets nothing to write: neither the outputs nor the rows of the records before it."""
    with pytest.raises(error):
        await Runner(Obedient(("in",)), Codec()).turn(records(b"never", value))


async def test_a_record_that_its_row_has_passed_is_passed_over() -> None:
    runner, rows = Runner(Counting(("in",)), Codec()), PartitionRows(lambda row: None)
    first = await runner.turn(records(b"1", b"2", b"3"), rows)
    rows.apply(first.rows)
    again = await runner.turn(records(b"2", b"3", b"4", start=1), rows)
    rows.apply(again.rows)
    assert rows[b"k"] == b'[{"in":3},4]', "four records, each counted once"
    assert not (await runner.turn(records(b"3", b"4", start=2), rows)).rows

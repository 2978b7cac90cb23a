"""Reference data that changed reaches rows by ticks: each row once, whoever holds the partition."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.catalog import ticks_topic
from schemas.codec import Codec
from schemas.envelope import Event
from schemas.errors import Never
from streams.rows import PartitionRows
from streams.runner import WAKE_AT_ONCE, Runner, Turn, stage_failed
from streams.stage import Events, KeyedBase, Now, Record, State

CODEC = Codec()


@dataclass(slots=True)
class Looked(State):
    beside: str = ""


class Looker(KeyedBase[Looked]):
    """Rows are what they were last looked at beside."""

    name = "looker"
    reads: tuple[str, ...] = ("incidents",)

    def __init__(self, world: str) -> None:
        self.now, self.woken = world, 0

    def load(self, key: bytes, row: bytes | None) -> Looked:
        return Looked(beside=(row or b"").decode())

    def dump(self, state: Looked) -> bytes | None:
        return state.beside.encode()

    async def handle(self, record: Record, state: Looked, now: Now) -> Events:
        return ()

    async def wake(self, state: Looked, now: Now) -> Events:
        state.beside, state.changed = self.now, True
        self.woken += 1
        return ()

    def world(self) -> str:
        return self.now

    def outdated(self, row: bytes) -> bool:
        return bool(self.now) and row.decode() != self.now

    def dead_letter(self, record: Record, error: Never, now: Now) -> Event:
        return stage_failed(self.name, record, error, now, "")


def rows_of(count: int) -> PartitionRows:
    rows = PartitionRows(lambda _: None)
    rows.apply({b"%d" % number: b"one" for number in range(count)})
    return rows


async def tick(stage: Looker, rows: PartitionRows, written: bool = True) -> int:
    """How many keys it woke."""
    before = stage.woken
    record = Record(ticks_topic("policy").name, 0, 0, None, b"{}", (), 1000, CODEC)
    turn: Turn = await Runner(stage, CODEC, clock=lambda: 1000).turn([record], rows)
    if written:
        rows.apply(turn.rows)
    return stage.woken - before


async def test_nothing_is_woken_while_nothing_changes() -> None:
    stage, rows = Looker("one"), rows_of(10)

    assert [await tick(stage, rows) for _ in range(3)] == [0, 0, 0]


async def test_each_row_is_woken_once_a_number_of_them_at_a_time() -> None:
    stage, rows = Looker("two"), rows_of(2 * WAKE_AT_ONCE + 10)

    assert [await tick(stage, rows) for _ in range(5)] == [WAKE_AT_ONCE, WAKE_AT_ONCE, 10, 0, 0]


async def test_what_was_not_written_is_woken_again() -> None:
    stage, rows = Looker("two"), rows_of(10)

    assert [await tick(stage, rows, written=False), await tick(stage, rows), await tick(stage, rows)] == [
        10,
        10,
        0,
    ]


async def test_a_row_that_another_owner_wrote_beside_an_older_world_is_found() -> None:
    """The partition went and came back: its rows are read anew."""
    stage, rows = Looker("two"), rows_of(10)
    await tick(stage, rows)
    await tick(stage, rows)

    assert await tick(stage, rows_of(10)) == 10


async def test_in_doubt_nothing_is_woken_and_all_of_it_afterwards() -> None:
    stage, rows = Looker(""), rows_of(10)
    assert await tick(stage, rows) == 0

    stage.now = "two"
    assert await tick(stage, rows) == 10

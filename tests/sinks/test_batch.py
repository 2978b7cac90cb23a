"""When a batch closes."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from sinks.batch import MIB, Batch, BatchConfig

CONFIG = BatchConfig(max_rows=3, max_bytes=MIB, max_age_secs=0.5)


def batch(rows: int = 0, refused: int = 0, size: int = 0) -> Batch[int, int]:
    made: Batch[int, int] = Batch(rows=[0] * rows, refused=[0] * refused)
    made.took(("topic", 0), next_offset=9, size=size, now=100.0)
    return made


@pytest.mark.parametrize(
    ("made", "full"),
    [
        pytest.param(batch(rows=2), False, id="room for a row"),
        pytest.param(batch(rows=3), True, id="rows"),
        pytest.param(batch(rows=1, refused=2), True, id="refusals count too"),
        pytest.param(batch(size=MIB - 1), False, id="room for a byte"),
        pytest.param(batch(size=MIB), True, id="bytes"),
    ],
)
def test_it_is_full(made: Batch[int, int], full: bool) -> None:
    assert made.full(CONFIG) is full


def test_its_age_counts_from_its_first_record() -> None:
    made = batch()
    made.took(("topic", 1), next_offset=5, size=1, now=100.4)
    assert made.due_in(CONFIG, now=100.4) == pytest.approx(0.1)
    assert made.due_in(CONFIG, now=100.6) < 0


def test_records_without_rows_are_committed_too() -> None:
    assert Batch[int, int]().empty
    made = batch()
    assert not made.empty
    assert made.next_offsets == {("topic", 0): 9}


def test_an_offset_never_goes_back() -> None:
    """After a rebalance the same records may be read a second time into one batch."""
    made = batch()
    made.took(("topic", 0), next_offset=4, size=1, now=0)
    assert made.next_offsets == {("topic", 0): 9}


@pytest.mark.parametrize("wrong", [{"max_rows": 0}, {"max_age_secs": 0}, {"max_bytes": 1}, {"rows": 1}])
def test_a_wrong_setting_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        BatchConfig.model_validate(wrong)

"""The ring of what happened lately: nothing is missed, in whatever gateway one comes back to."""

from __future__ import annotations

import random

import pytest

from connectors.gateway.live_ring import MOST_CURSOR, Listener, Ring

TOPICS = {"incidents": 3, "switches": 1}


def ring(**given: object) -> Ring:
    made = Ring(TOPICS, "epoch-1", **given)  # type: ignore[arg-type]
    made.begin({(topic, number): 0 for topic, count in TOPICS.items() for number in range(count)})
    return made


def put(to: Ring, number: int, place: tuple[str, int] = ("incidents", 0), offset: int | None = None) -> None:
    to.put(
        place, number if offset is None else offset, "shop", f"event-{number}", b"event: run\ndata: {}\n\n"
    )


def heard(of: Ring, listener: Listener | None) -> list[str]:
    assert listener is not None
    found = []
    while of.has_more(listener):
        found += [message.event_id for message in of.news(listener, 2)]
    return found


def names(*numbers: int) -> list[str]:
    return [f"event-{number}" for number in numbers]


def test_a_listener_hears_what_comes_after_it_has_come() -> None:
    r = ring()
    put(r, 0)
    listener = r.from_now()
    put(r, 1)
    put(r, 2)

    assert heard(r, listener) == names(1, 2)
    assert heard(r, listener) == []


def test_one_that_comes_back_is_given_what_it_has_missed() -> None:
    r = ring()
    put(r, 0)
    cursor = r.cursor()
    put(r, 1)
    put(r, 2, ("switches", 0), 5)

    assert heard(r, r.after(cursor)) == names(1, 2)
    assert heard(r, r.after(r.cursor())) == []


def test_a_message_carries_the_cursor_after_itself() -> None:
    r = ring()
    put(r, 0)
    at = r.cursor()
    put(r, 1)

    first, second = r.news(r.after("") or Listener(0), 10)
    assert first.frame == f"id: {at}\nevent: run\ndata: {{}}\n\n".encode()
    assert second.frame.startswith(f"id: {r.cursor()}\n".encode())


def test_two_gateways_that_read_in_another_order_miss_nothing_and_repeat_nothing_at_rest() -> None:
    """Whatever order the partitions are read in, and wherever the listener changes over."""
    order = random.Random(7)
    for _ in range(200):
        records = [(("incidents", number % 3), number) for number in range(12)]
        first, second = ring(), ring()
        theirs = sorted(records, key=lambda record: (order.random(), record[1]))
        cut = order.randrange(13)
        for place, number in _in_order(records, order)[:cut]:
            put(first, number, place)
        seen = [message.event_id for message in first.news(Listener(0), 100)]
        for place, number in _in_order(theirs, order):
            put(second, number, place)

        assert sorted(seen + heard(second, second.after(first.cursor()))) == sorted(names(*range(12)))


def _in_order(
    records: list[tuple[tuple[str, int], int]], order: random.Random
) -> list[tuple[tuple[str, int], int]]:
    """Any order of the partitions, each in its own."""
    waiting = {place: sorted(n for p, n in records if p == place) for place, _ in records}
    out = []
    while any(waiting.values()):
        place = order.choice([place for place, left in waiting.items() if left])
        out.append((place, waiting[place].pop(0)))
    return out


def test_a_gateway_that_lags_behind_repeats_nothing_that_was_seen_elsewhere() -> None:
    ahead, behind = ring(), ring()
    for number in range(3):
        put(ahead, number)
    put(behind, 0)
    listener = behind.after(ahead.cursor())
    put(behind, 1)
    put(behind, 2)
    put(behind, 3)

    assert heard(behind, listener) == names(3)


def test_what_was_written_twice_is_told_once() -> None:
    r = ring()
    listener = r.from_now()
    put(r, 0)
    put(r, 0, offset=1)

    assert heard(r, listener) == names(0)
    assert r.after(r.cursor()) is not None


RESETS = {
    "garbage": "garbage",
    "another version": "2.0000000000000000.AAAA",
    "no number": "1.{mark}.~~~",
    "half a number": "1.{mark}.gA",
    "a number without end": "1.{mark}." + "_" * 400,
    "a number beyond every offset": "1.{mark}.______________8BAAAA",
    "too few places": "1.{mark}.AAA",
    "too many places": "1.{mark}.AAAAAAA",
    "another log": "1.0123456789abcdef.AAAAAA",
    "endless": "1.{mark}." + "A" * MOST_CURSOR,
    "a line of its own": "1.{mark}.AAAAAA\n",
    "no ASCII": "1.{mark}.AAAÄAA",
}


@pytest.mark.parametrize("cursor", RESETS.values(), ids=RESETS)
def test_what_is_no_cursor_of_this_log_leads_nowhere(cursor: str) -> None:
    r = ring()
    mark = r.cursor().split(".")[1]

    assert r.after(cursor.replace("{mark}", mark)) is None
    assert r.after(f"1.{mark}.AAAAAA") is not None, "the form that is right"


def test_another_life_of_the_log_is_another_log() -> None:
    assert Ring(TOPICS, "epoch-2").after(ring().cursor()) is None
    assert Ring({**TOPICS, "incidents": 4}, "epoch-1").after(ring().cursor()) is None


def test_what_is_told_no_more_is_missed_by_nobody_in_silence() -> None:
    r = ring(most_messages=2)
    start, listener = r.cursor(), r.from_now()
    put(r, 0)
    after_first = r.cursor()
    put(r, 1)
    assert heard(r, r.after(start)) == names(0, 1)

    put(r, 2)
    assert r.after(start) is None
    assert r.is_behind(listener)
    assert heard(r, r.after(after_first)) == names(1, 2)


def test_it_is_bounded_in_bytes_too() -> None:
    r = ring(most_bytes=1000)
    for number in range(100):
        put(r, number)

    assert sum(len(message.frame) for message in r._messages) <= 1000
    assert len(r._ids) == len(r._messages) > 5


def test_a_gateway_that_begins_later_sends_those_away_who_have_missed_more() -> None:
    early, late = ring(), Ring(TOPICS, "epoch-1")
    put(early, 0)
    cursor = early.cursor()
    late.begin({("incidents", 0): 2, ("incidents", 1): 0, ("incidents", 2): 0, ("switches", 0): 0})

    assert late.after(cursor) is None


def test_a_log_of_very_many_partitions_has_no_cursors_rather_than_too_long_ones() -> None:
    r = Ring({"incidents": 20_000})

    assert (r.cursor(), r.mark()) == ("", b"")


def test_large_offsets_come_back_as_they_were() -> None:
    r = ring()
    for offset in (127, 128, 2**31, 2**53):
        put(r, offset)
        assert r.after(r.cursor()) == Listener(0, [offset + 1, 0, 0, 0])

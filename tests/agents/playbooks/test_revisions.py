"""What the record is told of the playbooks: what is new, changed or gone, once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agents.playbooks.book import Book, load_book
from agents.playbooks.revisions import revisions
from schemas.policy import PlaybookRevised
from tests.agents.playbooks.test_book import GOOD, changed

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
OTHER = changed("a-thing-hangs", "another-hangs")
Known = Mapping[str, PlaybookRevised]


@pytest.fixture
def told(tmp_path: Path) -> Teller:
    return Teller(tmp_path)


class Teller:
    """A worker that starts again and again, with what stands in its files each time."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.known = folder, dict[str, PlaybookRevised]()

    def book(self, *texts: str) -> Book:
        shipped = self._folder / "shipped"
        shipped.mkdir(exist_ok=True)
        own = self._folder / "own.yaml"
        own.write_text("---\n".join(texts))
        return load_book((own,), shipped=shipped)

    def starts(self, *texts: str, known: Known | None = None, late: int = 0) -> Sequence[PlaybookRevised]:
        at = NOON + timedelta(seconds=late)
        found = list(revisions(self.book(*texts), self.known if known is None else known, at))
        self.known |= {event.payload.name: event for event in found}
        return found


def test_each_is_told_once_with_its_text_and_hash(told: Teller) -> None:
    first, second = told.starts(GOOD, OTHER)
    assert (first.payload.name, first.payload.number, first.payload.source) == (
        "a-thing-hangs",
        1,
        "installation",
    )
    assert first.payload.hash == hashlib.sha256(first.payload.text.encode()).hexdigest()
    assert second.payload.subject == "playbook/another-hangs"
    assert told.starts(GOOD, OTHER) == []


def test_how_it_is_written_is_no_revision(told: Teller) -> None:
    told.starts(GOOD)
    assert told.starts("# a comment\n" + changed('"Restart {target}"', "Restart {target}")) == []


def test_a_change_is_a_revision_that_follows_the_one_before(told: Teller) -> None:
    [before] = told.starts(GOOD)
    [after] = told.starts(changed("0.5", "0.6"))
    assert (after.payload.number, after.causes) == (2, (before.event_id,))


def test_a_return_to_what_was_said_once_is_a_revision_of_its_own(told: Teller) -> None:
    [first] = told.starts(GOOD)
    told.starts(changed("0.5", "0.6"))
    [third] = told.starts(GOOD)
    assert (third.payload.hash, third.payload.number) == (first.payload.hash, 3)
    assert third.event_id != first.event_id


def test_two_workers_that_start_at_once_say_the_same_event(told: Teller) -> None:
    before = dict[str, PlaybookRevised]()
    ids = [{event.event_id for event in told.starts(GOOD, OTHER, known=before, late=late)} for late in (0, 2)]
    assert ids[0] == ids[1]


def test_what_is_gone_is_withdrawn_once_and_may_come_back(told: Teller) -> None:
    told.starts(GOOD, OTHER)
    [gone] = told.starts(GOOD)
    assert (gone.payload.name, gone.payload.withdrawn, gone.payload.hash) == ("another-hangs", True, "")
    assert told.starts(GOOD) == []
    [back] = told.starts(GOOD, OTHER)
    assert (back.payload.number, back.payload.withdrawn) == (3, False)


def test_the_shipped_ones_are_told_as_such() -> None:
    found = list(revisions(load_book(), {}, NOON))
    assert {event.payload.source for event in found} == {"shipped"}
    assert len({event.event_id for event in found}) == len(found) == len(load_book().playbooks)

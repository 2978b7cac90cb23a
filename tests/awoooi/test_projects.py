"""What `awoooi projects set` says, and what it leaves as it was."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from awoooi.project_commands import Change, project_set
from schemas.catalog import key_of
from schemas.project import ProjectTerms, terms

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BEFORE = terms("shop", "The shop", 25.0)


@pytest.mark.parametrize(
    ("change", "after"),
    [
        pytest.param(Change(), BEFORE, id="nothing"),
        pytest.param(Change(display_name="Shop 2"), terms("shop", "Shop 2", 25.0), id="name"),
        pytest.param(Change(usd_limit=0), terms("shop", "The shop", 0.0), id="no limit"),
        pytest.param(Change(active=False), terms("shop", "The shop", 25.0, active=False), id="inactive"),
        pytest.param(Change(display_name=""), terms("shop", "", 25.0), id="no name any more"),
    ],
)
def test_what_is_left_out_stays(change: Change, after: ProjectTerms) -> None:
    assert change.of(BEFORE) == after


def test_its_record_is_kept_under_the_project() -> None:
    said = project_set(BEFORE, "alice", NOW)
    assert (key_of(said), said.project_id, said.actor) == (b"project/shop", "shop", "alice")
    assert said == project_set(BEFORE, "alice", NOW)
    assert said.event_id != project_set(terms("shop"), "alice", NOW).event_id

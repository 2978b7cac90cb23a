"""`awoooi explain`: the right run, the first word of each, nothing that came late."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agents.argument import argument
from awoooi.argument import KINDS, NothingToExplain, debate_of
from schemas.catalog import event_classes
from schemas.codec import Codec
from schemas.golden import example_of
from schemas.ids import run_id
from schemas.turn import Agent

INCIDENT = "INC-20260301-0A1B2C3D4E"


def row(kind: str, run: int = 1, **changes: Any) -> dict[str, Any]:
    """The contract's own example as ClickHouse gives it back."""
    event = Codec().decode(example_of(event_classes()[kind]).read_bytes())
    return {
        "type": kind,
        "event_id": event.event_id,
        "run_id": run_id(INCIDENT, run),
        "recorded_at": event.recorded_at,
        "payload": event.payload.model_dump_json(),
        **changes,
    }


WHOLE = [row(kind) for kind in KINDS]


def test_the_argument_is_told_from_the_record() -> None:
    package, heard = debate_of(WHOLE, INCIDENT)
    told = argument(package, heard)

    assert heard.reviewed is not None
    assert heard.event_ids[Agent.REVIEWER] == package.said[1].event_id
    assert told.index("Diagnostician") < told.index("Reviewer") < told.index("Coordinator")


def test_a_package_with_a_number_that_was_none_is_told_all_the_same() -> None:
    plain = json.loads(row("rca.decided")["payload"]) | {"confidence": None}
    odd = row("rca.decided", payload=json.dumps(plain))
    package, heard = debate_of([*WHOLE[:-1], odd], INCIDENT)

    assert package.no_number == ("confidence",)
    assert "no number: confidence" in argument(package, heard)


def test_what_came_late_is_no_part_of_it() -> None:
    """In the example the critic had not spoken at the deadline; its turn stands in the record anyway."""
    package, heard = debate_of(WHOLE, INCIDENT)

    assert Agent.CRITIC in package.missing
    assert heard.critiqued is None


def test_the_latest_run_that_has_ended_is_told_where_none_is_named() -> None:
    begun = [row("run.started", 2), row("evidence.collected", 2)]
    assert debate_of([*WHOLE, *begun], INCIDENT) == debate_of(WHOLE, INCIDENT, 1)


def test_the_first_event_of_a_turn_counts() -> None:
    again = [row("rca.reviewed", event_id=run_id(INCIDENT, 9))]
    assert debate_of([*WHOLE, *again], INCIDENT) == debate_of(WHOLE, INCIDENT)


NOTHING: list[tuple[str, list[dict[str, Any]], int, str]] = [
    ("no such incident", [], 0, "no run of it"),
    ("no such run", WHOLE, 3, "no run 3; it has 1"),
    ("under way", [row("run.started"), row("evidence.collected")], 0, "so far there is evidence.collected"),
    ("just begun", [row("run.started")], 0, "nobody has spoken yet"),
]


@pytest.mark.parametrize(("rows", "run", "says"), [case[1:] for case in NOTHING], ids=[c[0] for c in NOTHING])
def test_what_cannot_be_told_says_why(rows: list[dict[str, Any]], run: int, says: str) -> None:
    with pytest.raises(NothingToExplain, match=says):
        debate_of(rows, INCIDENT, run)

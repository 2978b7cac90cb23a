"""Events in a few words: steps, turns and timelines, made of a story without any database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connectors.gateway.shown_runs import MOST_ON_A_TIMELINE, Kind, TimelineItem
from schemas.catalog import event_classes, topic
from schemas.envelope import Event
from sinks.clickhouse.approval_list import money_of
from sinks.clickhouse.incident_detail import edges_of, nodes_of
from sinks.clickhouse.messages import title_of
from sinks.clickhouse.steps import cut, steps_of, timeline_of, turns_of
from sinks.clickhouse.story import WITHOUT, Told
from sinks.clickhouse.wording import LONGEST_SUMMARY, WORDED, short, words_of
from tests.sinks.clickhouse.reading_story import DONE, done, run_of
from tests.sinks.samples import NOW, golden

UNSAID = {
    "vote.verified", "vote.turned_away", "run.spent", "run.settled", "learning.cause_judged",
    "learning.debate_ended",
}  # fmt: skip
"""what other events of the same story say for people"""
TOPICS = (
    "incidents", "runs.requests", "runs", "rca.evidence", "rca.diagnoses", "rca.plans", "rca.reviews",
    "rca.critiques", "rca.decisions", "preflights", "approvals.requests", "approvals.votes",
    "approvals.outcomes", "decisions", "authorizations", "executions.claims", "executions", "tools",
)  # fmt: skip


def told(kind: str, **payload: Any) -> Told:
    """As the record has the contract's own example."""
    return as_told(golden(event_classes()[kind]), **payload)


def as_told(event: Event, **payload: Any) -> Told:
    stored = {**event.payload.model_dump(mode="json"), **payload}
    return Told(event.event_id, event.type, event.stage, event.actor, DONE, run_of(DONE), NOW, (), stored)


def test_every_event_of_a_run_or_incident_is_worded_or_left_out_on_purpose() -> None:
    kinds = {event.type_name() for name in TOPICS for event in topic(name).events}

    assert kinds - WORDED.keys() == {*UNSAID, *WITHOUT} & kinds


@pytest.mark.parametrize("kind", WORDED)
def test_each_has_a_title_and_fits_a_line(kind: str) -> None:
    words = words_of(told(kind))

    assert words.title
    assert len(words.summary) <= LONGEST_SUMMARY
    assert "\n" not in words.summary


@pytest.mark.parametrize("kind", WORDED)
def test_an_event_of_another_version_breaks_no_page(kind: str) -> None:
    bare = Told("id", kind, "stage", "", DONE, "", NOW, (), {})

    assert words_of(bare).title


def test_a_person_is_named_with_their_own_words() -> None:
    (step,) = steps_of([told("vote.counted", person="bob", decision="reject", reason="x\n" * 200)])

    assert (step.who, step.by_person, step.what) == ("bob", True, "Signature counted: reject")
    assert len(step.reason) == 128
    assert "\n" not in step.reason


def test_a_timeline_is_merged_by_time_and_keeps_the_latest() -> None:
    def item(number: int, kind: Kind) -> TimelineItem:
        at = NOW + timedelta(seconds=number)
        return TimelineItem(at=at, kind=kind, title=str(number), status="", summary="", metadata={})

    calls = [item(number, Kind.MCP) for number in range(0, 160, 2)]
    messages = [item(number, Kind.OUTBOUND) for number in range(1, 160, 2)]
    merged = timeline_of([], calls, messages)

    assert [one.title for one in merged] == [str(number) for number in range(160)]
    assert [one.title for one in cut(merged)] == [str(number) for number in range(60, 160)]
    assert len(cut(merged)) == MOST_ON_A_TIMELINE


def test_a_turn_that_failed_says_why() -> None:
    turn = told("rca.diagnosed").payload["turn"]
    (spoke,) = turns_of([told("rca.diagnosed", turn={**turn, "failed": "no model answered"})])

    assert (spoke.failed, spoke.headline) == ("no model answered", "no model answered")


TITLES = [
    ("approval_request", "WAITING_APPROVAL", "Approval card"),
    ("interim", "runbook_review", "Runbook review"),
    ("interim", "ci_cd", "CI/CD"),
    ("interim", "governance.slo", "Governance alert"),
    ("final", "handed_over", "Handed over"),
    ("final", "RESOLVED", "Auto-resolved"),
    ("error", "ESCALATED", "Escalation"),
    ("interim", "INVESTIGATING", "its own"),
]


@pytest.mark.parametrize(("kind", "state", "title"), TITLES)
def test_messages_are_told_apart_by_title(kind: str, state: str, title: str) -> None:
    assert title_of(kind, state, "its own") == title


MONEY = [
    ("unknown", None, None),
    ("", None, None),
    ("$1,200.50 an hour", 1200.5, "$1,200.50 an hour"),
    ("300 USD", 300.0, "300 USD"),
    ("a lot", None, "a lot"),
]


@pytest.mark.parametrize(("said", "usd", "basis"), MONEY)
def test_money_is_read_where_it_says_so(said: str, usd: float | None, basis: str | None) -> None:
    found = money_of(said)

    assert (found and found.usd, found and found.basis) == (usd, basis)


def test_the_target_stays_the_target_though_it_is_to_blame() -> None:
    around = told("evidence.collected").payload["surroundings"]
    itself = {**around["suspects"][0], "service": "checkout", "share": 0.4}
    nodes = {node.name: node for node in nodes_of({**around, "suspects": [itself]})}

    assert (nodes["checkout"].role, nodes["checkout"].blame) == ("target", 0.4)
    assert nodes["orders-db"].role == "other"
    assert [edge.to for edge in edges_of(around)] == ["orders-db", "checkout"]


def test_a_story_is_told_in_steps_that_are_numbered() -> None:
    steps = steps_of(map(as_told, done()))

    assert [step.number for step in steps] == list(range(1, len(steps) + 1))
    assert short("word " * 60).endswith("…")

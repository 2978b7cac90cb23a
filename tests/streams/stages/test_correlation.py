"""Incidents that belong together share one run, and what becomes of it becomes of all of them."""

from __future__ import annotations

from typing import Any

import pytest

from schemas import ids
from streams.stages.correlate import MOST_CHILDREN
from streams.stages.schedule import ScheduleConfig
from tests.streams.stages.storm_story import WINDOW, StormStory, storms, topology


def family(schedule: ScheduleConfig | None = None) -> StormStory:
    return StormStory(schedule=schedule or ScheduleConfig(), connected=topology())


async def shared() -> StormStory:
    """`db` came first; the shop, which needs it two steps away, shares its run."""
    story = family()
    await story.opens("db", target="postgres").run()
    await story.pass_seconds(5).opens("shop", target="shop").run()
    story.meant = story.of("db")
    return story


CONNECTED = {
    "it needs the other": ("postgres", "shop", ["shop", "orders", "postgres"], "postgres"),
    "the other needs it": ("shop", "postgres", ["shop", "orders", "postgres"], "postgres"),
    "the same service": ("orders", "orders", ["orders"], "orders"),
    "a pod of it": ("orders", "orders-7d9f8c6b5-x2x9k", ["orders"], "orders"),
}


@pytest.mark.parametrize(("first", "second", "path", "root"), CONNECTED.values(), ids=CONNECTED)
async def test_what_is_connected_is_linked_and_shares_the_older_ones_run(
    first: str, second: str, path: list[str], root: str
) -> None:
    story = family()
    await story.opens("first", target=first).run()
    await story.pass_seconds(5).opens("second", target=second).run()

    [link] = story.links
    assert link.incident_id == story.of("second")
    assert link.payload.parent_incident_id == story.of("first")
    assert (list(link.payload.path), link.payload.distance) == (path, len(path) - 1)
    assert link.payload.root_candidate == root
    assert story.names("run.started") == ["first"]
    child, parent = story.told("run.shared")
    assert {story.name_of(one.incident_id) for one in (child, parent)} == {"first", "second"}
    assert story.status("second") == "INVESTIGATING"


APART: dict[str, tuple[dict[str, Any], float]] = {
    "another service": ({"target": "mail"}, 5),
    "both need the same": ({"target": "cart"}, 5),
    "a service that nobody knows": ({"target": "elsewhere"}, 5),
    "too late": ({"target": "shop"}, WINDOW + 1),
    "worse": ({"target": "shop", "severity": "critical"}, 5),
}


@pytest.mark.parametrize("apart", APART)
async def test_what_is_not_connected_or_worse_has_a_run_of_its_own(apart: str) -> None:
    more, later = APART[apart]
    story = family()
    await story.opens("first", target="orders").run()
    await story.pass_seconds(later).opens("second", **more).run()
    assert sorted(story.names("run.started")) == ["first", "second"]
    assert len(story.links) == (apart == "worse")


async def test_without_a_topology_nothing_is_linked() -> None:
    story = StormStory()
    await story.opens("db", target="postgres").run()
    await story.opens("shop", target="postgres").run()
    assert not story.links
    assert len(story.told("run.started")) == 2


ENDS: dict[str, tuple[Any, tuple[str, str], str]] = {
    "left to people": (
        lambda story: story.debated().gate("SKIPPED"), ("succeeded", "no_action"), "ESCALATED",
    ),
    "rejected": (
        lambda story: story.debated().gate("APPROVAL_REQUIRED").approval("REJECTED"),
        ("cancelled", "rejected"), "ESCALATED",
    ),
    "it helped": (
        lambda story: story.debated().gate("AUTO_APPROVED").put(story.made("execution.verified")),
        ("succeeded", "verified"), "MITIGATED",
    ),
    "called off": (lambda story: story.cancel(), ("cancelled", "cancelled"), "ESCALATED"),
}  # fmt: skip


@pytest.mark.parametrize("end", ENDS)
async def test_the_parents_end_is_written_under_each_child(end: str) -> None:
    says, ended, status = ENDS[end]
    story = await shared()
    story.meant = story.of("db")
    await says(story).run()

    assert story.ended("db") == [ended]
    assert story.ended("shop") == [ended]
    told = next(one for one in story.ends if one.incident_id == story.of("shop"))
    assert told.payload.parent.incident_id == story.of("db")
    assert told.run_id == ids.run_id(story.of("shop"), 1)
    assert (story.status("db"), story.status("shop")) == (status, status)

    await story.pass_seconds(70).opens("shop", target="shop", started=None).run()
    assert story.names("run.started")[1:] == ["shop"], "it fires still: a run of its own"


async def test_a_child_that_comes_after_the_end_has_the_same_answer() -> None:
    story = family()
    await story.opens("db", target="postgres").run()
    await story.debated().gate("SKIPPED").run()
    await story.pass_seconds(5).opens("shop", target="shop").run()
    assert story.ended("shop") == [("succeeded", "no_action")]
    assert story.names("run.started") == ["db"]


async def test_a_child_that_comes_after_what_was_done_has_a_run_of_its_own() -> None:
    story = family()
    await story.opens("db", target="postgres").run()
    await story.debated().gate("AUTO_APPROVED").put(story.made("execution.verified")).run()
    await story.pass_seconds(5).opens("shop", target="shop").run()
    assert story.names("run.started") == ["db", "shop"]


async def test_children_stay_through_the_run_that_a_failure_asks_for() -> None:
    story = await shared()
    story.meant = story.of("db")
    await (
        story.debated().gate("AUTO_APPROVED").put(story.made("execution.failed", undo_id="", undoes="")).run()
    )
    assert story.ended("shop") == []
    assert len(story.told("run.started")) == 2

    await story.debated().gate("SKIPPED").run()
    assert story.ended("shop") == [("succeeded", "no_action")]


async def test_when_the_parent_resolves_the_oldest_child_gets_a_run_and_the_others_share_it() -> None:
    story = family()
    await story.opens("db", target="postgres").run()
    await story.pass_seconds(5).opens("cart", target="cart").run()
    await story.pass_seconds(5).opens("orders", target="orders").run()
    assert story.names("run.started") == ["db"]

    await story.pass_seconds(5).resolves("db").run()
    assert story.names("run.started") == ["db", "cart"]
    assert story.ended("cart") == story.ended("orders") == [("voided", "parent_resolved")]
    latest = story.told("run.shared")[-1]
    assert latest.payload.parent.incident_id == story.of("cart")

    story.meant = story.of("cart")
    await story.debated().gate("SKIPPED").run()
    assert story.ended("orders")[1:] == [("succeeded", "no_action")]
    assert story.status("orders") == "ESCALATED"


async def test_when_the_oldest_child_is_over_too_the_others_are_not_left_alone() -> None:
    story = family()
    await story.opens("db", target="postgres").run()
    await story.pass_seconds(5).opens("cart", target="cart").run()
    await story.pass_seconds(5).opens("orders", target="orders").run()
    await story.pass_seconds(5).resolves("cart").run()
    await story.resolves("db").run()
    assert story.names("run.started") == ["db", "orders"]


async def test_a_child_that_gets_worse_has_a_run_of_its_own() -> None:
    story = await shared()
    await story.pass_seconds(2).opens("shop", target="shop", severity="critical", started=1).run()
    assert story.ended("shop") == [("voided", "outgrown")]
    assert story.names("run.started") == ["db", "shop"]

    story.meant = story.of("db")
    await story.debated().gate("SKIPPED").run()
    assert story.ended("shop") == [("voided", "outgrown")], "the other's end is none of its own"


async def test_a_person_may_ask_for_a_childs_own_run() -> None:
    story = await shared()
    story.meant = story.of("shop")
    await story.rerun("this is something else").run()
    assert story.names("run.started") == ["db", "shop"]


async def test_who_waits_serves_others_too() -> None:
    story = family(storms(1, released=6))
    await story.opens("mail", target="mail").run()
    await story.pass_seconds(1).opens("db", target="postgres").run()
    await story.pass_seconds(1).opens("shop", target="shop").run()
    assert story.names("run.throttled") == ["db"]
    assert story.names("run.started") == ["mail"]

    await story.pass_seconds(1).resolves("db").run()
    assert story.ended("shop") == [("voided", "parent_resolved")]
    await story.wait(30)
    assert story.names("run.started") == ["mail", "shop"]


async def test_the_older_one_shares_no_run_of_the_younger() -> None:
    """Else two could come to wait for each other."""
    story = family()
    await story.opens("db", target="postgres").run()
    await story.debated().gate("SKIPPED").run()
    await story.pass_seconds(5).resolves("db").run()
    await story.opens("shop", target="shop").run()
    await story.pass_seconds(70).opens("db", target="postgres", started=None).run()
    assert story.names("run.started") == ["db", "shop", "db"]


async def test_a_parent_serves_so_many_and_then_the_next_oldest_does() -> None:
    story = family()
    await story.opens("first", target="orders").run()
    for number in range(MOST_CHILDREN + 5):
        await story.opens(f"n{number}", target="orders").run()
    began = story.names("run.started")
    assert began == ["first", f"n{MOST_CHILDREN}"]
    assert len(story.told("run.shared")) == 2 * (MOST_CHILDREN + 4)
    assert len(story.links) == MOST_CHILDREN + 5

    story.meant = story.of("first")
    await story.debated().gate("SKIPPED").run()
    assert len(story.ends) == 1 + MOST_CHILDREN


async def test_a_worse_one_serves_those_as_bad_as_itself() -> None:
    story = family()
    await story.opens("first", target="orders").run()
    await story.pass_seconds(1).opens("worse", target="orders", severity="critical").run()
    await story.pass_seconds(1).opens("another", target="shop", severity="critical").run()
    assert story.names("run.started") == ["first", "worse"]
    assert {link.payload.parent_incident_id for link in story.links} == {story.of("first")}
    assert story.told("run.shared")[0].payload.parent.incident_id == story.of("worse")


async def test_a_child_that_comes_back_hours_later_has_no_answer_of_then() -> None:
    story = await shared()
    await story.debated().gate("SKIPPED").run()
    await story.pass_seconds(8 * 3600).resolves("shop").run()
    await story.pass_seconds(60).opens("shop", target="shop", started=8 * 3600 + 65).run()
    assert story.names("run.started") == ["db", "shop"]

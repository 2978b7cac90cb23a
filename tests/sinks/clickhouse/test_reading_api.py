"""The reading API over HTTP, on a real record: what it shows, whom, and what it says where it cannot."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from schemathesis.generation import GenerationMode

from connectors.gateway.shown_runs import Kind
from streams.policy.action_hash import act_of, action_hash
from streams.policy.canonical import canonical
from tests.peers import free_port, wait_until_async
from tests.sinks.clickhouse.random_questions import ask_at_random
from tests.sinks.clickhouse.reading_gateway import Readers, readers_in_a_thread, readers_of, relayed
from tests.sinks.clickhouse.reading_story import (
    ASKED,
    DONE,
    OURS,
    SPURNED,
    THEIRS,
    approval_of,
    asked,
    prepare,
    run_of,
    trace_of_incident,
)
from tests.sinks.clickhouse_peer import ClickHousePeer

LISTS = ("runs", "incidents", "approvals", "contracts")
RUNS, INCIDENTS, APPROVALS, CONTRACTS = map("/api/v1/{}".format, LISTS)
ENDLESS = ("/api/v1/dashboard/stream",)
NO_RUN = "1a2b3c4d-0000-5000-8000-00000000ffff"


@pytest.fixture(scope="module")
def told(empty_store: ClickHousePeer) -> ClickHousePeer:
    """The story is stored once for all of these tests."""
    asyncio.run(prepare(empty_store))
    return empty_store


@pytest.fixture(scope="module")
def readers(told: ClickHousePeer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Readers]:
    with readers_in_a_thread(tmp_path_factory.mktemp("readers"), told) as running:
        yield running


def ids(page: Any, name: str = "run_id") -> list[str]:
    return [item[name] for item in page["items"]]


# -- runs


async def test_runs_are_listed_newest_first_with_what_became_of_them(readers: Readers) -> None:
    page = await readers.shown(RUNS)

    assert ids(page) == [run_of(incident) for incident in (SPURNED, ASKED, DONE)]
    assert (page["page"], page["page_size"], page["total"]) == (1, 50, 3)
    spurned, asked, done = page["items"]
    assert [run["state"] for run in page["items"]] == ["cancelled", "waiting_approval", "succeeded"]
    assert (done["reason"], done["incident_ids"], done["agent"]) == ("verified", [DONE], "verifier")
    assert (spurned["reason"], asked["reason"]) == ("rejected", "rerun")
    assert done["created_at"].endswith("Z")
    assert done["remediation"]["records"] > asked["remediation"]["records"] > 0


FILTERS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "a state": ({"state": "succeeded"}, (DONE,)),
    "a state of nobody's": ({"state": "timeout"}, ()),
    "no state": ({"state": ""}, (SPURNED, ASKED, DONE)),
    "a remediation status": ({"remediation_status": "write_observed"}, (DONE,)),
    "an incident": ({"incident_id": ASKED}, (ASKED,)),
    "another project's incident": ({"incident_id": THEIRS}, ()),
    "a project": ({"project": "shop"}, (SPURNED, ASKED, DONE)),
    "two at once": ({"state": "succeeded", "incident_id": ASKED}, ()),
}


@pytest.mark.parametrize(("wanted", "found"), FILTERS.values(), ids=FILTERS.keys())
async def test_runs_are_filtered(readers: Readers, wanted: dict[str, Any], found: tuple[str, ...]) -> None:
    page = await readers.shown(RUNS, **wanted)

    assert ids(page) == [run_of(incident) for incident in found]
    assert page["total"] == len(found)


async def test_pages_share_the_runs_out(readers: Readers) -> None:
    pages = [await readers.shown(RUNS, page=page, page_size=2) for page in (1, 2, 3)]

    assert [len(page["items"]) for page in pages] == [2, 1, 0]
    assert [page["total"] for page in pages] == [3, 3, 3]
    assert len({run for page in pages for run in ids(page)}) == 3


async def test_a_run_is_told_whole_and_in_order(readers: Readers) -> None:
    detail = await readers.shown(f"{RUNS}/{run_of(DONE)}")

    run, steps, timeline = detail["run"], detail["steps"], detail["timeline"]
    assert (run["state"], run["trace_id"]) == ("succeeded", trace_of_incident(DONE))
    assert (run["attempts"], run["max_attempts"], run["trigger_type"]) == (1, 5, "rerun")
    assert run["started_at"] < run["completed_at"] < run["heartbeat_at"]
    assert [step["number"] for step in steps] == list(range(1, len(steps) + 1))
    assert run["steps"] == len(steps) == detail["counts"]["steps"]
    assert ids({"items": timeline}, "at") == sorted(ids({"items": timeline}, "at"))
    assert {item["kind"] for item in timeline} == {*Kind}
    assert (timeline[0]["title"], "Run ended" in [item["title"] for item in timeline]) == ("Run began", True)
    assert detail["counts"]["timeline"] == len(timeline)


async def test_every_decision_of_a_person_is_a_numbered_step(readers: Readers) -> None:
    detail = await readers.shown(f"{RUNS}/{run_of(DONE)}")

    people = [step for step in detail["steps"] if step["by_person"]]
    assert [(step["who"], step["what"]) for step in people] == [
        ("bob", "Signature counted: approve"),
        ("carol", "Signature counted: approve"),
    ]
    assert people[0]["reason"] == "seen"
    assert (len(people[1]["reason"]), people[1]["reason"][-1]) == (128, "…")


async def test_a_rejection_cancels_its_run(readers: Readers) -> None:
    detail = await readers.shown(f"{RUNS}/{run_of(SPURNED)}")

    run = detail["run"]
    assert (run["state"], run["error_code"]) == ("cancelled", "E-APPR-REJECTED")
    said = [(step["who"], step["reason"]) for step in detail["steps"] if step["by_person"]]
    assert ("dana", "not during the sale") in said


async def test_calls_of_tools_show_their_gates(readers: Readers) -> None:
    detail = await readers.shown(f"{RUNS}/{run_of(DONE)}")

    (call,) = detail["tool_calls"]
    assert (call["server"], call["tool"], call["blocked_by"]) == ("kubernetes", "read_pod", "budget")
    assert [(gate["name"], gate["passed"]) for gate in call["gates"]] == [
        ("tool_known", True),
        ("budget", False),
    ]
    assert {(one["gate"], one["outcome"]): one["count"] for one in detail["run"]["gate_totals"]} == {
        ("tool_known", "passed"): 1,
        ("budget", "blocked"): 1,
    }


async def test_remediation_is_told_latest_first_and_by_work_item(readers: Readers) -> None:
    detail = await readers.shown(f"{RUNS}/{run_of(DONE)}")

    times = [one["at"] for one in detail["remediation"]]
    assert times == sorted(times, reverse=True)
    assert all(len(one["verification"]) <= 200 for one in detail["remediation"])
    by_item = detail["run"]["remediation_by_work_item"]
    assert sum(map(len, by_item.values())) == min(20, len(times))
    assert all(one["work_item"] == item for item, found in by_item.items() for one in found)


async def test_messages_go_in_and_out(readers: Readers) -> None:
    detail = await readers.shown(f"{RUNS}/{run_of(DONE)}")

    outbound, inbound = detail["messages"]["outbound"], detail["messages"]["inbound"]
    assert [(one["message_id"], one["status"]) for one in outbound] == [("M1", "sent"), ("M2", "failed")]
    assert [(one["message_id"], one["duplicate"]) for one in inbound] == [("M3", True)]
    titles = [item["title"] for item in detail["timeline"] if item["kind"] == "outbound"]
    assert titles[0] == "Approval card"

    newest = await readers.shown("/api/v1/channel-events", limit=1)
    assert ids(newest, "message_id") == ["M3"]
    assert ids(await readers.shown("/api/v1/channel-events", id_prefix="M1"), "message_id") == ["M1"]
    assert ids(await readers.shown("/api/v1/channel-events", channel="mail"), "message_id") == []


# -- incidents


async def test_incidents_show_whose_they_are_and_what_waits(readers: Readers) -> None:
    page = await readers.shown(INCIDENTS)

    found = {item["incident_id"]: item for item in page["items"]}
    assert set(found) == set(OURS)
    assert (found[DONE]["assignee"], found[DONE]["acknowledged_by"]) == ("carol", "bob")
    assert (found[ASKED]["waiting_approval"], found[DONE]["waiting_approval"]) == (approval_of(ASKED), "")


SEARCHES: dict[str, tuple[dict[str, Any], int]] = {
    "by its id": ({"q": ASKED.lower()}, 1),
    "by its kind": ({"q": "crashloop"}, 3),
    "by words that are nowhere": ({"q": "100%25_"}, 0),
    "open": ({"open": "true"}, 3),
    "closed": ({"open": "false"}, 0),
    "a status": ({"status": "WAITING_APPROVAL"}, 3),
    "a severity": ({"severity": "info"}, 0),
}


@pytest.mark.parametrize(("wanted", "total"), SEARCHES.values(), ids=SEARCHES.keys())
async def test_incidents_are_searched(readers: Readers, wanted: dict[str, Any], total: int) -> None:
    page = await readers.shown(INCIDENTS, **wanted)

    assert (page["total"], len(page["items"])) == (total, total)


async def test_an_incident_is_told_whole(readers: Readers) -> None:
    detail = await readers.shown(f"{INCIDENTS}/{DONE}")

    assert [(act["act"], act["person"]) for act in detail["acts"]] == [
        ("acknowledge", "bob"),
        ("assign", "bob"),
    ]
    assert ids({"items": detail["runs"]}) == [run_of(DONE)]
    assert [turn["agent"] for turn in detail["turns"]] == [
        "diagnostician", "solver", "reviewer", "critic", "coordinator",
    ]  # fmt: skip
    assert all(turn["headline"] and len(turn["headline"]) <= 200 for turn in detail["turns"])
    assert all("brief" not in turn["body"] for turn in detail["turns"])
    assert detail["evidence"]["items"][0]["id"] == "E1"
    assert detail["evidence"]["gaps"]
    assert detail["decision"]["branch"]
    assert [(card["state"], card["missing"]) for card in detail["approvals"]] == [("APPROVED", 0)]
    assert [step["step"] for step in detail["executions"]] == ["started", "succeeded", "verified"]
    edges = [(edge["from"], edge["to"]) for edge in detail["graph"]["edges"]]
    assert edges == [("checkout", "orders-db"), ("frontend", "checkout")]
    roles = {node["name"]: node["role"] for node in detail["graph"]["nodes"]}
    assert roles == {"checkout": "target", "frontend": "affected", "orders-db": "cause"}


# -- approvals


async def test_what_waits_comes_oldest_first_and_what_was_decided_newest_first(readers: Readers) -> None:
    waiting = await readers.shown(APPROVALS, "root")
    decided = await readers.shown(APPROVALS, "root", state="decided")

    assert ids(waiting, "approval_id") == [approval_of(ASKED), approval_of(THEIRS)]
    assert ids(decided, "approval_id") == [approval_of(SPURNED), approval_of(DONE)]
    assert [card["state"] for card in decided["items"]] == ["REJECTED", "APPROVED"]


async def test_a_card_says_what_who_and_who_is_missing(readers: Readers) -> None:
    card = await readers.shown(f"{APPROVALS}/{approval_of(ASKED)}")

    assert (card["state"], card["required"], card["missing"], card["audience"]) == ("WAITING", 2, 1, "local")
    assert [(vote["person"], vote["decision"], vote["jti"]) for vote in card["signed"]] == [
        ("bob", "approve", "jti-of-bob")
    ]
    assert card["blast_radius"] == {"services": ["frontend"], "count": 1, "score": 35}
    assert (card["money"], card["preflight"]["result"]) == (None, "failed")
    assert await readers.shown(f"{APPROVALS}/{run_of(ASKED)}") == card, "by its run"


async def test_a_card_holds_all_that_its_hash_is_over(readers: Readers) -> None:
    card = await readers.shown(f"{APPROVALS}/{approval_of(ASKED)}")

    request = next(event.payload for event in asked() if event.type == "approval.requested")
    request = request.model_copy(update={"commitments": {}})
    to_sign = {**card["to_sign"], "commitments": {}}
    assert hashlib.sha256(canonical(to_sign)).hexdigest() == action_hash(act_of(request))


# -- whose it is


ANOTHERS = [
    f"{RUNS}/{run_of(THEIRS)}",
    f"{INCIDENTS}/{THEIRS}",
    f"{APPROVALS}/{approval_of(THEIRS)}",
    f"{APPROVALS}/{run_of(THEIRS)}",
]
NOWHERE = [
    f"{RUNS}/{NO_RUN}",
    f"{INCIDENTS}/INC-20260301-NOWHERE000",
    f"{APPROVALS}/INC-20260301-NOWHERE000-A1",
]


@pytest.mark.parametrize("path", [*ANOTHERS, *NOWHERE])
async def test_what_is_another_projects_is_not_there(readers: Readers, path: str) -> None:
    refused = await readers.get(path)

    assert (refused.status, refused.headers["content-type"]) == (404, "application/problem+json")
    assert "yours (shop)" in refused.json()["detail"]
    if path in ANOTHERS:
        assert (await readers.get(path, "eve")).status == 200


@pytest.mark.parametrize("path", [RUNS, INCIDENTS, APPROVALS, CONTRACTS, "/api/v1/channel-events"])
async def test_lists_hold_ones_own_projects_alone(readers: Readers, path: str) -> None:
    theirs = await readers.shown(path, "eve")

    assert {item["project_id"] for item in theirs["items"]} <= {"bank", ""}
    assert (await readers.get(path, project="bank")).status == 404
    everybodys = [one | {"decisions": 0} for one in theirs["items"] if one["project_id"] == ""]
    assert (await readers.shown(path, "nobody"))["items"] == everybodys


async def test_projects_are_ones_own(readers: Readers) -> None:
    assert ids(await readers.shown("/api/v1/projects"), "project_id") == ["shop"]
    assert ids(await readers.shown("/api/v1/projects", "root"), "project_id") == ["bank", "shop"]


async def test_the_latest_policy_and_playbook_is_the_one_in_force(readers: Readers) -> None:
    """Beside each how many decisions went by it: only those of the reader's projects."""
    ours, names = await readers.shown(CONTRACTS), ("contract_id", "major", "life_cycle", "decisions")
    assert "; ".join(" ".join(str(one[name]) for name in names) for one in ours["items"]) == (
        "policy 2 in_force 3; policy 1 superseded 0; hangs 2 withdrawn 0; pod-oom 2 in_force 3; "
        "hangs 1 superseded 0; pod-oom 1 superseded 0"
    )
    assert ids(await readers.shown(CONTRACTS, "root"), "decisions") == [4, 0, 0, 4, 0, 0]
    assert {*ids(await readers.shown(CONTRACTS, life_cycle="superseded"), "life_cycle")} == {"superseded"}


async def test_services_are_everybodys_or_ones_own(readers: Readers) -> None:
    ours = await readers.shown("/api/v1/topology")
    around = await readers.shown("/api/v1/topology", service="cart")

    assert {node["name"] for node in ours["nodes"]} == {"web", "cart"}
    assert [(edge["from"], edge["to"]) for edge in around["edges"]] == [("web", "cart")]
    assert (await readers.get("/api/v1/topology", service="vault")).status == 404
    assert (await readers.get("/api/v1/topology", "eve", service="vault")).status == 200


@pytest.mark.parametrize("person", ["", "alerts"], ids=["nobody", "a webhook's token"])
async def test_who_does_not_log_in_reads_nothing(readers: Readers, person: str) -> None:
    for path in (RUNS, f"{RUNS}?state=odd", f"{INCIDENTS}/{DONE}"):
        refused = await readers.get(path, person)

        assert (refused.status, refused.headers["www-authenticate"]) == (401, "Bearer")


# -- what is misasked


MISASKED: dict[str, tuple[str, dict[str, Any], str]] = {
    "no such state": (RUNS, {"state": "done"}, "'waiting_approval'"),
    "no such remediation status": (RUNS, {"remediation_status": "x"}, "'read_only_dry_run'"),
    "no incident": (RUNS, {"incident_id": "INC-1"}, "one looks like INC-"),
    "no page": (RUNS, {"page": 0}, "greater than or equal to 1"),
    "too large a page": (RUNS, {"page_size": 201}, "less than or equal to 200"),
    "no such filter": (RUNS, {"stat": "failed"}, "no such filter"),
    "no project": (RUNS, {"project": "NO!"}, "small letters"),
    "no run": (f"{RUNS}/abc", {}, "one looks like"),
    "no incident's id": (f"{INCIDENTS}/abc", {}, "one looks like"),
    "no such status": (INCIDENTS, {"status": "odd"}, "'PENDING'"),
    "neither open nor closed": (INCIDENTS, {"open": "perhaps"}, "boolean"),
    "no approval": (f"{APPROVALS}/abc", {}, "one looks like"),
    "neither waiting nor decided": (APPROVALS, {"state": "late"}, "'decided'"),
    "no life cycle": ("/api/v1/contracts", {"life_cycle": "x"}, "'in_force'"),
    "too many messages": ("/api/v1/channel-events", {"limit": 101}, "less than or equal to 100"),
}


@pytest.mark.parametrize(("path", "asked", "says"), MISASKED.values(), ids=MISASKED.keys())
async def test_a_bad_filter_is_told_what_is_allowed(
    readers: Readers, path: str, asked: dict[str, Any], says: str
) -> None:
    refused = await readers.get(path, **asked)

    assert (refused.status, refused.headers["content-type"]) == (422, "application/problem+json")
    assert says in refused.json()["detail"]


async def test_a_record_that_is_away_is_said_so_and_comes_back(told: ClickHousePeer, tmp_path: Path) -> None:
    port = free_port()
    async with readers_of(tmp_path, replace(told, url=f"http://127.0.0.1:{port}")) as readers:

        async def answers(status: int) -> bool:
            reply = await readers.get(RUNS)
            assert reply.status == 200 or reply.headers["retry-after"] == "2"
            assert reply.status == 200 or "record is away" in reply.json()["detail"]
            return reply.status == status

        assert await answers(503), "nobody was ever there"
        for _ in range(2):
            async with relayed(port, told.url):
                await wait_until_async(lambda: answers(200), timeout=10, what="the record is read")
            await wait_until_async(lambda: answers(503), timeout=10, what="it is seen to be away")


# -- all of it, with what a machine makes up


@pytest.mark.parametrize("mode", GenerationMode, ids=lambda mode: mode.name.lower())
async def test_no_request_of_the_document_is_a_fault(readers: Readers, mode: GenerationMode) -> None:
    """Whatever the document says is read with GET: none of it need be named here."""
    described = schemathesis.openapi.from_url(f"{readers.url}/openapi.json")
    read = [
        path
        for path, methods in described.raw_schema["paths"].items()
        if path.startswith("/api/") and methods.get("get", {}).get("parameters") and path not in ENDLESS
    ]
    assert len(read) >= 9
    for path in read:
        ask_at_random(described[path]["GET"], mode, readers.tokens["root"])

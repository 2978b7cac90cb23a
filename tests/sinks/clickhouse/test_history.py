"""What the record knows of an alert: how often, when last, what ended incidents like it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from connectors.evidence import Finding, Unavailable, Wanted
from schemas.envelope import to_millis
from sinks.clickhouse.client import Client, connected
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.history import History, OpenTargets
from sinks.clickhouse.past import read_past
from tests.peers import free_port
from tests.sinks.clickhouse.events import COLUMNS, alert, event, values
from tests.sinks.clickhouse_peer import ClickHousePeer
from tests.sinks.samples import NOW

OURS, ENDED = "INC-20261121-OURS000000", "INC-20261121-ENDED00000"
FINGERPRINT = "00ff00ff00ff00ff"
Rows = list[dict[str, Any]]


def iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def wanted(**more: Any) -> Wanted:
    facts: dict[str, Any] = {
        "project_id": "shop",
        "incident_id": OURS,
        "run_id": "run-1",
        "fingerprint": FINGERPRINT,
        "alert_type": "CPUThrottlingHigh",
        "severity": "critical",
        "cluster": "default",
        "namespace": "production",
        "kind": "pod",
        "name": "api-0",
        "labels": {},
        "metrics": {},
        "opened_at": to_millis(NOW),
        "now": to_millis(NOW),
    }
    return Wanted(**{**facts, **more})


class Record:
    """Rows as the sink would have written them, one after the other."""

    def __init__(self) -> None:
        self.rows: Rows = []

    def received(self, name: str, ago: timedelta, **fields: Any) -> None:
        moment = iso(NOW - ago)
        facts = {"target_resource": "api-0", "received_at": moment, "fingerprint": FINGERPRINT, **fields}
        self.rows.append({**alert(name, len(self.rows), **facts), "recorded_at": NOW - ago})

    def step(self, kind: str, incident: str, ago: timedelta, /, **payload: Any) -> None:
        self.rows.append(
            {
                **event(f"{kind}/{incident}/{ago}", kind, len(self.rows), payload, incident_id=incident),
                "recorded_at": NOW - ago,
            }
        )

    def opened(self, incident: str, ago: timedelta, **more: Any) -> None:
        facts = {
            "fingerprint": FINGERPRINT,
            "severity": "critical",
            "highest_severity": "critical",
            "target_resource": "api-0",
            "namespace": "production",
            "hit_count": 1,
            "opened_at": iso(NOW - ago),
            "last_seen_at": iso(NOW - ago),
        }
        self.step("incident.opened", incident, ago, **{**facts, **more})

    def resolved(self, incident: str, ago: timedelta, opened: timedelta, hits: int = 7) -> None:
        facts = {"fingerprint": FINGERPRINT, "hit_count": hits, "reason": "alert_resolved"}
        times = {
            "opened_at": iso(NOW - opened),
            "last_seen_at": iso(NOW - ago),
            "resolved_at": iso(NOW - ago),
        }
        self.step("incident.resolved", incident, ago, **facts, **times)


HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def history(store: ClickHousePeer, clickhouse: Client) -> AsyncIterator[History]:
    login = store.reader or store.writer
    asked = History(store.config(user=login[0], password=SecretStr(login[1])))
    yield asked
    await asked.close()


async def write(client: Client, record: Record) -> None:
    await client.insert("events", values(record.rows), COLUMNS)


def by_kind(findings: Any) -> dict[str, list[Finding]]:
    kinds: dict[str, list[Finding]] = {}
    for finding in findings:
        kinds.setdefault(finding.kind, []).append(finding)
    return kinds


async def test_an_alert_that_nobody_has_seen_before(history: History) -> None:
    [only] = await history.gather(wanted())
    assert only.text == "this alert was received 0 times in the past 24 hours; it has no earlier incident"


async def test_how_often_it_and_its_like_were_received(history: History, clickhouse: Client) -> None:
    record = Record()
    for number in range(3):
        record.received(f"ours {number}", HOUR * number)
    record.received("yesterday", DAY + HOUR)
    record.received("resolved", HOUR, status="resolved")
    record.received("not yet", -HOUR)
    for target in ("api-1", "api-2", "api-2"):
        name = f"like it {target} {len(record.rows)}"
        record.received(name, HOUR * 2, target_resource=target, fingerprint=target.zfill(16))
    record.received("beside", HOUR, alert_type="OOMKilled", fingerprint="b" * 16)
    record.received("elsewhere", HOUR, alert_type="OOMKilled", namespace="staging", fingerprint="c" * 16)
    await write(clickhouse, record)

    found = by_kind(await history.gather(wanted()))
    assert found["recurrence"][0].numbers["alerts_24h"] == 3
    assert found["similar_alerts"][0].numbers == {"alerts_24h": 3, "targets": 2}
    assert found["similar_alerts"][0].observed_at == to_millis(NOW - HOUR * 2)
    assert found["other_alerts"][0].words == {"alert_types": "OOMKilled"}
    assert found["other_alerts"][0].numbers == {"alerts_24h": 1}


@pytest.mark.parametrize("beside", ["api-0", "api-1", ""])
async def test_a_target_of_two_alerts_is_counted_once(clickhouse: Client, beside: str) -> None:
    """A workload's fingerprint: it fired on pods that others of the type fired on as well."""
    record, theirs = Record(), "b" * 16
    record.received("ours", timedelta())
    for number, target in enumerate(("api-1", "api-2", "")):
        record.received(f"theirs {target}", HOUR * (number + 1), target_resource=target, fingerprint=theirs)
    for number, target in enumerate(("api-1", "api-1", "api-2", "db", "")):
        other = str(number).zfill(16)
        record.received(f"like it {number}", HOUR * 5, target_resource=target, fingerprint=other)
    await write(clickhouse, record)

    async with connected(clickhouse.config) as client:
        ours, other = await read_past(client, [wanted(), wanted(fingerprint=theirs, name=beside)])
    assert (ours.similar.same, ours.similar.alike, ours.similar.alike_targets) == (1, 8, 4)
    assert (other.similar.same, other.similar.alike, other.similar.alike_targets) == (3, 6, 5)
    latest = [to_millis(one.similar.alike_at) for one in (ours, other) if one.similar.alike_at]
    assert latest == [to_millis(NOW - HOUR), to_millis(NOW)]


async def test_alerts_that_are_asked_about_together_get_each_its_own_past(
    history: History, clickhouse: Client
) -> None:
    """The incident of one is the other's past; what is nobody's past is not read."""
    record = Record()
    record.opened(OURS, timedelta())
    record.opened(ENDED, HOUR)
    record.opened("INC-OTHER", HOUR, fingerprint="b" * 16)
    await write(clickhouse, record)
    whose = {OURS: FINGERPRINT, ENDED: FINGERPRINT, "INC-OTHER": "b" * 16}
    asked = [wanted(incident_id=one, fingerprint=fingerprint) for one, fingerprint in whose.items()]
    async with connected(clickhouse.config) as client:
        past = await read_past(client, asked)
    told = [[row["incident_id"] for row in one.incidents] for one in past]
    assert told == [[ENDED], [OURS], []]


async def test_past_incidents_of_this_fingerprint_and_how_they_ended(
    history: History, clickhouse: Client
) -> None:
    record = Record()
    record.opened(OURS, timedelta())
    record.opened("INC-OLD", DAY * 3)
    record.step("incident.hit", "INC-OLD", DAY * 3 - HOUR / 2, fingerprint=FINGERPRINT, hit_count=5)
    record.resolved("INC-OLD", DAY * 3 - HOUR, DAY * 3)
    record.opened("INC-OPEN", DAY)
    record.opened("INC-OTHER", DAY, fingerprint="b" * 16)
    await write(clickhouse, record)

    found = by_kind(await history.gather(wanted()))
    latest, old = found["past_incident"]
    assert (latest.words["incident"], latest.words["status"]) == ("INC-OPEN", "OPEN")
    assert (old.words["incident"], old.words["status"]) == ("INC-OLD", "RESOLVED")
    assert old.words["reason"] == "alert_resolved"
    assert old.numbers == {"alerts": 7, "minutes_open": pytest.approx(60)}
    assert "ended as RESOLVED after 60 min" in old.text
    assert "no action of ours is on record" in old.text
    assert found["recurrence"][0].numbers["earlier_incidents"] == 2


async def test_only_the_latest_incidents_are_told(history: History, clickhouse: Client) -> None:
    record = Record()
    for number in range(20):
        record.opened(f"INC-{number:02}", DAY * (number + 1))
    await write(clickhouse, record)
    found = by_kind(await history.gather(wanted()))
    assert [one.words["incident"] for one in found["past_incident"]] == [f"INC-{n:02}" for n in range(5)]


async def test_what_was_decided_and_what_was_done(history: History, clickhouse: Client) -> None:
    """Executions come as they will: what was done and how it ended is found wherever it stands."""
    record = Record()
    record.opened("INC-OLD", DAY)
    cause = {"cause": "the memory limit is too low"}
    step = {"operation": "SET_RESOURCES", "target": {"name": "api"}}
    record.step("rca.decided", "INC-OLD", DAY, hypothesis=cause, recommended_action={"step": step})
    record.step("execution.claimed", "INC-OLD", DAY - HOUR, action_id="A1")
    record.step("execution.verified", "INC-OLD", DAY - HOUR * 2, action={"step": step}, result="SUCCEEDED")
    record.step("execution.verified", "INC-OTHER", DAY, action={"step": step}, result="FAILED")
    await write(clickhouse, record)

    [past] = by_kind(await history.gather(wanted()))["past_incident"]
    assert past.words["cause"] == "the memory limit is too low"
    assert past.words["recommended"] == "SET_RESOURCES"
    assert (past.words["operation"], past.words["result"]) == ("SET_RESOURCES", "SUCCEEDED")
    assert "SET_RESOURCES SUCCEEDED" in past.text


@pytest.mark.parametrize(
    ("ends", "story"),
    [
        (["succeeded", "failed FAILED", "succeeded undo", "undone undo SUCCEEDED"], "FAILED; {} TAKEN BACK"),
        (["succeeded", "failed FAILED", "failed undo FAILED"], "FAILED; {} NOT TAKEN BACK: FAILED"),
        (["succeeded", "verified SUCCEEDED", "settled SUCCEEDED"], "DONE; {} SUCCEEDED"),
        (["verified SUCCEEDED", "relapsed FAILED"], "SUCCEEDED; {} CAME BACK"),
        (["succeeded", "unverified UNVERIFIED"], "DONE; {} UNVERIFIED"),
    ],
)
async def test_what_was_taken_back_or_came_back_did_not_succeed(
    history: History, clickhouse: Client, ends: list[str], story: str
) -> None:
    record, operation = Record(), "SET_RESOURCES"
    record.opened("INC-OLD", DAY)
    for number, end in enumerate(ends):
        kind, *told = end.split()
        undoes = "A1" if "undo" in told else ""
        result = told[-1] if told and told[-1] != "undo" else None
        action = {"step": {"operation": operation}}
        at = DAY - HOUR * (number + 1)
        record.step(f"execution.{kind}", "INC-OLD", at, action=action, result=result, undoes=undoes)
    await write(clickhouse, record)

    [past] = by_kind(await history.gather(wanted()))["past_incident"]
    assert f"{operation} {story.format(operation)}" in past.text
    assert past.words["result"] == story.rpartition("{} ")[2]


async def test_another_project_s_past_is_not_ours(history: History, clickhouse: Client) -> None:
    record = Record()
    record.opened("INC-OLD", DAY)
    record.received("theirs", HOUR)
    await write(clickhouse, record)
    [only] = await history.gather(wanted(project_id="bank"))
    assert only.numbers == {"alerts_24h": 0, "earlier_incidents": 0}


@pytest.mark.parametrize("text", ["' OR 1=1 --", "{project:String}", "\\", "a\nb\x00", "重"], ids=repr)
async def test_names_are_values_and_never_part_of_a_question(
    history: History, clickhouse: Client, text: str
) -> None:
    record = Record()
    record.received("ours", HOUR)
    await write(clickhouse, record)
    about = wanted(alert_type=text, name=text, namespace=text, fingerprint=text, incident_id=text)
    [only] = await history.gather(about)
    assert only.numbers["alerts_24h"] == 0


async def test_what_has_an_open_incident_now(history: History, clickhouse: Client) -> None:
    record = Record()
    record.opened("INC-1", HOUR, target_resource="db")
    record.opened("INC-2", HOUR * 2, target_resource="cache")
    record.resolved("INC-2", HOUR, HOUR * 2)
    record.opened("INC-3", DAY * 2, target_resource="silent for long")
    await write(clickhouse, record)
    assert await history.open_targets("shop", to_millis(NOW)) == [("production", "db", "critical")]


async def test_runs_that_begin_together_ask_once(history: History, clickhouse: Client) -> None:
    seconds = [0.0]
    shared = OpenTargets(history, lambda: seconds[0])
    assert await shared.open_targets("shop", to_millis(NOW)) == []
    record = Record()
    record.opened("INC-1", HOUR, target_resource="db")
    await write(clickhouse, record)
    assert await shared.open_targets("shop", to_millis(NOW)) == []
    seconds[0] = 10.0
    assert await shared.open_targets("shop", to_millis(NOW)) == [("production", "db", "critical")]


async def test_runs_that_come_while_open_targets_are_asked_for_wait_for_that_answer() -> None:
    class Counting(History):
        asked = 0

        async def open_targets(self, project_id: str, now: int) -> list[tuple[str, str, str]]:
            self.asked += 1
            await asyncio.sleep(0)
            return [(project_id, "db", "critical")]

    history = Counting(ClickHouseConfig())
    shared = OpenTargets(history, lambda: 0.0)
    each = [shared.open_targets(project, 1) for project in ("shop", "shop", "bank", "shop")]
    assert [targets[0][0] for targets in await asyncio.gather(*each)] == ["shop", "shop", "bank", "shop"]
    assert history.asked == 2


async def test_a_clickhouse_that_is_away_or_lets_us_not_in_is_unavailable(store: ClickHousePeer) -> None:
    away = History(ClickHouseConfig(url=f"http://127.0.0.1:{free_port()}"))
    with pytest.raises(Unavailable, match="does not answer"):
        await away.gather(wanted())
    stranger = History(store.config(user="nobody", password=SecretStr("x")))
    with pytest.raises(Unavailable):
        await stranger.gather(wanted())


async def test_an_inhibition_is_evidence_while_it_lasts(clickhouse: Client, history: History) -> None:
    record = Record()
    for number, active in enumerate((True, False, True)):
        told = {"silence_id": "alertmanager:inhibition", "kind": "inhibition", "comment": "another fires"}
        record.step("incident.silenced", OURS, HOUR - timedelta(minutes=number), active=active, **told)
        if number < 2:
            record.step("incident.silenced", ENDED, HOUR - timedelta(minutes=number), active=active, **told)
    other = {"silence_id": "S1", "kind": "silence", "active": True, "comment": "told by the silences"}
    record.step("incident.silenced", OURS, HOUR / 2, **other)
    await write(clickhouse, record)

    [found] = by_kind(await history.gather(wanted()))["inhibition"]
    assert found.text.endswith("another fires")
    assert found.observed_at == to_millis(NOW - HOUR + timedelta(minutes=2))
    assert "inhibition" not in by_kind(await history.gather(wanted(incident_id=ENDED)))

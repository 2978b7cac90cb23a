"""What would differ if recorded records went through the stages now."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from awoooi import replay_alerts, replay_incidents, replay_topic
from awoooi.loading import load
from awoooi.log_reading import Span
from awoooi.replay_found import Choice
from awoooi.replay_topic import read_span
from awoooi.settings import Settings
from schemas.codec import Codec
from schemas.errors import Misconfigured
from tests.awoooi.recorded_log import MINUTE, RAW, START, Recorded

A_MINUTE = Span(START, START + MINUTE)
ALL = Span(START - MINUTE, START + 1000 * MINUTE)


def payload(target: str = "web-0", **more: object) -> bytes:
    alert = {"alert_type": "DiskFull", "severity": "critical", "source": "cron", "message": "disk at 97%"}
    return json.dumps({**alert, "target_resource": target, **more}).encode()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load({"AWOOOI_STATE_DIR": str(tmp_path), "AWOOOI_GATEWAY_STAMP_SECRET": "k" * 32}).settings


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    found = Recorded()
    monkeypatch.setattr(replay_alerts, "read_log", found.read)
    monkeypatch.setattr(replay_incidents, "read_log", found.read)
    for module in (replay_alerts, replay_incidents):
        monkeypatch.setattr(module, "now_ms", lambda: found.now)
    return found


async def told(
    settings: Settings, topic: str, span: Span = ALL, limit: int = 1000
) -> tuple[tuple[int, int, int], list[tuple[str, str, list[str]]]]:
    found = await replay_topic._found(settings, Choice(topic, span, limit))
    tally = found.tally.records, found.tally.told, found.tally.same
    return tally, [(one.what, one.about, list(one.fields)) for one in found.differences]


# -- raw records


async def test_where_nothing_was_changed_nothing_differs(settings: Settings, recorded: Recorded) -> None:
    await recorded.send(payload("a"), b"[" + payload("b") + b"," + payload("c") + b"]", b"{", payload("a"))
    before = {place: len(records) for place, records in recorded.log.topics.items()}
    assert await told(settings, RAW) == ((4, 5, 5), [])
    assert {place: len(records) for place, records in recorded.log.topics.items()} == before


async def test_another_identity_shows_in_the_field(settings: Settings, recorded: Recorded) -> None:
    await recorded.send(payload("web-0", resource_type="pod"), payload("node-1", resource_type="node"))
    by_workload = settings.model_copy(update={"fingerprint": "workload"})
    assert await told(by_workload, RAW) == ((2, 2, 1), [("changed", "DiskFull", ["fingerprint"])])


async def test_a_value_inside_another_is_named_by_its_path(settings: Settings, recorded: Recorded) -> None:
    await recorded.send(payload(labels={"team": "shop"}))
    recorded.change("alerts.normalized", {"labels": {"team": "pay"}, "severity": "info"})
    _, [(what, _, fields)] = await told(settings, RAW)
    assert (what, sorted(fields)) == ("changed", ["labels.team", "severity"])


async def test_what_is_read_now_and_was_rejected_and_the_other_way_round(
    settings: Settings, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    await recorded.send(payload("a"), b'{"alert_type": 7}')
    raw = next(records for (topic, _), records in recorded.log.topics.items() if topic == RAW)
    raw[0], raw[1] = replace(raw[0], value=raw[1].value), replace(raw[1], value=raw[0].value)
    _, differences = await told(settings, RAW)
    assert [(what, about) for what, about, _ in differences] == [
        ("rejected", "DiskFull"),
        ("read", "DiskFull"),
    ]


async def test_fewer_and_more_alerts_of_a_record(settings: Settings, recorded: Recorded) -> None:
    await recorded.send(b"[" + payload("a") + b"," + payload("b") + b"]", payload("c"))
    raw = next(records for (topic, _), records in recorded.log.topics.items() if topic == RAW)
    raw[0], raw[1] = replace(raw[0], value=raw[1].value), replace(raw[1], value=raw[0].value)
    _, differences = await told(settings, RAW)
    assert sorted(what for what, *_ in differences) == ["changed", "changed", "gone", "new"]


async def test_another_reason_of_a_rejection(settings: Settings, recorded: Recorded) -> None:
    await recorded.send(b"{")
    recorded.change("alerts.rejected", {"reason": "bad_stamp"})
    assert await told(settings, RAW) == ((1, 1, 0), [("changed", "rejected", ["reason"])])


async def test_what_nobody_recorded_is_new(settings: Settings, recorded: Recorded) -> None:
    await recorded.send(payload("a"))
    recorded.log.append(RAW, payload("b"))
    recorded.log.append(RAW, b"{")
    _, differences = await told(settings, RAW)
    assert [(what, about) for what, about, _ in differences] == [("new", "DiskFull"), ("new", "rejected")]


async def test_the_same_event_twice_in_the_log_is_one(settings: Settings, recorded: Recorded) -> None:
    await recorded.send(payload("a"), b"{")
    recorded.log.rewind("normalize", RAW)
    await recorded.log.run()
    assert await told(settings, RAW) == ((2, 2, 2), [])


async def test_only_the_interval_is_looked_at(settings: Settings, recorded: Recorded) -> None:
    await recorded.send(*(payload(str(number)) for number in range(10)))
    assert (await told(settings, RAW, Span(START + 3 * MINUTE, START + 5 * MINUTE)))[0] == (3, 3, 3)
    [partition] = [place[1] for place, records in recorded.log.topics.items() if place[0] == RAW and records]
    assert (await told(settings, RAW, Span(2, 5, partition)))[0] == (4, 4, 4)


async def test_a_limit_that_is_reached_is_told(settings: Settings, recorded: Recorded) -> None:
    await recorded.send(*(payload(str(number)) for number in range(5)))
    for topic in (RAW, "alerts.normalized"):
        found = await replay_topic._found(settings, Choice(topic, ALL, 3))
        assert (found.tally.records, found.differences) == (3, [])
        assert "more than the 3 records" in found.cut


# -- alerts


async def lived(recorded: Recorded) -> Recorded:
    """Opened, repeated, resolved, reopened, expired by time, opened."""
    await recorded.send(payload("a"), payload("b"), payload("a"), payload("a", status="resolved"))
    await recorded.send(payload("a"), minutes=5)
    await recorded.send(payload("b"), minutes=30 * 60)
    return recorded


async def test_the_life_of_incidents_is_told_the_same(settings: Settings, recorded: Recorded) -> None:
    await lived(recorded)
    span = Span(START, recorded.now)
    (records, made, same), differences = await told(settings, "alerts.normalized", span)
    assert (records, made - same, differences) == (6, 0, [])
    assert made == 7, "a: opened, resolved, reopened, expired; b: opened, expired, opened"


async def test_what_stands_before_the_interval_makes_its_rows(settings: Settings, recorded: Recorded) -> None:
    await lived(recorded)
    span = Span(START + 4 * MINUTE, START + 10 * MINUTE)
    (records, made, same), differences = await told(settings, "alerts.normalized", span)
    assert (records, made, same, differences) == (2, 2, 2, [])


async def test_what_time_did_before_the_interval_is_no_part_of_it(
    settings: Settings, recorded: Recorded
) -> None:
    await lived(recorded)
    span = Span(recorded.now - MINUTE, recorded.now)
    assert await told(settings, "alerts.normalized", span) == ((1, 1, 1), [])


async def test_offsets_end_where_they_end(settings: Settings, recorded: Recorded) -> None:
    await recorded.send(payload("a"))
    await recorded.send(payload("a", status="resolved"), minutes=0)
    logs = recorded.log.topics.items()
    [partition] = [place for (topic, place), records in logs if topic == "alerts.normalized" and records]
    assert await told(settings, "alerts.normalized", Span(0, 0, partition)) == ((1, 1, 1), [])
    assert await told(settings, "alerts.normalized", limit=1) == ((1, 1, 1), []), "and where the limit is"


async def test_another_window_shows_in_what_would_be_told(settings: Settings, recorded: Recorded) -> None:
    await lived(recorded)
    narrow = settings.dedup.model_copy(update={"reopen_window_secs": 60})
    span = Span(START, START + 20 * MINUTE)
    _, differences = await told(settings.model_copy(update={"dedup": narrow}), "alerts.normalized", span)
    assert [(what, about) for what, about, _ in differences] == [
        ("gone", "incident.reopened"),
        ("new", "incident.opened"),
    ]


async def test_another_count_shows_in_the_events_after_it(settings: Settings, recorded: Recorded) -> None:
    await lived(recorded)
    codec = Codec()
    for (topic, _), records in recorded.log.topics.items():
        for at, record in enumerate(records):
            if topic == "incidents" and record.event.type == "incident.resolved":
                event = record.event
                wrong = event.model_copy(
                    update={"payload": event.payload.model_copy(update={"hit_count": 9})}
                )
                records[at] = replace(record, value=codec.encode(wrong), _event=None, _plain=None)
    _, differences = await told(settings, "alerts.normalized", Span(START, recorded.now))
    assert differences == [("changed", "incident.resolved", ["hit_count"])]


# -- the command


@pytest.mark.parametrize(
    ("begin", "end", "partition", "span"),
    [
        pytest.param(
            "2027-01-15T08:00:00Z", "2027-01-15T08:01", None, Span(START, START + MINUTE), id="times"
        ),
        pytest.param("12", "15", 3, Span(12, 15, 3), id="offsets"),
        pytest.param("12", "", 3, Span(12, None, 3), id="to-the-end"),
    ],
)
def test_a_span(begin: str, end: str, partition: int | None, span: Span) -> None:
    assert read_span(begin, end, partition) == span


@pytest.mark.parametrize(
    ("begin", "end", "partition", "why"),
    [
        pytest.param("1h", "7", None, "not one of each", id="time-and-offset"),
        pytest.param("1", "7", None, "give --partition", id="offsets-of-nothing"),
        pytest.param("1h", "", 1, "give --partition", id="a-partition-and-times"),
        pytest.param("7", "1", 0, "before --from", id="backwards"),
        pytest.param("1h", "2h", None, "before --from", id="backwards-in-time"),
        pytest.param("noon", "", None, "--from noon", id="no-time"),
    ],
)
def test_what_is_no_span(begin: str, end: str, partition: int | None, why: str) -> None:
    with pytest.raises(Misconfigured, match=why):
        read_span(begin, end, partition)


def test_nothing_but_a_dry_run_is_done_and_no_other_topic(settings: Settings) -> None:
    with pytest.raises(Misconfigured, match="`awoooi replay rejected` sends it again"):
        replay_topic.replay_topic(settings, Choice(RAW, ALL, 10), dry_run=False, as_json=False)
    with pytest.raises(Misconfigured, match=r"incidents: cannot be replayed; allowed are alerts\."):
        replay_topic.replay_topic(settings, Choice("incidents", ALL, 10), dry_run=True, as_json=False)


def test_what_is_printed(settings: Settings, recorded: Recorded, capsys: pytest.CaptureFixture[str]) -> None:
    asyncio.run(recorded.send(payload("a"), payload("b"), b"{"))
    recorded.change("alerts.normalized", {"severity": "info", "message": "\x1b[31mred"})
    choice = Choice(RAW, ALL, 10)
    assert replay_topic.replay_topic(settings, choice, dry_run=True, as_json=False) == 1
    head, first, second, _, last = capsys.readouterr().out.splitlines()
    assert head.split() == ["what", "where", "about", "recorded", "→", "now"]
    assert first.split()[0] == "changed"
    assert first.endswith("DiskFull  severity: info → critical")
    assert "\x1b" not in second
    assert last == "3 records, 3 events: 2 as recorded, 1 differ."

    assert replay_topic.replay_topic(settings, choice, dry_run=True, as_json=True) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["records"], told["same"], told["complete"]) == (3, 2, True)
    assert told["differences"][0]["fields"]["severity"] == {"recorded": "info", "now": "critical"}

    assert replay_topic.replay_topic(settings, replace(choice, limit=2), dry_run=True, as_json=True) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["complete"] is False
    assert "a shorter one, or a higher --limit" in err

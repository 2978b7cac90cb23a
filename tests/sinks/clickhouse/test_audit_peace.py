"""No false alarm: over repeats, rebalances, copies, gaps, retention, erasure, and what a crash leaves behind.

Each test has a topic of its own in one database.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from prometheus_client import CollectorRegistry

from schemas.audit import CheckpointKind, Erasure, ProjectErased, erasure_subject
from schemas.errors import Misconfigured
from sinks.clickhouse import heads_file
from sinks.clickhouse.breaks import Kind
from sinks.clickhouse.chain import ADOPTED
from sinks.clickhouse.client import connected
from sinks.clickhouse.erase import Scope as ErasedScope
from sinks.clickhouse.erase import erase
from sinks.clickhouse.linking import Linker
from sinks.clickhouse.migrate import FOLDER, migrate
from sinks.clickhouse.rows import hash_of
from sinks.pinning import KEPT_DAYS
from tests.sinks.clickhouse.audited import KEYS, SIGNER, Record, Topic, opened, pins_in, row, unreadable
from tests.sinks.clickhouse_peer import ClickHousePeer
from tests.sinks.samples import envelope, every_event


@pytest.fixture
async def topic(empty_store: ClickHousePeer, tmp_path: Path) -> AsyncIterator[Topic]:
    async with connected(empty_store.config()) as client:
        await migrate(client)
        record = await opened(client, empty_store.config(), tmp_path)
        yield Topic(record, f"t-{uuid4().hex[:8]}")
        await record.writer.close()


@pytest.fixture
def record(topic: Topic) -> Record:
    return topic.record


async def test_a_batch_that_is_stored_again_by_another_sink(topic: Topic, record: Record) -> None:
    await record.store(topic.rows(*range(20)))
    record.restart()
    await record.take_over(30, topic.place(), position=10)
    await record.store(topic.rows(*range(10, 30)))
    await record.pin()
    assert (await topic.is_proven()).links == 30


async def test_a_repeat_that_a_newer_release_reads_otherwise(topic: Topic, record: Record) -> None:
    """Another hash, and what nobody could read before is an event now: what is linked is not stored again."""
    await record.store(topic.rows(0, 1, 2, 4), [unreadable(topic.name, 3)])
    record.restart()
    await record.take_over(8, topic.place(), position=1)
    newer = [*topic.rows(1, 2, 3, 4, actor="said in a new field"), *topic.rows(*range(5, 8))]
    await record.store(newer)
    await record.pin()
    found = await topic.is_proven()
    assert (found.links, found.events, found.aside) == (8, 7, 1)


async def test_two_sinks_that_both_think_that_they_own_a_partition(topic: Topic, record: Record) -> None:
    """The late one writes what the other has written, link by link; nothing is merged yet."""
    await record.run("ALTER TABLE audit_chain MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 1")
    await record.store(topic.rows(*range(10)))
    late = Linker(record.writer, "")
    batch = topic.rows(*range(10, 20))
    await late.link(topic.rows(9), [])  # knows where the chain stands
    await record.store(batch)
    await record.store(topic.rows(*range(20, 30)))
    await record.writer.write(batch, [])
    await late.link(batch, [])
    await record.pin()
    found = await topic.is_proven()
    await record.run("ALTER TABLE audit_chain RESET SETTING max_bytes_to_merge_at_max_space_in_pool")
    assert found.links == 30


async def test_later_copies_with_other_content_and_gaps(topic: Topic, record: Record) -> None:
    """As stages that are not deterministic, and compaction, leave them."""
    copies = [one._replace(kafka_offset=90 + one.kafka_offset) for one in topic.rows(1, 2, actor="again")]
    other = [one._replace(kafka_partition=1, kafka_offset=50) for one in topic.rows(3, actor="elsewhere")]
    await record.store([*topic.rows(0, 1, 2, 3, 17, 40), *copies, *other])
    await record.pin()
    assert (await topic.is_proven()).links == 9


@pytest.mark.parametrize("actor", ['a "quoted" name', "back\\slash", "line\nbreak", "王小明", "\x7f"])
async def test_texts_that_json_writes_differently(topic: Topic, record: Record, actor: str) -> None:
    await record.store(topic.rows(0, actor=actor))
    await record.pin()
    await topic.is_proven()


async def test_every_kind_of_event(topic: Topic, record: Record) -> None:
    """ClickHouse computes the hash that `rows.py` defines."""
    await record.store(row(event, n, topic.name) for n, event in enumerate(every_event()))
    await record.pin()
    assert (await topic.is_proven()).links == len(every_event())


async def test_events_from_before_there_were_chains(topic: Topic, record: Record) -> None:
    await record.writer.write(topic.rows(*range(30)), [])
    await record.take_over(40, topic.place(), position=25)
    await record.store(topic.rows(*range(25, 40)))
    await record.pin()
    assert (await topic.is_proven()).adopted == 25


async def test_what_a_crash_left_of_an_embedded_log(topic: Topic, record: Record) -> None:
    await record.store(topic.rows(*range(10), epoch="e1"))
    await record.writer.write(topic.rows(*range(10, 15), epoch="e1"), [])
    await record.run(
        "INSERT INTO events SELECT * REPLACE (stored_at - INTERVAL 1 HOUR AS stored_at) FROM events"
        f" WHERE topic = '{topic.name}'",
        "OPTIMIZE TABLE events FINAL",
    )
    later = Linker(record.writer, "e2", record.pins)
    ended = await later.adopt_other_lives()
    assert ended[topic.place(epoch="e1")].number == 15
    await record.pins.pin(ended)
    assert (await topic.is_proven()).adopted == 5


async def test_what_a_crash_left_a_moment_ago(topic: Topic, record: Record) -> None:
    """Who starts again at once waits until the sink of before would have linked it."""
    await record.store(topic.rows(*range(10), epoch="e1"))
    await record.writer.write(topic.rows(10, epoch="e1"), [])
    await record.run(
        "INSERT INTO events SELECT * REPLACE (stored_at - INTERVAL 4 SECOND AS stored_at) FROM events"
        f" WHERE topic = '{topic.name}'",
        "OPTIMIZE TABLE events FINAL",
    )
    ended = await Linker(record.writer, "e2", record.pins).adopt_other_lives()
    assert ended[topic.place(epoch="e1")].number == 11


async def test_retention(topic: Topic, record: Record) -> None:
    old = datetime.now(UTC) - timedelta(days=KEPT_DAYS + 30)
    await record.store(topic.rows(*range(10), recorded_at=old, occurred_at=old))
    await record.store(topic.rows(*range(10, 20)))
    await record.pin()  # a checkpoint with it
    await record.run(f"ALTER TABLE events DELETE WHERE topic = '{topic.name}' AND kafka_offset < 10")
    await topic.is_proven()


async def test_rows_whose_time_is_over_and_no_checkpoint_says_so(topic: Topic, record: Record) -> None:
    """No sink ran for a while: that is no break, and no proof."""
    record.pins = pins_in(record.heads, CollectorRegistry(), kept_days=0)
    old = datetime.now(UTC) - timedelta(days=KEPT_DAYS + 1)
    await record.store(topic.rows(*range(10), recorded_at=old, occurred_at=old))
    await record.store(topic.rows(*range(10, 20)))
    await record.pin()
    await record.run(f"ALTER TABLE events DELETE WHERE topic = '{topic.name}' AND kafka_offset < 10")
    found = await topic.report()
    assert (found.breaks, len(found.unproven)) == ([], 1)
    assert "at least 10 rows are gone whose time to live is over" in found.unproven[0]
    await record.run(f"ALTER TABLE events DELETE WHERE topic = '{topic.name}' AND kafka_offset = 12")
    assert [one.offset for one in (await topic.report()).breaks] == [12]


def test_retention_is_what_the_table_says() -> None:
    (events,) = re.findall(r"TABLE IF NOT EXISTS events\n.*?INTERVAL (\d+) DAY", _migrations(), re.DOTALL)
    assert int(events) == KEPT_DAYS


def _migrations() -> str:
    return (FOLDER / "0001_events.sql").read_text()


async def test_a_project_that_was_erased(topic: Topic, record: Record) -> None:
    project = topic.name
    await record.store(topic.rows(*range(10), project_id=project))
    before = datetime.now(UTC) + timedelta(seconds=1)
    erasure = Erasure(subject=erasure_subject(project), project=project, before=before)
    facts = envelope(str(uuid4()), recorded_at=before + timedelta(seconds=1), project_id=project)
    later = topic.rows(3, project_id=project, actor="again", recorded_at=before + timedelta(seconds=2))
    await record.store([row(ProjectErased(**facts, payload=erasure), 10, topic.name)])
    await record.store([later[0]._replace(kafka_offset=11)])
    await record.pin()
    await erase(record.client, ErasedScope(project, before))
    found = await topic.is_proven()
    assert found.events == 1, "the tombstone"
    assert f"project {project} was erased" in " ".join(found.notes)


async def test_a_tombstone_in_a_chain_that_nobody_pinned_excuses_nothing(
    topic: Topic, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its event, its link and its chain fit together: only a head is what nobody can make."""
    project = topic.name
    await record.store(topic.rows(*range(10), project_id=project))
    await record.pin()
    before = datetime.now(UTC) + timedelta(seconds=1)
    erasure = Erasure(subject=erasure_subject(project), project=project, before=before)
    said = ProjectErased(**envelope(str(uuid4()), recorded_at=before, project_id=project), payload=erasure)
    await record.forge(row(said, 0, topic.name, partition=999))
    await record.run(f"ALTER TABLE events DELETE WHERE topic = '{topic.name}' AND kafka_offset = 5")
    found = await topic.report()
    assert (found.breaks, len(found.unproven)) == ([], 1), "a sink might pin it in a minute"
    monkeypatch.setattr("sinks.clickhouse.audit.PIN_GRACE", timedelta(seconds=-60))
    (added,) = (await topic.report()).breaks
    assert (added.kind, added.place.partition) == (Kind.ADDED, 999)
    assert "linked, but never pinned" in added.detail


async def test_an_old_link_in_a_chain_that_nobody_pinned_excuses_nothing(
    topic: Topic, record: Record
) -> None:
    await record.store(topic.rows(*range(10)))
    await record.pin()  # a checkpoint with it
    old = datetime.now(UTC) - timedelta(days=KEPT_DAYS + 30)
    await record.forge(*topic.rows(5, partition=999, recorded_at=old))
    await record.run(f"ALTER TABLE events DELETE WHERE topic = '{topic.name}' AND kafka_offset = 5")
    (found,) = (await topic.report()).breaks
    assert (found.kind, found.place.partition, found.offset) == (Kind.DELETED, 0, 5)


async def test_what_has_no_link_yet_is_neither_proven_nor_a_break(
    topic: Topic, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sinks.clickhouse.audit.WAIT_SECS", 0)
    await record.store(topic.rows(*range(10)))
    await record.pin()
    await record.writer.write(topic.rows(10, 11), [])
    found = await topic.report()
    assert (found.breaks, len(found.unproven)) == ([], 1)
    assert "2 rows of events have no link yet, the first at offset 10" in found.unproven[0]


async def test_what_has_no_link_long_after_is_added(
    topic: Topic, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sinks.clickhouse.audit.WAIT_SECS", 0)
    monkeypatch.setattr("sinks.clickhouse.audit.GRACE", timedelta(seconds=-60))
    await record.store(topic.rows(*range(10)))
    await record.pin()
    await record.writer.write(topic.rows(10, 11), [])
    (found,) = (await topic.report()).breaks
    assert (found.kind, found.offset) == (Kind.ADDED, 10)


async def test_an_unpinned_tail_is_told_as_such(topic: Topic, record: Record) -> None:
    await record.store(topic.rows(*range(10)))
    await record.pin()
    await record.store(topic.rows(*range(10, 25)))
    assert (await topic.is_proven()).unpinned == 15


async def test_a_range_is_proven_alone(topic: Topic, record: Record) -> None:
    """What was tampered with outside of it does not matter to it; inside, it does."""
    begin = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    for n in range(0, 30, 10):
        at = begin + timedelta(minutes=n)
        await record.store(topic.rows(*range(n, n + 10), recorded_at=at, occurred_at=at))
    await record.pin()
    table = f"ALTER TABLE events UPDATE actor = 'mallory' WHERE topic = '{topic.name}'"
    await record.run(f"{table} AND kafka_offset = 5", f"{table} AND kafka_offset = 25")

    def minutes(n: int) -> datetime:
        return begin + timedelta(minutes=n)

    middle = await topic.report(since=minutes(10), until=minutes(20))
    assert (middle.breaks, middle.events) == ([], 10)
    assert [one.offset for one in (await topic.report(until=minutes(20))).breaks] == [5]
    assert [one.offset for one in (await topic.report(since=minutes(10))).breaks] == [25]


async def test_a_row_moved_out_of_a_range_is_found_in_it(topic: Topic, record: Record) -> None:
    await record.store(topic.rows(*range(10)))
    await record.pin()
    moved = topic.rows(4, recorded_at=datetime.now(UTC) - timedelta(days=9))[0]
    await record.run(f"ALTER TABLE events DELETE WHERE topic = '{topic.name}' AND kafka_offset = 4")
    await record.writer.write([moved._replace(hash=hash_of(moved))], [])
    found = await topic.report(since=datetime.now(UTC) - timedelta(days=1))
    assert [(one.kind, one.offset) for one in found.breaks] == [(Kind.CHANGED, 4)]


async def test_a_link_moved_out_of_a_range_is_found_in_it(topic: Topic, record: Record) -> None:
    """All links are walked: what a range leaves out of the rows rests on what they say of their time."""
    await record.store(topic.rows(*range(10)))
    await record.pin()
    where = f"WHERE topic = '{topic.name}' AND kafka_offset = 4"
    past = "recorded_at = recorded_at - INTERVAL 9 DAY"
    await record.run(f"ALTER TABLE events DELETE {where}", f"ALTER TABLE audit_chain UPDATE {past} {where}")
    found = await topic.report(since=datetime.now(UTC) - timedelta(days=1))
    assert [(one.kind, one.offset) for one in found.breaks] == [(Kind.CHANGED, 4)]


async def test_a_tombstone_forged_in_another_topic_is_found_from_this_one(
    topic: Topic, record: Record
) -> None:
    """In the place of a link that is pinned; the chain that excuses what is gone is walked too."""
    project, other = topic.name, Topic(record, f"{topic.name}-other")
    await record.store([*topic.rows(*range(10), project_id=project), *other.rows(*range(10))])
    await record.pin()
    before = datetime.now(UTC) + timedelta(seconds=1)
    erasure = Erasure(subject=erasure_subject(project), project=project, before=before)
    said = ProjectErased(**envelope(str(uuid4()), recorded_at=before, project_id=project), payload=erasure)
    forged = row(said, 5, other.name)
    await record.writer.write([forged], [])
    told = f"event_id = '{forged.event_id}', hash = '{forged.hash}'"
    await record.run(
        f"ALTER TABLE audit_chain UPDATE {told} WHERE topic = '{other.name}' AND kafka_offset = 5",
        f"ALTER TABLE events DELETE WHERE topic = '{topic.name}' AND kafka_offset = 5",
    )
    found = (await topic.report()).breaks
    assert [(one.kind, one.place.topic, one.offset) for one in found] == [(Kind.CHANGED, other.name, 5)]


async def test_what_was_set_aside_where_there_is_no_chain_is_added(
    topic: Topic, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sinks.clickhouse.audit.WAIT_SECS", 0)
    await record.store(topic.rows(*range(10)))
    await record.pin()
    await record.writer.write([], [unreadable(topic.name, 4, partition=7)])
    found = await topic.report()
    assert (found.breaks, len(found.unproven)) == ([], 1), "a sink may be about to link it"
    assert "1 row of set_aside has no link yet, the first at offset 4" in found.unproven[0]
    monkeypatch.setattr("sinks.clickhouse.audit.GRACE", timedelta(seconds=-60))
    (added,) = (await topic.report()).breaks
    assert (added.kind, added.place.partition, added.offset) == (Kind.ADDED, 7, 4)


async def test_only_a_key_of_ours_pins(topic: Topic, record: Record) -> None:
    await record.store(topic.rows(*range(10)))
    await record.pin()
    (pin,) = [one for one in heads_file.read(record.heads, KEYS).pins if one.subject == f"/{topic.name}/0"]
    forged = pin.model_copy(update={"offset": 99, "signature": pin.signature[::-1]})
    heads_file.append(record.heads, [forged])
    await topic.is_proven()


async def test_after_a_rebuild_earlier_heads_bind_no_more(topic: Topic, record: Record) -> None:
    await record.store(topic.rows(*range(10)))
    await record.pin()
    for table in ("events", "audit_chain"):
        await record.run(f"ALTER TABLE {table} DELETE WHERE topic = '{topic.name}'")
    record.restart()
    with pytest.raises(Misconfigured, match="rolled back or rewritten"):
        await record.take_over(10, topic.place())
    now = datetime.now(UTC) + timedelta(milliseconds=2)
    said = SIGNER.checkpoint(CheckpointKind.REBUILT, now, now, "the disk is gone")
    heads_file.append(record.heads, [said])
    record.pins.learn([said])
    record.restart()
    await record.take_over(10, topic.place())
    await record.store(topic.rows(*range(4, 10)))
    await record.pin()
    found = await topic.is_proven()
    assert "the disk is gone" in " ".join(found.notes)


async def test_what_was_set_aside_before_there_were_chains(topic: Topic, record: Record) -> None:
    """Among events that were adopted, and before the first link."""
    old = [unreadable(topic.name, offset)._replace(sha256="") for offset in (0, 12)]
    await record.writer.write(topic.rows(*range(10, 20)), old)
    await record.take_over(30, topic.place(), position=20)
    await record.store(topic.rows(*range(20, 30)))
    await record.pin()
    await topic.is_proven()


class TestStartIsRefused:
    async def test_on_a_log_that_was_rolled_back(self, topic: Topic, record: Record) -> None:
        await record.store(topic.rows(*range(10)))
        record.restart()
        with pytest.raises(Misconfigured, match="the log was rolled back: it ends before offset 5"):
            await record.take_over(5, topic.place())

    async def test_on_a_log_that_was_forked(self, topic: Topic, record: Record) -> None:
        await record.store(topic.rows(*range(10)))
        record.restart()
        await record.take_over(20, topic.place(), position=8)
        other = topic.rows(19)[0]._replace(kafka_offset=9)
        with pytest.raises(Misconfigured, match="the log was forked: at offset 9"):
            await record.store([*topic.rows(8), other, *topic.rows(10)])

    async def test_on_a_record_that_was_cut(self, topic: Topic, record: Record) -> None:
        await record.store(topic.rows(*range(10)))
        await record.pin()
        await record.run(f"ALTER TABLE audit_chain DELETE WHERE topic = '{topic.name}' AND kafka_offset > 4")
        record.restart()
        with pytest.raises(Misconfigured, match="rolled back or rewritten"):
            await record.take_over(10, topic.place())


async def test_an_adopted_event_says_so(topic: Topic, record: Record) -> None:
    await record.writer.write(topic.rows(0), [])
    await record.take_over(1, topic.place(), position=1)
    (link,) = await record.client.ask(f"SELECT kind FROM audit_chain WHERE topic = '{topic.name}'")
    assert link["kind"] == ADOPTED

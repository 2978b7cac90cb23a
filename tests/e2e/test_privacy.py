"""200 personal values in alert texts: behind the inner zone only who holds the key finds one of them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from agents.privacy import Shield
from agents.sealing import CannotOpen, Opener, load_private_key
from connectors.alerts.purify import Purifier
from connectors.alerts.registry import sources
from schemas.alert import AlertNormalized
from schemas.catalog import RAW_PREFIX
from schemas.codec import Codec
from schemas.errors import Unreadable
from streams.runner import Runner
from streams.stage import Record
from streams.stages.normalize import Normalize, NormalizeConfig
from tests.e2e import personal_values
from tests.e2e.personal_values import Value, found_in
from tests.e2e.stack import Row, Stack, alert, group
from tests.peers.http import post_json
from tests.peers.kafka import KafkaPeer

INNER = ("alerts.rejected", "stage.failed")
SENT = personal_values.make(seed=20261121)
REFUSED = personal_values.make(seed=11, per_kind=5)
AT_ONCE = 20


@pytest.fixture(scope="module")
def sent(stack: Stack) -> Stack:
    """All values went in: in good alerts by webhook, in bad ones every way there is."""
    alerts = personal_values.alerts(SENT)
    for start in range(0, len(alerts), AT_ONCE):
        assert stack.post(group(*alerts[start : start + AT_ONCE])) == 202
    send_bad(stack)
    sql = "SELECT uniqExact(event_id) AS alerts FROM v_alerts"
    stack.wait_for_rows(sql, lambda rows: rows[0]["alerts"] >= len(SENT))
    stack.wait_until_settled()
    return stack


def send_bad(stack: Stack) -> None:
    """What no source, no stage and no gateway can take, with values wherever an error could repeat them."""
    bad = [json.dumps(body).encode() for value in REFUSED for body in bad_bodies(value.text)]
    broken = [f'{{"alerts": [{{"labels": {{"x": "{value.text}'.encode() for value in REFUSED]
    stack.produce("alerts.raw.alertmanager", [*bad, *broken])
    stack.produce("alerts.raw.auto", [*bad, *broken])
    stack.produce("alerts.normalized", [*broken, *map(bad_event, REFUSED)])
    for value in REFUSED:
        stack.post({"neither": value.text}, source="alerts")
        url_like = value.text.partition("\n")[0].replace(" ", "").replace("/", "")
        stack.post(group(), source=f"no-source-{url_like}")
        post_json(stack.webhook(), {"x": value.text}, {"Authorization": f"Bearer {url_like}"})


def bad_bodies(text: str) -> Iterator[Row]:
    yield group(alert("Bad", pod=text) | {"status": text})
    yield group(alert("Bad") | {"startsAt": text})
    yield group(alert("Bad") | {"labels": {"alertname": "Bad", text: {"of": text}}})
    yield group(alert("Bad") | {"annotations": text})
    yield {"version": text, "alerts": text}


def bad_event(value: Value) -> bytes:
    """Says that it is an event of ours, and is none."""
    event = {
        "type": "alert.normalized",
        "event_id": value.text,
        value.text: 1,
        "payload": {"message": value.text},
    }
    return json.dumps(event).encode()


def test_no_value_is_in_a_topic_behind_the_inner_zone(sent: Stack) -> None:
    records = [record for record in sent.records() if not is_inner(record.topic)]
    topics = dict.fromkeys(sorted({record.topic for record in records}), b"")
    for record in records:
        topics[record.topic] += everything_in(record)
    assert topics.keys() >= {"alerts.normalized", "incidents", "runs", "runs.requests"}
    assert len(records) > len(SENT)
    assert found_in(SENT, topics) == {}
    del topics["alerts.normalized"]  # where we wrote the bad ones ourselves
    assert found_in(REFUSED, topics) == {}


def is_inner(topic: str) -> bool:
    return topic.startswith(RAW_PREFIX) or topic in INNER


def everything_in(record: Any) -> bytes:
    """Key, headers and value as bytes, and what the value says once it is decoded."""
    headers = b" ".join(name.encode() + b" " + value for name, value in record.headers)
    return b" ".join((record.key or b"", headers, record.value or b"", decoded(record.value)))


def decoded(value: bytes | None) -> bytes:
    try:
        _, plain = Codec().read(value)
    except Unreadable:  # a row of a stage's, a tick
        return b""
    return json.dumps(plain, default=str, ensure_ascii=False).encode()


def test_no_value_is_in_clickhouse(sent: Stack) -> None:
    tables = [row["name"] for row in sent.ask("SHOW TABLES")]
    rows = {
        table: json.dumps(sent.ask(f"SELECT * FROM `{table}`"), default=str, ensure_ascii=False).encode()
        for table in tables
    }
    assert rows.keys() >= {"events", "alerts", "incidents", "rejected", "set_aside"}
    assert found_in([*SENT, *REFUSED], rows) == {}


def test_the_bad_ones_are_known_by_their_place_reason_and_hash(sent: Stack) -> None:
    rejected = sent.ask(
        "SELECT type, count() AS records, uniqExact(sha256) AS different FROM v_rejected GROUP BY 1"
    )
    records = {row["type"]: row["records"] for row in rejected}
    bodies = 2 * len(REFUSED) * (5 + 1) + len(REFUSED)
    assert records == {"alert.rejected": bodies, "stage.failed": 2 * len(REFUSED)}


def test_no_value_is_in_a_log(sent: Stack, kafka: KafkaPeer) -> None:
    logs = {**sent.logs(), "kafka": kafka.log.read_bytes()}
    assert {"gateway.log", "ingest.log", "sink.log", "store.log"} <= logs.keys()
    assert found_in([*SENT, *REFUSED], logs) == {}


def test_commands_that_show_alerts_show_no_value(sent: Stack) -> None:
    payload = sent.folder / "payload.json"
    payload.write_text(json.dumps(group(*personal_values.alerts(SENT))))
    shown = {
        " ".join(words): "".join((done.stdout, done.stderr)).encode()
        for words in (
            ("try", str(payload)),
            ("try", str(payload), "--json"),
            ("incidents", "--json", "--limit", "1000"),
            ("query", "SELECT * FROM v_alerts"),
            ("replay", "rejected", "--dry-run"),
        )
        if (done := sent.cli(*words)).stdout
    }
    assert len(shown) == 5
    assert found_in([*SENT, *REFUSED], shown) == {}


def sealed_events(stack: Stack) -> list[AlertNormalized]:
    found = []
    for record in stack.records("alerts.normalized"):
        try:
            event = Codec().decode(record.value)
        except Unreadable:  # the bad ones
            continue
        if isinstance(event, AlertNormalized) and event.sealed is not None:
            found.append(event)
    return found


def opened(events: Sequence[AlertNormalized], opener: Opener) -> set[str]:
    return {
        value
        for event in events
        if event.sealed is not None
        for value in opener.open(event.sealed, project_id=event.project_id, event_id=event.event_id).values()
    }


def test_the_private_key_gives_every_value_back(sent: Stack) -> None:
    key = load_private_key(sent.settings.sealing.private_key_file)
    values = opened(sealed_events(sent), Opener([key]))
    assert [value for value in SENT if value.text not in values] == []


def test_another_key_opens_nothing_and_none_opens_in_another_place(sent: Stack) -> None:
    [event, other, *_] = sealed_events(sent)
    with pytest.raises(CannotOpen, match="this process holds"):
        opened([event], Opener([X25519PrivateKey.generate()]))
    key = load_private_key(sent.settings.sealing.private_key_file)
    with pytest.raises(CannotOpen, match="another project or event"):
        opened([event.model_copy(update={"event_id": other.event_id})], Opener([key]))
    with pytest.raises(CannotOpen, match="another project or event"):
        opened([event.model_copy(update={"project_id": "other"})], Opener([key]))


def test_without_the_shield_the_search_finds_every_value() -> None:
    """The negative control: the same search, over what a normalize writes that covers nothing."""
    stage = Normalize(NormalizeConfig(), sources())
    stage._purifier = Purifier(lambda _: (), Shield)
    assert len(found_in(SENT, normalized(stage))) == len(SENT)
    assert found_in(SENT, normalized(Normalize(NormalizeConfig(), sources()))) == {}


def normalized(stage: Normalize) -> dict[str, bytes]:
    """What it writes for all the alerts."""
    codec, topic, now = Codec(), f"{RAW_PREFIX}alertmanager", time.time_ns() // 1_000_000
    value = json.dumps(group(*personal_values.alerts(SENT))).encode()
    turn = asyncio.run(Runner(stage, codec).turn([Record(topic, 0, 0, None, value, (), now, codec)]))
    return {str(number): out.value or b"" for number, out in enumerate(turn.outputs)}

"""What a mapping of one's own got wrong, sent again once the mapping is mended."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from awoooi import replay
from awoooi.loading import load
from awoooi.settings import Settings
from connectors.alerts.mapped import read_mappings
from connectors.alerts.registry import sources
from connectors.alerts.source import Source
from tests.awoooi.recorded_log import Recorded

RAW = "alerts.raw.plantguard"
PAYLOAD = b'{"alarm": "Overheated", "machine": "press-7", "state": 1}'
MAPPING = """
mappings:
  plantguard:
    title: alarm
    resource: machine
    status: state
    values: {{status: {{{word}: firing}}}}
"""
Known = Callable[[str], dict[str, Source]]


class ToTheLog:
    """Writes where the stages read, as the producer does."""

    trouble = ""

    def __init__(self, recorded: Recorded) -> None:
        self._log = recorded.log

    async def send(
        self, topic: str, key: bytes | None, value: bytes, headers: Sequence[tuple[str, bytes]] = ()
    ) -> tuple[str, int, int]:
        record = self._log.append(topic, value, key, headers)
        return topic, record.partition, record.offset


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    given = {"AWOOOI_STATE_DIR": str(tmp_path), "AWOOOI_GATEWAY_STAMP_SECRET": "k" * 32}
    return load(given).settings


@pytest.fixture
def mapped(tmp_path: Path) -> Known:
    def made(word: str) -> dict[str, Source]:
        file = tmp_path / "mappings.yaml"
        file.write_text(MAPPING.format(word=word))
        return read_mappings(file, sources())

    return made


async def test_sent_again_it_is_an_alert_exactly_once(
    settings: Settings, mapped: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = await Recorded(sources=mapped("'on'"), raw=RAW).send(PAYLOAD)
    [rejected] = recorded.log.events("alerts.rejected")
    assert (rejected.payload.reason, rejected.payload.original) == ("bad_payload", PAYLOAD)

    @asynccontextmanager
    async def publisher(_: Settings) -> AsyncIterator[ToTheLog]:
        yield ToTheLog(recorded)

    monkeypatch.setattr(replay, "_publisher", publisher)
    monkeypatch.setattr(replay, "read_log", recorded.read)
    recorded.go_on_with(mapped("'1'"))
    for sent in (1, 0):
        tally = await replay._replay(settings, replay.Choice(source="plantguard"), dry_run=False)
        await recorded.log.run()
        assert tally.sent == sent
    [opened] = recorded.log.events("incidents")
    assert (opened.type, opened.payload.alert_type, opened.payload.hit_count) == (
        "incident.opened",
        "Overheated",
        1,
    )
    assert len(recorded.log.events("alerts.normalized")) == 1

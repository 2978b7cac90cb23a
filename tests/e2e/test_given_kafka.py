"""`awoooi up` with a Kafka that is given: it uses that one, and what is in it stays."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from awoooi import switch_commands
from awoooi.loading import load
from awoooi.switch_view import Seen, seen_by_all
from schemas.switch import EVERYWHERE
from tests.e2e.system import System, fresh
from tests.peers.kafka import KafkaPeer

pytest.importorskip("chdb")


@pytest.mark.kafka
def test_alerts_go_through_it_and_rejected_ones_can_be_sent_again(
    fresh_kafka: KafkaPeer, tmp_path: Path
) -> None:
    given = {"AWOOOI_KAFKA_BOOTSTRAP_SERVERS": fresh_kafka.bootstrap, "AWOOOI_REPLICATION": "1"}
    with fresh(tmp_path, **given) as system:
        system.start()
        assert "broker" not in system.state["parts"]
        assert system.state["epoch"] == ""

        system.send("on-kafka-1")
        system.until_incident("on-kafka-1")

        system.post(b'{"unknown": "shape"}')
        (rejected,) = system.until_rows("SELECT reason, sha256 FROM v_rejected", 1)
        assert "1 rejected found, 1 would be sent again" in system.run("replay", "rejected", "--dry-run")
        assert "1 rejected found, 1 sent again" in system.run("replay", "rejected")
        twice = system.until_rows("SELECT reason, sha256 FROM v_rejected", 2)
        assert twice == [rejected, rejected], "the same bytes, rejected once more"
        assert "1 sent before are left out), 1 sent again" in system.run("replay", "rejected")

        assert "All is well." in system.run("doctor")
        _throws_the_kill_switch(system)
        system.up.stop()
        system.start()
        system.send("on-kafka-2")
        system.until_incident("on-kafka-2")
        assert system.has_incident("on-kafka-1")


def _throws_the_kill_switch(system: System) -> None:
    """Every process sees it within a second of its being durable, each time."""
    settings = load(dict(system.env)).settings
    for state in ("off", "on", "off", "on"):
        switch_commands.throw(settings, state, "", "a test of it")
        durable = time.monotonic()
        seen: list[Seen] = []
        while len(seen) < 2 or any(one.engaged != (state == "on") for one in seen):
            assert time.monotonic() - durable < 1, f"{state}, and this is what they see: {seen}"
            seen = asyncio.run(seen_by_all(settings, EVERYWHERE))
        assert {one.process for one in seen} == {"gateway", "workers"}
    told = system.run("kill-switch", "status").splitlines()
    assert told == ["the kill switch is engaged", "  gateway: engaged", "  workers: engaged"]

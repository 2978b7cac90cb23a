"""Which proof a rejected record is sent again with, and which record cannot be sent at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from awoooi import replay
from awoooi.loading import load
from awoooi.processes import _worker_config, reference_copy
from awoooi.settings import Settings
from awoooi.worker import ingest_given
from awoooi.worker import reference_copy as workers_copy
from connectors.gateway.stamp import Stamp, read_stamp, stamp
from schemas.alert import AlertRejected, Rejection
from schemas.errors import Misconfigured

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
TOPIC, VALUE = "alerts.raw.grafana", b"{"
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    return load({"AWOOOI_STATE_DIR": str(tmp_path), "AWOOOI_GATEWAY_STAMP_SECRET": KEY.decode()}).settings


def rejected(
    proof: bytes | None, *, project: str = "default", reason: str = "unreadable", value: bytes | None = VALUE
) -> AlertRejected:
    return AlertRejected(
        event_id="00000000-0000-5000-8000-000000000001",
        project_id=project,
        occurred_at=NOW,
        recorded_at=NOW,
        stage="normalize",
        payload=Rejection(
            source="grafana",
            topic=TOPIC,
            partition=0,
            offset=0,
            reason=reason,
            detail="d",
            size=1,
            sha256="0" * 64,
            original=value,
            original_stamp=proof,
            project_id=project,
        ),
    )


def proof_of(project: str, key: bytes = KEY) -> bytes:
    return stamp(key, project, "abc", TOPIC, VALUE, 1)


def test_the_gateways_own_proof_is_sent_again(settings: Settings) -> None:
    proof = proof_of("shop")

    assert replay._proof(settings, rejected(proof, project="shop")) == proof


def test_where_the_secret_was_changed_since_it_is_proven_anew(settings: Settings) -> None:
    fresh = replay._proof(settings, rejected(proof_of("shop", OTHER_KEY), project="shop"))

    found = read_stamp(KEY, fresh, TOPIC, VALUE)
    assert isinstance(found, Stamp)
    assert found.project == "shop"


def test_a_kafka_producers_record_needs_none(settings: Settings) -> None:
    assert replay._proof(settings, rejected(None)) is None


@pytest.mark.parametrize(
    ("event", "says"),
    [
        (rejected(None), ""),
        (rejected(None, value=None), "no value"),
        (rejected(proof_of("shop", OTHER_KEY), reason="bad_stamp"), "could not be proven"),
        (rejected(proof_of("shop"), reason="bad_stamp"), ""),
    ],
    ids=["plain", "without a value", "a stamp that proves nothing", "a stamp that holds by now"],
)
def test_what_cannot_be_sent_is_passed_over(settings: Settings, event: AlertRejected, says: str) -> None:
    why = replay.unsendable(settings, event)

    assert (says in why) if says else (why == "")


def test_since_is_a_span_or_a_time() -> None:
    now = lambda: NOW  # noqa: E731

    assert replay.read_since("90m", now) == NOW - timedelta(minutes=90)
    assert replay.read_since("2d", now) == NOW - timedelta(days=2)
    assert replay.read_since("2026-01-31T12:00:00Z") == NOW
    assert replay.read_since("2026-01-31T12:00:00") == NOW
    with pytest.raises(Misconfigured, match="allowed are"):
        replay.read_since("yesterday")


def test_the_copy_of_the_reference_data_is_looked_for_where_the_worker_keeps_it(settings: Settings) -> None:
    worker = _worker_config(settings, "ingest", ingest_given({}))
    assert reference_copy(settings) == workers_copy(worker.engine.state_dir)

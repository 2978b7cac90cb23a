"""Requests that a machine makes up from what the document says of the console: none of them is a 500."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import given, settings
from prometheus_client import CollectorRegistry
from schemathesis.generation import GenerationMode

from awoooi.own_keys import OwnKeyDesk
from awoooi.reading_desk import reading_desk
from awoooi.reference_desk import TOPICS, ReferenceDesk
from awoooi.rejected_desk import RejectedRecords
from awoooi.sql_desk import sql_box
from connectors.gateway.app import create_app
from connectors.gateway.config import GatewayConfig
from connectors.gateway.desks import Desks
from connectors.kafka.config import KafkaConfig
from connectors.tokens import TokenFile, new_personal_token
from schemas.codec import Codec
from sinks.clickhouse.client import connected
from sinks.clickhouse.migrate import migrate
from streams.policy.recorded_signers import Recorded
from streams.reference import Reference
from tests.connectors.gateway.support import NO_LIMIT, SECRET, SOURCES, MemoryLog, in_a_thread, serving
from tests.connectors.gateway.test_generated import CHECKS, FULL, generously
from tests.sinks.clickhouse.test_act_desk import settings_of
from tests.sinks.clickhouse_peer import ClickHousePeer

CODEC = Codec()
EXAMPLES = 10 if FULL else 3
OURS = (
    "see_switches",
    "set_kill_switch",
    "see_trust",
    "reset_trust",
    "see_own_keys",
    "list_rejected",
    "replay_rejected",
    "ask_question",
    "ask_sql",
)
Gate = tuple[str, str]
"""its address, and the token of one who may do all"""


@pytest.fixture(scope="module")
def gate(empty_store: ClickHousePeer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    with in_a_thread(_running(tmp_path_factory.mktemp("deeds"), empty_store)) as running:
        yield running


@asynccontextmanager
async def _running(folder: Path, store: ClickHousePeer) -> AsyncIterator[Gate]:
    async with connected(store.config()) as client:
        await migrate(client)
    path, of_store, log = folder / "tokens.json", settings_of(folder, store), MemoryLog()
    _, token = new_personal_token(path, "root", "root", ["admin"], limits=NO_LIMIT)
    view = Reference(KafkaConfig(), TOPICS)
    view._all_read()
    known = ReferenceDesk(view, lambda: time.time_ns() // 1_000_000, lambda: CODEC)
    async with reading_desk(of_store) as record, sql_box(of_store) as sql:
        desks = Desks(
            switches=known,
            trust=known,
            keys=OwnKeyDesk(folder / "signers.yaml", Recorded, "test"),
            sql=sql,
            rejected=RejectedRecords(of_store, record.told, lambda: CODEC),
        )
        config, tokens = GatewayConfig(tokens_file=path, stamp_secret=SECRET, port=0), TokenFile(path)
        registry = CollectorRegistry()
        app = create_app(config, log.publish, SOURCES, tokens, registry=registry, people=tokens, desks=desks)
        async with serving(app) as port:
            yield f"http://127.0.0.1:{port}", token


@pytest.mark.parametrize("mode", GenerationMode, ids=lambda mode: mode.name.lower())
def test_no_request_of_the_document_is_a_fault(gate: Gate, mode: GenerationMode) -> None:
    url, token = gate
    described, session = schemathesis.openapi.from_url(f"{url}/openapi.json"), requests.Session()
    for name in OURS:
        operation: Any = described.find_operation_by_id(name)

        @settings(generously, max_examples=EXAMPLES)
        @given(case=operation.as_strategy(generation_mode=mode))
        def call(case: schemathesis.Case) -> None:
            headers = {"Authorization": f"Bearer {token}"}
            case.call_and_validate(headers=headers, checks=CHECKS, session=session)

        call()

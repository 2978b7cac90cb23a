"""Questions to the reading API that a machine makes up from its documentation."""

from __future__ import annotations

from typing import Any

import requests
import schemathesis
from hypothesis import given, settings
from schemathesis.generation import GenerationMode

from tests.connectors.gateway.test_generated import CHECKS, FULL, generously
from tests.sinks.clickhouse.reading_story import DONE, approval_of, run_of

KNOWN = {"run_id": run_of(DONE), "incident_id": DONE, "approval_id": approval_of(DONE)}
GENERATED = 20 if FULL else 4


def ask_at_random(operation: Any, mode: GenerationMode, token: str) -> None:
    session = requests.Session()

    @settings(generously, max_examples=GENERATED)
    @given(case=operation.as_strategy(generation_mode=mode))
    def call(case: schemathesis.Case) -> None:
        if mode is GenerationMode.POSITIVE:
            case.path_parameters.update({name: KNOWN[name] for name in case.path_parameters if name in KNOWN})
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=CHECKS, session=session)

    call()

"""What a listener is told of each event: short, in bounds, and to those whose it is."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import HealthCheck, given, settings

from connectors.gateway.live_told import FOLLOWED, message
from schemas.catalog import TOPICS
from schemas.envelope import Event
from tests.schemas.examples import any_of, name_of
from tests.schemas.golden_events import golden


def test_every_event_that_is_told_fits_its_page_in_a_few_lines() -> None:
    for kind, told in TOLD.items():
        found = message(golden(kind))
        assert found is not None, kind
        head, _, text = found[1].partition(b"data: ")
        data = orjson.loads(text)
        assert head == f"event: {data['kind']}\n".encode()
        assert data["kind"] == told
        assert set(data) >= {
            "type",
            "project_id",
            "incident_id",
            "run_id",
            "event_id",
            "at",
            "actor",
            "summary",
        }
        assert len(text) < 3000, kind


TOLD = {
    "incident.opened": "incident",
    "incident.hit": "incident",
    "incident.commented": "incident",
    "run.started": "run",
    "run.finished": "run",
    "evidence.collected": "turn",
    "rca.diagnosed": "turn",
    "rca.decided": "turn",
    "approval.requested": "new_approval",
    "vote.counted": "approval",
    "approval.approved": "approval",
    "execution.started": "execution",
    "execution.verified": "execution",
    "switch.set": "switch",
    "trust.raised": "trust",
    "alert.rejected": "rejected",
}
SILENT = ("alert.normalized", "rca.late", "signer.key_added", "tool.called")


@pytest.mark.parametrize("kind", SILENT)
def test_the_rest_is_told_to_nobody(kind: str) -> None:
    assert message(golden(kind)) is None


quickly = settings(
    max_examples=2,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
FOLLOWED_EVENTS = [event for topic in TOPICS if topic.name in FOLLOWED for event in topic.events]


@pytest.mark.parametrize("event", FOLLOWED_EVENTS, ids=name_of)
def test_whatever_an_event_holds_it_is_told_in_bounds(event: type[Event]) -> None:
    """Else one odd record would end the stream for everybody."""

    @settings(
        max_examples=5,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        deadline=None,
    )
    @given(any_of(event))
    def tells(example: Event) -> None:
        found = message(example)
        assert found is None or (len(found[1]) < 20_000 and found[1].count(b"\n") == 3)

    tells()


def test_a_new_approval_says_what_is_asked_in_a_hundred_letters() -> None:
    asked = golden("approval.requested")
    action = asked.payload.action.model_copy(update={"command": "x" * 500})
    payload = asked.payload.model_copy(update={"action": action})
    found = message(asked.model_copy(update={"payload": payload}))
    assert found is not None
    data = orjson.loads(found[1].partition(b"data: ")[2])

    assert data["action"] == "x" * 99 + "…"
    assert data["id"] == asked.payload.approval_id
    assert data["required_signatures"] == asked.payload.needed.signatures
    assert data["created"] == data["at"] or data["created"] < data["at"]
    assert data["risk"] in {"LOW", "MEDIUM", "HIGH", "CRITICAL"}


def test_hostile_words_stay_within_their_message() -> None:
    said = golden("incident.commented")
    words = "x\n\nevent: new_approval\ndata: {}\r\rid: 7\u2028\u0000<script>" + "y" * 100_000
    payload = said.payload.model_copy(update={"text": words})
    found = message(said.model_copy(update={"payload": payload}))
    assert found is not None

    assert found[1].count(b"\n") == 3
    assert b"\r" not in found[1]
    assert len(found[1]) < 3000


def test_what_nobody_can_read_is_told_without_its_words_to_its_own_project() -> None:
    rejected = golden("alert.rejected")
    found = message(rejected)
    assert found is not None

    assert found[0] == rejected.payload.project_id
    assert rejected.payload.detail.encode() not in found[1]

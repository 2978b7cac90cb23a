"""Ids hang on their causes: the same cause gives the same id, another cause another."""

from __future__ import annotations

import hashlib
import re
import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import ids

words = st.text(max_size=30)
moments = st.integers(0, 253_402_300_799).map(lambda second: datetime.fromtimestamp(second, UTC))
INCIDENT = "INC-20260301-0A1B2C3D4E"


@given(words, st.lists(words, max_size=4))
def test_an_id_is_a_uuid_5(kind: str, unique: list[str]) -> None:
    found = ids.derive_id(kind, *unique)

    assert found == str(uuid.uuid5(ids.NAMESPACE, "\x1f".join((kind, *unique))))
    assert uuid.UUID(found).version == 5


def test_the_namespace_is_fixed_for_life() -> None:
    assert ids.derive_id("alert", "/alerts.raw.auto/0/0/0") == "7b3a294b-7e5a-5a49-afbe-9094cffea4a4"


@given(
    st.text(alphabet="abc-/0", max_size=8),
    st.from_regex(r"[a-zA-Z0-9._-]{1,20}", fullmatch=True),
    st.integers(0, 10_000),
    st.integers(0, 2**62),
    st.integers(0, 5000),
)
def test_an_origin_stands_as_text_and_comes_back(
    epoch: str, topic: str, partition: int, offset: int, index: int
) -> None:
    origin = ids.Origin(epoch, topic, partition, offset, index)

    assert ids.Origin.parse(str(origin)) == origin


def test_each_part_of_an_origin_makes_another_alert() -> None:
    origins = [
        ids.Origin("", "alerts.raw.auto", 0, 0, 0),
        ids.Origin("second life", "alerts.raw.auto", 0, 0, 0),
        ids.Origin("", "alerts.raw.other", 0, 0, 0),
        ids.Origin("", "alerts.raw.auto", 1, 0, 0),
        ids.Origin("", "alerts.raw.auto", 0, 1, 0),
        ids.Origin("", "alerts.raw.auto", 0, 0, 1),
    ]

    assert len({ids.alert_id(str(origin)) for origin in origins}) == len(origins)


@given(words, words, moments)
def test_an_incident_id_can_be_read_out_on_the_phone(project: str, opening: str, at: datetime) -> None:
    found = ids.incident_id(project, opening, at)

    assert re.fullmatch(r"INC-\d{8}-[A-Z0-9]{10}", found)
    assert found == ids.incident_id(project, opening, at)
    assert found[4:12] == f"{at.year:04d}{at.month:02d}{at.day:02d}"


def test_an_incident_id_is_of_one_project_and_one_opening() -> None:
    found = {
        ids.incident_id(project, opening, datetime(2026, 3, 1, tzinfo=UTC))
        for project in "ab"
        for opening in "cd"
    }

    assert len(found) == 4


def test_two_ends_of_one_run_are_one_id() -> None:
    run = ids.run_id(INCIDENT, 1)

    assert ids.ending_id("run", run) == ids.ending_id("run", run)
    assert ids.ending_id("run", run) != ids.ending_id("run", ids.run_id(INCIDENT, 2))
    assert ids.ending_id("run", run) != ids.ending_id("approval", run)


def test_what_time_caused_hangs_on_the_generation_not_on_the_tick() -> None:
    first = ids.elapsed_id("incident.expired", INCIDENT, 0)

    assert first == ids.elapsed_id("incident.expired", INCIDENT, 0)
    assert first != ids.elapsed_id("incident.expired", INCIDENT, 1)


def test_outputs_of_one_cause_differ_by_kind_and_index() -> None:
    found = {ids.output_id(kind, ("cause",), index) for kind in ("opened", "hit") for index in (0, 1)}

    assert len(found) == 4


def test_a_hit_hangs_on_its_count() -> None:
    assert ids.hit_id(INCIDENT, 2) == ids.hit_id(INCIDENT, 2)
    assert ids.hit_id(INCIDENT, 2) != ids.hit_id(INCIDENT, 3)


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        pytest.param(("PodDown", "shop", "api-1"), "PodDown:shop:api-1", id="all"),
        pytest.param(("PodDown", None, None), "PodDown::", id="absent parts are empty"),
        pytest.param(("PodDown", "", "api-1"), "PodDown::api-1", id="empty is absent"),
    ],
)
def test_a_fingerprint_is_the_specified_hash(parts: tuple[str, str | None, str | None], text: str) -> None:
    assert ids.fingerprint(*parts) == hashlib.sha256(text.encode()).hexdigest()[:16]


def test_half_a_character_still_has_a_fingerprint() -> None:
    assert len(ids.fingerprint("\ud800", None, None)) == 16

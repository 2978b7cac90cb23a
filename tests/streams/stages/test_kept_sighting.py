"""What a later run starts from, in the row of its incident."""

from __future__ import annotations

import random
from typing import Any

import pytest

from schemas.codec import Codec
from schemas.golden import GOLDEN_DIR
from schemas.incident import Sighting
from streams.stage import Now, Record
from streams.stages.incident_row import Incident
from streams.stages.kept_sighting import MOST, pack_sighting, unpack_sighting
from streams.stages.runs import Runs
from streams.stages.schedule import Project, Schedule, ScheduleConfig
from tests.schemas.golden_events import golden

OPENED = golden("incident.opened")


def sighting(**alert: Any) -> dict[str, Any]:
    changed = OPENED.payload.alert.model_copy(update=alert)
    plain: dict[str, Any] = OPENED.payload.model_copy(update={"alert": changed}).model_dump()
    return plain


def words(size: int) -> str:
    """No packing makes this much smaller."""
    return "".join(random.Random(size).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=size))


@pytest.mark.parametrize("sealed", [None, b"ciphertext"], ids=["plain", "sealed"])
def test_it_comes_back_as_it_was(sealed: bytes | None) -> None:
    packed = pack_sighting(sealed, sighting())
    kept, payload = unpack_sighting(packed)

    assert kept == sealed
    assert Sighting.model_validate(payload) == OPENED.payload
    assert len(packed) < MOST / 8


MANY = {f"name-{number}": words(900 + number) for number in range(50)}
LONG: dict[str, tuple[bytes | None, dict[str, Any], tuple[str, ...]]] = {
    "annotations": (b"sealed", {"annotations": MANY}, ("annotations",)),
    "metrics": (b"sealed", {"metrics": MANY}, ("metrics",)),
    "labels": (b"sealed", {"labels": MANY}, ("labels",)),
    "its description": (b"sealed", {"description": words(9000)}, ("description",)),
    "all of it": (b"sealed", {"labels": MANY, "annotations": MANY}, ("annotations", "labels")),
    "its ciphertext": (words(9000).encode(), {}, ()),
}


@pytest.mark.parametrize("long", LONG)
def test_a_long_alert_is_kept_shorter_and_says_so(long: str) -> None:
    sealed, alert, left_out = LONG[long]
    packed = pack_sighting(sealed, sighting(**alert))
    kept, payload = unpack_sighting(packed)

    assert len(packed) <= MOST
    short = Sighting.model_validate(payload).alert
    assert set(left_out) <= set(short.truncated)
    assert not any(getattr(short, name) for name in left_out)
    whole = OPENED.payload.alert
    assert (short.message, short.target_resource) == (whole.message, whole.target_resource)
    assert (kept is None) == (long == "its ciphertext")


async def test_a_request_of_the_first_version_is_started_without_a_note() -> None:
    """Written before the upgrade, read after it."""
    value = bytes.fromhex((GOLDEN_DIR / "run.requested.v1.hex").read_text())
    record = Record("runs.requests", 0, 0, b"default", value, [], 0, Codec())
    [started] = await Schedule(ScheduleConfig()).handle(record, Project(), Now(1_800_000_000_000))

    assert started.event().payload.note is None  # type: ignore[union-attr]


async def test_the_first_run_of_a_long_alert_starts_from_all_of_it() -> None:
    seen = sighting(annotations=MANY)
    opened = OPENED.model_copy(update={"payload": Sighting.model_validate(seen)})
    codec, key = Codec(), opened.incident_id.encode()
    record = Record("incidents", 0, 0, key, codec.encode(opened), [], 1_800_000_000_000, codec)
    state = Incident.of_row(key, None)
    [asked] = await Runs().handle(record, state, Now(1_800_000_000_000))

    assert asked.event().payload.sighting.alert.annotations == MANY  # type: ignore[union-attr]
    assert len(state.row() or b"") < MOST + 500

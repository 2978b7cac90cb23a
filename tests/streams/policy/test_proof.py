"""The proof that policy itself wrote it: over every field, through every encoding, by this key alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from schemas.authorization import ActionAuthorized
from schemas.codec import Codec
from schemas.errors import Misconfigured
from streams.policy.proof import Provable, is_proven, load_proof_key, proof_of, proven
from tests.schemas.golden_events import golden

KEY = b"a key that policy and execution share"
KINDS = ["approval.requested", "vote.verified", "action.authorized"]


def other(value: Any) -> Any:
    """Something else of its kind."""
    match value:
        case bool():
            return not value
        case Enum():
            return next(one for one in type(value) if one is not value)
        case None | str():
            return f"{value or ''}x"
        case int() | float():
            return value + 1
        case tuple():
            return value[1:] if value else ("x",)
        case dict():
            return {**value, "x": "y"}
        case datetime():
            return value + timedelta(seconds=1)
    return None


@pytest.mark.parametrize("codec", [Codec(), Codec(as_json=frozenset(KINDS))], ids=["Avro", "JSON"])
@pytest.mark.parametrize("kind", KINDS)
def test_it_holds_through_every_encoding(kind: str, codec: Codec) -> None:
    read = codec.decode(codec.encode(proven(golden(kind), KEY)))

    assert isinstance(read, Provable)
    assert is_proven(read, KEY)
    assert not is_proven(read, b"x" + KEY[1:])
    assert not is_proven(read, None)


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_is_covered(kind: str) -> None:
    event = proven(golden(kind), KEY)
    for name in type(event.payload).model_fields:
        if name == "proof":
            continue
        changed = event.payload.model_copy(update={name: other(getattr(event.payload, name))})
        assert not is_proven(event.model_copy(update={"payload": changed}), KEY), name
    for name in ("project_id", "incident_id", "run_id"):
        assert not is_proven(event.model_copy(update={name: "other"}), KEY), name


def test_a_request_is_no_authorization() -> None:
    asked, allowed = golden("approval.requested"), golden("action.authorized")

    assert proof_of(asked, KEY) != proof_of(allowed, KEY)
    assert isinstance(allowed, ActionAuthorized)
    assert proof_of(allowed, None) == ""


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(None, "`awoooi init` makes it", id="missing"),
        pytest.param(b"short\n", "5 of 32", id="short"),
    ],
)
def test_a_key_that_is_none_stops_the_start(content: bytes | None, told: str, tmp_path: Path) -> None:
    path = tmp_path / "proof.secret"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(Misconfigured, match=told):
        load_proof_key(path)

"""What a decision package hands to the gate."""

from __future__ import annotations

import pytest

from schemas.evidence import Source
from streams.policy.asking import asked_of
from tests.streams.stages.test_gate import decided
from tests.streams.timeline import START


@pytest.mark.parametrize(
    ("source", "agreement"),
    [(Source.KUBERNETES, 1.0), (Source.HISTORY, 1.0), (Source.ALERT, None), (Source.PERSON, None)],
)
def test_what_somebody_wrote_is_no_agreement_of_tools(source: Source, agreement: float | None) -> None:
    package = decided(1, START).payload
    assert package.brief is not None
    items = tuple(item.model_copy(update={"source": source}) for item in package.brief.items)
    told = package.model_copy(update={"brief": package.brief.model_copy(update={"items": items})})

    assert asked_of(told, "default", None).inputs.evidence == agreement

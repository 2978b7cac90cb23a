"""What a person writes beside an incident, as it may be stored and shown to a model.

Like an alert's text: freed of what talks to a model, personal values covered, the real ones sealed.
"""

from __future__ import annotations

from dataclasses import dataclass

from agents.privacy import labels_in
from agents.run_shield import RunShield
from agents.sealing import Sealer

MOST = 2000
"""characters of one text"""


@dataclass(frozen=True, slots=True)
class Remark:
    """`text` goes into the payload, `sealed` into the envelope of the event that the values are sealed to."""

    text: str
    sealed: bytes | None = None


def remark(text: str, sealer: Sealer | None, *, project_id: str, event_id: str, limit: int = MOST) -> Remark:
    """Only what the covered text still names is sealed: what was cut away leaves no value behind."""
    shield = RunShield({})
    shown = shield.gathered(text, limit)
    values = {label: shield.values[label] for label in dict.fromkeys(labels_in(shown))}
    if not values or sealer is None:
        return Remark(shown)
    return Remark(shown, sealer.seal(values, project_id=project_id, event_id=event_id))

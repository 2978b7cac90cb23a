"""The diagnostician's turn, over what was gathered. Key: incident. Slow."""

from __future__ import annotations

from agents.desk import Clock, Desk
from agents.diagnostician import diagnose
from agents.giving_up import diagnosis_failed
from schemas.diagnosis import DiagnosedPayload, RcaDiagnosed
from schemas.evidence import Brief, EvidenceCollected
from streams.stage import Keyed
from streams.stages.turns import Spoken, TurnStage


class Diagnose(TurnStage[EvidenceCollected, DiagnosedPayload]):
    name = "diagnose"
    reads: tuple[str, ...] = ("rca.evidence",)
    takes, gives = EvidenceCollected, RcaDiagnosed

    async def speak(self, heard: EvidenceCollected, desk: Desk, seconds: float) -> DiagnosedPayload:
        return await diagnose(_named(heard), desk, seconds)

    def give_up(self, heard: EvidenceCollected, why: str, clock: Clock) -> DiagnosedPayload:
        return diagnosis_failed(_named(heard), why, clock)

    def brief(self, heard: EvidenceCollected) -> Brief:
        return heard.payload


def _named(heard: EvidenceCollected) -> Brief:
    """From here on the snapshot names its own event."""
    return heard.payload.model_copy(update={"evidence_id": heard.event_id})


def check_contract(stage: Diagnose) -> Keyed[Spoken]:
    return stage

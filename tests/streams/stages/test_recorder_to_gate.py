"""From Alertmanager's own log to the gate: what it keeps from people, nobody acts on by himself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from connectors.alerts.registry import sources
from schemas import ids
from schemas.outcome import Outcome
from streams.pipeline import Given
from streams.policy.silenced import Quiet
from streams.policy.world import world_of
from tests.connectors.alerts.sources.test_eventrecorder import RULE, SILENCE, event, fired
from tests.streams.debates import only
from tests.streams.policy.test_switches import LIFTED
from tests.streams.stages.test_gate import OPTED_IN, PROOF_KEY, Gates, decided

RAW = "alerts.raw.eventrecorder"
ALERT = fired()["data"]["alertCreated"]["alert"]
MUTED = {"labels": ALERT["labels"], "fingerprint": ALERT["fingerprint"]}
FOR_EVER = {**SILENCE, "endsAt": "2100-01-01T00:00:00Z"}
SILENCED = event("silenceMutedAlert", {"silence": FOR_EVER, "mutedAlert": MUTED})
INHIBITED = event("inhibitionMutedAlert", {"inhibitRules": [RULE], "mutedAlert": MUTED})
NOTIFIED = event("notification", {"alerts": [{"hash": "1", "details": ALERT}]})


class Recorded(Gates):
    """Normalize, dedup and the gate, with what stands on `silences` as everybody's view of it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.away = {"preflight", "runs", "schedule", "coordinate"}
        self.set.update([LIFTED, OPTED_IN])
        values = lambda topic: self.set if topic == "switches" else self.view()  # noqa: E731
        world = world_of(self.codec, values, lambda topic: len(values(topic)))
        given = Given(self.codec, sources([]), desk=self.desk, world=world, proof_key=PROOF_KEY)
        read = lambda: len(self.view())  # noqa: E731 - how far the view was read
        self.start(replace(given, quiet=Quiet(self.codec, self.view), silences_read=read), with_ingest=True)

    def view(self) -> dict[bytes, bytes]:
        records = [one for (name, _), log in self.log.topics.items() if name == "silences" for one in log]
        return {one.key: one.value for one in records if one.key and one.value}

    def tell(self, *events: Any) -> Recorded:
        for one in events:
            self.log.append(RAW, orjson.dumps(one))
        return self

    async def decision(self) -> Any:
        """What the gate makes of a proposal for the incident that was opened."""
        await self.run()
        incident = self.events()[0].incident_id
        about = {"incident_id": incident, "run_id": ids.run_id(incident, 1)}
        self.put(decided(1, self.now).model_copy(update=about))
        self.check(about=about)
        await self.run()
        return only(self.told)


STORIES: dict[str, tuple[list[Any], str]] = {
    "told to people": ([fired(), NOTIFIED], ""),
    "silenced": ([fired(), SILENCED], "maintenance of rack 4"),
    "silenced before it fired": ([SILENCED, fired()], "maintenance of rack 4"),
    "inhibited": ([fired(), INHIBITED], "inhibited while an alert with"),
    "inhibited before it fired": ([INHIBITED, fired()], "inhibited while an alert with"),
    "no longer inhibited": ([fired(), INHIBITED, NOTIFIED], ""),
}


@pytest.mark.parametrize(("told", "reason"), STORIES.values(), ids=STORIES)
async def test_what_is_kept_from_people_is_not_done_without_them(told: list[Any], reason: str) -> None:
    decision = await Recorded().tell(*told).decision()
    if reason:
        assert (decision.outcome, decision.rule) == (Outcome.APPROVAL_REQUIRED, "silence")
        assert reason in decision.reason
    else:
        assert decision.outcome == Outcome.AUTO_APPROVED

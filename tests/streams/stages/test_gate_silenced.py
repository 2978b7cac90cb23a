"""Nothing goes by itself while somebody wants quiet around an incident."""

from __future__ import annotations

from schemas import ids
from schemas.envelope import from_millis
from schemas.incident import IncidentSilenced, Quieted
from schemas.outcome import Outcome
from schemas.silence import QuietKind
from tests.streams.debates import only
from tests.streams.policy.test_switches import LIFTED
from tests.streams.stages.test_gate import DECIDED, INCIDENT, OPTED_IN, Gates


class Held(Gates):
    def __post_init__(self) -> None:
        super().__post_init__()
        self.set.update([LIFTED, OPTED_IN])
        self._told = 0

    def kept_quiet(self, *, active: bool, kind: str = "inhibition", comment: str = "another fires") -> Held:
        self._told += 1
        payload = Quieted(
            silence_id="alertmanager:inhibition", kind=QuietKind(kind), active=active, comment=comment
        )
        self.put(
            IncidentSilenced(
                event_id=ids.derive_id("incident.silenced", INCIDENT, str(self._told)),
                project_id=DECIDED.project_id,
                incident_id=INCIDENT,
                occurred_at=from_millis(self.now),
                recorded_at=from_millis(self.now),
                stage="dedup",
                payload=payload,
            )
        )
        return self


async def test_an_inhibited_incident_is_never_automatic() -> None:
    story = Held(away={"preflight"}).kept_quiet(active=True)
    await story.run()
    await story.decide().check().run()
    told = only(story.told)
    assert (told.outcome, told.rule, told.reason) == (
        Outcome.APPROVAL_REQUIRED,
        "silence",
        "another fires",
    )
    assert not story.log.events("authorizations")


async def test_an_inhibition_need_not_say_why() -> None:
    story = Held(away={"preflight"}).kept_quiet(active=True, comment="")
    await story.run()
    await story.decide().check().run()
    assert only(story.told).rule == "silence"


async def test_once_the_inhibition_is_over_it_is_again() -> None:
    story = Held(away={"preflight"}).kept_quiet(active=True).kept_quiet(active=False)
    await story.run()
    await story.decide().check().run()
    assert only(story.told).outcome == Outcome.AUTO_APPROVED


async def test_it_is_not_forgotten_while_it_lasts() -> None:
    story = Held(away={"preflight"}).kept_quiet(active=True)
    await story.run()
    await story.pass_seconds(3 * 24 * 3600).tick()
    await story.decide().check().run()
    assert only(story.told).rule == "silence"


async def test_of_silences_their_own_topic_tells() -> None:
    """The incident's mark may be older than the silence's end."""
    story = Held(away={"preflight"}).kept_quiet(active=True, kind="silence")
    await story.run()
    await story.decide().check().run()
    assert only(story.told).outcome == Outcome.AUTO_APPROVED

"""What normalize makes of a sender's remarks: silences, mutes, and what is passed over."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from agents.sealing import Opener, Sealer
from connectors.alerts.registry import sources
from connectors.silences import Matcher, reader, silence_of
from schemas.alert import AlertNormalized
from schemas.catalog import key_of
from schemas.silence import AlertMuted, SilenceSet
from streams.policy.silenced import Quiet
from streams.stages.normalize import Normalize, NormalizeConfig
from streams.stages.remarks import MOST_KINDS, OTHER, PASSED_OVER
from tests.connectors.alerts.sources.test_eventrecorder import MUTED, RULE, SILENCE, event, fired
from tests.streams.silences import kept, silence
from tests.streams.test_normalize import CODEC, alert, events_of, group, record, turn_of

TOPIC = "alerts.raw.eventrecorder"
ID = "alertmanager:5af9f99c-11c2-41e2-9327-60393345a394"


def told(kind: str, **said: Any) -> Any:
    return record(orjson.dumps(event(kind, said)), TOPIC)


def stage(quiet: Quiet | None = None, sealer: Sealer | None = None) -> Normalize:
    return Normalize(NormalizeConfig(), sources(), sealer, quiet=quiet)


async def only(*records: Any, quiet: Quiet | None = None) -> Any:
    [found] = await events_of(*records, stage=stage(quiet))
    return found


async def test_a_silence_goes_to_the_silences_under_a_key_of_its_project() -> None:
    turn = await turn_of(told("silenceCreated", silence=SILENCE), stage=stage())
    [out] = turn.outputs
    found = CODEC.decode(out.value)
    assert isinstance(found, SilenceSet)
    assert (out.topic, out.key) == ("silences", f"default/{ID}".encode())
    assert key_of(found) == out.key
    assert (found.payload.by, found.payload.comment) == ("ops", "maintenance of rack 4")
    read = silence_of(out.key.decode(), reader(CODEC)(out.value))
    assert read.covers("default", {"namespace": "shop"})
    assert not read.covers("default", {"namespace": "bank"})
    assert not read.covers("another", {"namespace": "shop"})


async def test_both_peers_copies_are_one_event() -> None:
    value = {"silence": SILENCE, "mutedAlert": MUTED}
    peers = [record(orjson.dumps(event("silenceMutedAlert", value, instance=name)), TOPIC) for name in "ab"]
    one, found = stage(), list[Any]()
    for batch in (peers, peers[:1]):
        found += [told for told in await events_of(*batch, stage=one) if isinstance(told, SilenceSet)]
    assert len(found) == 2, "one for each batch, until the view has it"
    assert len({told.event_id for told in found}) == 1


async def test_a_muted_alert_is_told_under_its_fingerprint() -> None:
    firing = fired()["data"]["alertCreated"]["alert"]
    mute = {"labels": firing["labels"], "fingerprint": firing["fingerprint"]}
    created = record(orjson.dumps(fired()), TOPIC)
    inhibited = told("inhibitionMutedAlert", inhibitRules=[RULE], mutedAlert=mute)
    turn = await turn_of(created, inhibited, stage=stage())
    first, second = (CODEC.decode(out.value) for out in turn.outputs)
    assert isinstance(first, AlertNormalized)
    assert isinstance(second, AlertMuted)
    assert turn.outputs[0].key == turn.outputs[1].key == key_of(second)
    assert second.payload.fingerprint == first.payload.fingerprint
    assert second.payload.sender_fingerprint == first.payload.labels["sender_fingerprint"]
    assert second.payload.comment == 'inhibited while an alert with severity="critical" fires'


async def test_a_silence_that_is_known_is_not_told_again_with_each_alert() -> None:
    found = await events_of(told("silenceCreated", silence=SILENCE), stage=stage())
    assert isinstance(found[0], SilenceSet)
    values = kept(found[0])
    again = told("silenceMutedAlert", silence=SILENCE, mutedAlert=MUTED)
    assert isinstance(await only(again, quiet=Quiet(CODEC, lambda: values)), AlertMuted)
    newer = told("silenceUpdated", silence={**SILENCE, "updatedAt": "2026-03-01T10:30:00Z"})
    assert isinstance(await only(newer, quiet=Quiet(CODEC, lambda: values)), SilenceSet)
    assert len(await events_of(again, stage=stage(Quiet(CODEC, lambda: None)))) == 2


async def test_an_old_word_does_not_undo_what_a_person_ended_here() -> None:
    ended = silence(ID, at=1_900_000_000_000, starts_at=1_772_000_000_000, ends_at=1_899_999_999_000)
    known = Quiet(CODEC, lambda: kept(ended))
    assert await events_of(told("silenceUpdated", silence=SILENCE), stage=stage(known)) == []


async def test_personal_values_are_covered_and_travel_sealed() -> None:
    private = X25519PrivateKey.generate()
    personal = {**SILENCE, "createdBy": "dana@example.org", "comment": "ask pat@example.org"}
    [found] = await events_of(
        told("silenceCreated", silence=personal), stage=stage(sealer=Sealer(private.public_key()))
    )
    assert (found.payload.by, found.payload.comment) == ("[EMAIL_2]", "ask [EMAIL_1]")
    assert found.sealed is not None
    values = Opener([private]).open(found.sealed, project_id=found.project_id, event_id=found.event_id)
    assert set(values.values()) == {"dana@example.org", "pat@example.org"}


COVERED: dict[str, tuple[dict[str, Any], list[Matcher], bool]] = {
    "an address of a machine stays": (
        {"type": "TYPE_EQUAL", "name": "instance", "pattern": "10.0.0.5:9100"},
        [Matcher("instance", "10.0.0.5:9100")],
        False,
    ),
    "a person is any of that kind": (
        {"type": "TYPE_EQUAL", "name": "owner", "pattern": "dana@example.org"},
        [Matcher("owner", r"\[EMAIL_\d+\]", regex=True)],
        False,
    ),
    "what cannot be told exactly is left out": (
        {"type": "TYPE_NOT_EQUAL", "name": "owner", "pattern": "dana@example.org"},
        [],
        True,
    ),
}


@pytest.mark.parametrize(("matcher", "read", "everything"), COVERED.values(), ids=COVERED)
async def test_a_matcher_covers_what_its_labels_became_and_never_less(
    matcher: dict[str, Any], read: list[Matcher], everything: bool
) -> None:
    found = await only(told("silenceCreated", silence={**SILENCE, "matchers": [matcher]}))
    plain = [Matcher(one.name, one.value, one.regex, one.negated) for one in found.payload.matchers]
    assert (plain, found.payload.everything) == (read, everything)
    labels = {**alert()["labels"], matcher["name"]: matcher["pattern"]}
    [normalized] = await events_of(record(group(alert(labels=labels))))
    assert isinstance(normalized, AlertNormalized)
    known = Quiet(CODEC, lambda: kept(found))
    now = 1_772_360_000_000
    assert known.covering("default", normalized.payload.labels, now) or matcher["type"] != "TYPE_EQUAL"


def passed_over(kind: str) -> float:
    return PASSED_OVER.labels("eventrecorder", kind)._value.get()


async def test_what_is_of_no_use_is_counted_and_is_no_rejection() -> None:
    before = passed_over("alertmanagerStartupEvent")
    assert await events_of(told("alertmanagerStartupEvent"), told("alertGrouped"), stage=stage()) == []
    assert passed_over("alertmanagerStartupEvent") == before + 1


async def test_names_that_senders_make_up_are_bounded() -> None:
    names = ["x" * 61, "<script>", "a b"]
    before, one = passed_over(OTHER), stage()
    await events_of(*(told(name) for name in names), stage=one)
    letters = "abcdefghijklmnopqrstuvwxyz"
    made_up = [f"kind{a}{b}" for a in letters[:3] for b in letters][: MOST_KINDS + 10]
    await events_of(*(told(name) for name in made_up), stage=one)
    assert passed_over(OTHER) == before + len(names) + 10

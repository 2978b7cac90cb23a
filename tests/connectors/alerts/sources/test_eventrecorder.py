"""Alertmanager's own log: the same alerts as its webhook's, and what it says of silences and inhibitions."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.alerts.source import RawMatcher
from connectors.alerts.sources import alertmanager
from connectors.alerts.sources.eventrecorder import SOURCE, read, remarks
from schemas.alert import AlertStatus
from schemas.errors import BadPayload
from schemas.silence import QuietKind
from tests.connectors.alerts.payloads import RECEIVED_AT, payload
from tests.contract.test_sources import json_values, paths, replaced

UPDATED = 1_772_359_200_000
SILENCE: dict[str, Any] = {
    "id": "5af9f99c-11c2-41e2-9327-60393345a394",
    "matchers": [
        {"type": "TYPE_EQUAL", "name": "namespace", "pattern": "shop", "rendered": 'namespace="shop"'}
    ],
    "startsAt": "2026-03-01T10:00:00.423367148Z",
    "endsAt": "2026-03-01T11:00:00Z",
    "updatedAt": "2026-03-01T10:00:00.423367148Z",
    "createdBy": "ops",
    "comment": "maintenance of rack 4",
}
MUTED = {
    "labels": {
        "labels": [
            {"key": "alertname", "value": "TargetDown"},
            {"key": "namespace", "value": "shop"},
            {"key": "severity", "value": "warning"},
        ]
    },
    "fingerprint": "2958994567861328698",
}
RULE = {
    "sourceMatchers": [
        {"type": "TYPE_EQUAL", "name": "severity", "pattern": "critical", "rendered": 'severity="critical"'}
    ],
    "targetMatchers": [
        {"type": "TYPE_EQUAL", "name": "severity", "pattern": "warning", "rendered": 'severity="warning"'}
    ],
    "equalLabels": ["namespace"],
}


def event(kind: str, told: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"@timestamp": "2026-03-01T10:00:01.5Z", "instance": "am-0", "data": {kind: told}, **more}


def fired(name: str = "firing") -> dict[str, Any]:
    value: dict[str, Any] = payload("eventrecorder", name)
    return value


def as_webhook(name: str) -> dict[str, Any]:
    """What the webhook sends of the same alert."""
    [told] = fired(name)["data"].values()
    told = told["alert"].get("details", told["alert"])
    labels, annotations = (
        {pair["key"]: pair["value"] for pair in told[part]["labels"]} for part in ("labels", "annotations")
    )
    ends_at = told["endsAt"] if name == "resolved" else "0001-01-01T00:00:00Z"
    item = {"status": name, "labels": labels, "annotations": annotations, "startsAt": told["startsAt"]}
    return {"alerts": [{**item, "endsAt": ends_at, "generatorURL": "", "fingerprint": "291075e1cdaf5b3a"}]}


@pytest.mark.parametrize("name", ["firing", "resolved"])
def test_it_is_the_webhooks_alert(name: str) -> None:
    assert read(fired(name), RECEIVED_AT) == alertmanager.read(as_webhook(name), RECEIVED_AT)


def test_one_that_is_over_when_it_is_created_is_resolved() -> None:
    over = fired()
    over["data"]["alertCreated"]["alert"]["resolved"] = True
    [alert] = read(over, RECEIVED_AT)
    assert alert.status is AlertStatus.RESOLVED


def test_zero_values_are_missing() -> None:
    bare = {"labels": {"labels": [{"key": "alertname", "value": "Bare"}, {"key": "pod"}, {"value": "x"}]}}
    [alert] = read(event("alertCreated", {"alert": {**bare, "annotations": {}}}), RECEIVED_AT)
    assert (alert.alert_type, alert.labels, alert.annotations) == ("Bare", {"alertname": "Bare"}, {})
    assert (alert.fired_at, alert.ends_at) == (None, None)


PASSED_OVER = [
    "alertGrouped",
    "alertmanagerStartupEvent",
    "alertmanagerShutdownEvent",
    "notification",
    "somethingOfALaterVersion",
]


@pytest.mark.parametrize("kind", PASSED_OVER)
def test_what_is_of_no_use_is_passed_over_by_name(kind: str) -> None:
    assert read(event(kind, {}), RECEIVED_AT) == []
    told = remarks(event(kind, {}), RECEIVED_AT)
    assert (told.passed_over, list(told.silences), list(told.mutes)) == (kind, [], [])


@pytest.mark.parametrize("kind", ["silenceCreated", "silenceUpdated"])
def test_a_silence_is_told(kind: str) -> None:
    value = event(kind, {"silence": SILENCE})
    assert read(value, RECEIVED_AT) == []
    [silence] = remarks(value, RECEIVED_AT).silences
    assert silence.id == "alertmanager:5af9f99c-11c2-41e2-9327-60393345a394"
    assert silence.matchers == [RawMatcher("namespace", "shop")]
    assert silence.ends_at is not None
    assert silence.ends_at - silence.starts_at == 3_599_577
    assert (silence.updated_at, silence.by, silence.comment) == (
        silence.starts_at,
        "ops",
        "maintenance of rack 4",
    )


def test_any_set_of_matchers_is_enough() -> None:
    sets = [
        {"matchers": SILENCE["matchers"]},
        {
            "matchers": [
                {"type": "TYPE_NOT_REGEXP", "name": "pod", "pattern": "web-.+"},
                {"type": "TYPE_NOT_EQUAL", "name": "env"},
                {"type": "TYPE_REGEXP", "name": "team", "pattern": "a|b"},
            ]
        },
    ]
    told = remarks(event("silenceCreated", {"silence": {**SILENCE, "matcherSets": sets}}), RECEIVED_AT)
    assert [one.id.rpartition(":")[2][-2:] for one in told.silences] == ["94", ".2"]
    assert told.silences[1].matchers == [
        RawMatcher("pod", "web-.+", regex=True, negated=True),
        RawMatcher("env", "", negated=True),
        RawMatcher("team", "a|b", regex=True),
    ]


def test_a_muted_alert_brings_its_silence_along() -> None:
    told = remarks(event("silenceMutedAlert", {"silence": SILENCE, "mutedAlert": MUTED}), RECEIVED_AT)
    [silence], [mute] = told.silences, told.mutes
    assert (mute.kind, mute.id, mute.muted, mute.until) == (
        QuietKind.SILENCE,
        silence.id,
        True,
        silence.ends_at,
    )
    assert (mute.alert.alert_type, mute.alert.namespace) == ("TargetDown", "shop")
    assert mute.alert.labels["sender_fingerprint"] == "291075e1cdaf5b3a"


def test_an_inhibition_names_its_rule_and_its_cause() -> None:
    told = {"inhibitRules": [{**RULE, "name": "by severity"}], "mutedAlert": MUTED}
    [mute] = remarks(event("inhibitionMutedAlert", told), RECEIVED_AT).mutes
    assert (mute.kind, mute.id, mute.by, mute.until) == (
        QuietKind.INHIBITION,
        "alertmanager:inhibition",
        "by severity",
        None,
    )
    assert mute.comment == 'inhibited while an alert with severity="critical" fires'


def test_what_people_were_told_of_is_muted_no_longer() -> None:
    firing = fired()["data"]["alertCreated"]["alert"]
    ended = {**copy.deepcopy(firing), "resolved": True}
    alerts = [{"hash": "1", "details": firing}, {"hash": "2", "details": ended}, {"hash": "3"}]
    told = remarks(event("notification", {"alerts": alerts}), RECEIVED_AT)
    assert read(event("notification", {"alerts": alerts}), RECEIVED_AT) == []
    [mute] = told.mutes
    assert (mute.muted, mute.alert.labels["sender_fingerprint"]) == (False, "291075e1cdaf5b3a")


WRONG: list[tuple[str, Any, str]] = [
    ("no object", [], ""),
    ("no data", {"@timestamp": "x"}, "data"),
    ("two events", {"data": {"alertGrouped": {}, "notification": {}}}, "data"),
    ("an alert that is none", event("alertCreated", {"alert": 7}), "data.alertCreated.alert"),
    ("a name that is odd", event("<script>", 7), "data.(its event)"),  # type: ignore[arg-type] # on purpose
    (
        "a fingerprint that is no number",
        event("alertCreated", {"alert": {"fingerprint": "12ab"}}),
        "data.alertCreated.alert.fingerprint",
    ),
    (
        "labels as a map",
        event("alertCreated", {"alert": {"labels": {"labels": {"alertname": "x"}}}}),
        "data.alertCreated.alert.labels.labels",
    ),
]


@pytest.mark.parametrize(("value", "field"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_what_is_wrong_is_refused_by_its_field(value: Any, field: str) -> None:
    with pytest.raises(BadPayload) as refused:
        read(value, RECEIVED_AT)
    assert refused.value.field == field


WRONG_SILENCES: list[tuple[str, dict[str, Any], str]] = [
    ("no silence", {}, "data.silenceCreated.silence"),
    ("without an id", {"silence": {**SILENCE, "id": ""}}, "data.silenceCreated.silence.id"),
    (
        "without a beginning",
        {"silence": {**SILENCE, "startsAt": None}},
        "data.silenceCreated.silence.startsAt",
    ),
    ("an odd id", {"silence": {**SILENCE, "id": "a/b"}}, "data.silenceCreated.silence.id"),
    ("a long id", {"silence": {**SILENCE, "id": "a" * 101}}, "data.silenceCreated.silence.id"),
    (
        "more sets than anybody writes",
        {"silence": {**SILENCE, "matcherSets": [{"matchers": []}] * 21}},
        "data.silenceCreated.silence.matcherSets",
    ),
    (
        "a matcher of no type",
        {"silence": {**SILENCE, "matchers": [{"name": "a", "pattern": "b"}]}},
        "data.silenceCreated.silence.matchers.0.type",
    ),
]


@pytest.mark.parametrize(
    ("told", "field"), [case[1:] for case in WRONG_SILENCES], ids=[case[0] for case in WRONG_SILENCES]
)
def test_a_silence_that_is_wrong_is_refused_by_its_field(told: dict[str, Any], field: str) -> None:
    with pytest.raises(BadPayload) as refused:
        remarks(event("silenceCreated", told), RECEIVED_AT)
    assert refused.value.field == field


OTHERS: list[Any] = [
    {},
    {"data": {"alertCreated": {}}},
    {"@timestamp": "x", "data": {}},
    {"@timestamp": "x", "data": {"a": 1, "b": 2}},
    {"@timestamp": "x", "data": {"a": 1}, "specversion": "1.0"},
]


@pytest.mark.parametrize("value", OTHERS)
def test_it_is_not_taken_for_another(value: Any) -> None:
    assert not SOURCE.detects(value)


REMARKED = [
    event("silenceCreated", {"silence": {**SILENCE, "matcherSets": [{"matchers": SILENCE["matchers"]}]}}),
    event("silenceMutedAlert", {"silence": SILENCE, "mutedAlert": MUTED}),
    event("inhibitionMutedAlert", {"inhibitRules": [RULE], "mutedAlert": MUTED}),
    event("notification", {"alerts": [{"hash": "1", "details": fired()["data"]["alertCreated"]["alert"]}]}),
]


@settings(max_examples=500, deadline=None)
@given(data=st.data())
def test_whatever_is_damaged_is_told_or_refused(data: st.DataObject) -> None:
    whole = copy.deepcopy(data.draw(st.sampled_from(REMARKED)))
    path = data.draw(st.sampled_from(list(paths(whole))))
    damaged = replaced(whole, path, data.draw(json_values))
    for look in (read, remarks):
        try:
            look(damaged, RECEIVED_AT)
        except BadPayload as error:
            assert str(error)  # noqa: PT017 - both ways out are right

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from connectors.alerts.detection import AUTO, detect, readings
from connectors.alerts.envelopes import MOST_DEEP, inside, opened
from connectors.alerts.registry import sources
from connectors.alerts.source import RawAlert, Source
from schemas.errors import BadPayload
from tests.connectors.alerts.payloads import RECEIVED_AT, payload

ALERT = payload("grafana", "firing")
TEXT = json.dumps(ALERT)
BASE64 = base64.b64encode(TEXT.encode()).decode()
EVENT = {"specversion": "1.0", "type": "com.example.alert", "source": "/here", "id": "1"}


def sns(message: Any) -> dict[str, Any]:
    return {"Type": "Notification", "TopicArn": "arn:aws:sns:eu-west-1:1:alerts", "Message": message}


ENVELOPES = {
    "SNS": (sns(TEXT), "Message"),
    "SNS, parsed by a relay": (sns(ALERT), "Message"),
    "CloudEvents": (EVENT | {"data": ALERT}, "data"),
    "CloudEvents, data as text": (EVENT | {"data": TEXT}, "data"),
    "CloudEvents, base64": (EVENT | {"data_base64": BASE64}, "data_base64"),
    "EventBridge": ({"detail-type": "Alert", "source": "partner.example", "detail": ALERT}, "detail"),
    "Pub/Sub": ({"subscription": "projects/p/subscriptions/s", "message": {"data": BASE64}}, "message.data"),
    "a relay's wrapper": ({"type": "a.b", "timestamp": "2026-03-01T12:00:00Z", "data": ALERT}, "data"),
}


def anything(payload: Any) -> bool:
    return isinstance(payload, dict)


def one(payload: Any, received_at: int) -> list[RawAlert]:
    raise BadPayload("is missing", field="name")


def among(**more: Source) -> dict[str, Source]:
    return sources([]) | more


@pytest.mark.parametrize(("wrapped", "field"), ENVELOPES.values(), ids=ENVELOPES)
def test_an_envelope_is_taken_off_and_the_inside_detected(wrapped: Any, field: str) -> None:
    (found,) = readings(AUTO, wrapped, among())
    assert (found.source.name, found.at, found.payload) == ("grafana", field, ALERT)
    assert inside(wrapped) == ALERT


@pytest.mark.parametrize(("wrapped", "field"), ENVELOPES.values(), ids=ENVELOPES)
def test_a_sender_that_is_named_may_use_an_envelope(wrapped: Any, field: str) -> None:
    (found,) = readings("grafana", wrapped, among())
    assert (found.source.name, found.at, found.payload) == ("grafana", field, ALERT)


def test_envelopes_lie_in_envelopes_up_to_a_bound() -> None:
    wrapped = ALERT
    for _ in range(MOST_DEEP):
        wrapped = sns(wrapped)
    (found,) = readings(AUTO, wrapped, among())
    assert (found.source.name, found.at) == ("grafana", "Message.Message.Message")
    for name in (AUTO, "grafana"):
        with pytest.raises(BadPayload):
            readings(name, sns(wrapped), among())[0].alerts(RECEIVED_AT)


@pytest.mark.parametrize(
    "closed",
    [
        sns("ALARM in plain words"),
        sns(7),
        sns(None),
        sns("[" * 100_000),
        {**sns(ALERT), "Type": "SubscriptionConfirmation"},
        EVENT | {"data": "<xml/>"},
        EVENT | {"data_base64": "no base64!"},
        EVENT | {"data_base64": base64.b64encode(b"\xff\xfe").decode()},
        {**EVENT, "specversion": 1, "data": ALERT},
        {"detail-type": "x", "detail": ALERT},
        {"subscription": "s", "message": ALERT},
        {"type": "a", "timestamp": 1, "data": ALERT, "more": 1},
        [sns(ALERT)],
        "text",
        None,
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_holds_no_payload_stays_closed(closed: Any) -> None:
    assert opened(closed) is None
    assert inside(closed) is closed


def test_the_envelopes_own_source_reads_what_fits_no_other() -> None:
    own = Source("own", one, lambda payload: "specversion" in payload)
    (found,) = readings(AUTO, EVENT | {"data": {"x": 1}}, among(own=own))
    assert (found.source, found.at) == (own, "")
    (carried,) = readings("own", EVENT | {"data": ALERT}, among(own=own))
    assert (carried.source.name, carried.at) == ("grafana", "data")


def test_who_fits_the_whole_wrapper_reads_the_whole() -> None:
    wrapped, _ = ENVELOPES["a relay's wrapper"]
    own = Source("own", one, lambda payload: payload.get("type") == "a.b")
    (found,) = readings(AUTO, wrapped, among(own=own))
    assert (found.source, found.payload) == (own, wrapped)


def test_a_source_reads_its_own_wrapper_by_name_though_it_detects_nothing() -> None:
    wrapped, _ = ENVELOPES["a relay's wrapper"]
    own = Source("own", one, lambda _: False)
    (found,) = readings("own", wrapped, among(own=own))
    assert (found.source, found.payload) == (own, wrapped)


def test_a_batch_is_taken_apart() -> None:
    batch = [EVENT | {"data": ALERT}, EVENT | {"data": payload("signoz", "firing")}]
    found = readings(AUTO, batch, among())
    assert [(each.source.name, each.at) for each in found] == [("grafana", "0.data"), ("signoz", "1.data")]
    assert [each.source.name for each in readings(AUTO, [batch[0], EVENT], among())] == [
        "grafana",
        "cloudevents",
    ]
    others = {name: source for name, source in among().items() if name != "cloudevents"}
    with pytest.raises(BadPayload, match=r"^1: fits no source"):
        readings(AUTO, [batch[0], EVENT], others)


def test_an_error_names_the_place_in_the_record() -> None:
    own = Source("own", one, lambda payload: "mine" in payload)
    (found,) = readings(AUTO, sns({"mine": 1}), among(own=own))
    with pytest.raises(BadPayload, match=r"^Message\.name: is missing$") as refused:
        found.alerts(RECEIVED_AT)
    assert refused.value.field == "Message.name"


def test_a_more_special_source_goes_before_the_general_shape() -> None:
    own = Source("own", one, lambda payload: isinstance(payload, dict) and "mine" in payload)
    assert detect(payload("alertmanager", "firing") | {"mine": 1}, among(own=own)) is own


@pytest.mark.parametrize("yields", [False, True], ids=["special", "both general"])
def test_two_that_fit_are_refused_by_name(yields: bool) -> None:
    name = "alertmanager" if yields else "grafana"
    own = Source("own", one, anything, yields=yields)
    with pytest.raises(BadPayload, match=rf"^fits more than one source: {name}, own$"):
        detect(payload(name, "firing"), among(own=own))
    with pytest.raises(BadPayload, match=r"^Message: fits more than one source: "):
        detect(sns(payload(name, "firing")), among(own=Source("own", one, anything, yields=yields)))

"""Alertmanager's event recorder (0.33 and later): its own log, one event a record, as protobuf's JSON.

Zero values are missing, labels are lists of pairs, fingerprints decimal. It is best effort and tells no
repeats: the webhook stays the durable path. What is no alert is a remark: who mutes what, or of no use here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from connectors.alerts.fields import an_object, join, list_of_alerts, text
from connectors.alerts.limits import MAX_ALERTS
from connectors.alerts.source import Payload, RawAlert, RawMatcher, RawMute, RawSilence, Remarks, Source
from connectors.alerts.sources.prometheus_shape import Dialect, read_alert
from connectors.alerts.times import moment
from schemas.errors import BadPayload
from schemas.silence import QuietKind

_DIALECT = Dialect(source="prometheus")
SET_IN = "alertmanager"
INHIBITION = f"{SET_IN}:inhibition"
MOST_SETS = 20
_ID = re.compile(r"[A-Za-z0-9._:-]{1,100}")
_ALERTS = ("alertCreated", "alertResolved")
_TYPES = {
    "TYPE_EQUAL": (False, False),
    "TYPE_REGEXP": (True, False),
    "TYPE_NOT_EQUAL": (False, True),
    "TYPE_NOT_REGEXP": (True, True),
}
"""whether it is an expression, and whether it is negated"""


def read(payload: Payload, received_at: int) -> list[RawAlert]:
    kind, told = _event(payload)
    if kind not in _ALERTS:
        return []
    at = f"data.{kind}.alert"
    alert = an_object(told.get("alert"), at)
    if kind == "alertResolved":
        at = f"{at}.details"
        alert = an_object(alert.get("details"), at)
    return [_alert(alert, at, received_at, resolved=kind == "alertResolved")]


def remarks(payload: Payload, received_at: int) -> Remarks:
    kind, told = _event(payload)
    look = _REMARKS.get(kind)
    if look is not None:
        return look(told, f"data.{kind}", received_at)
    return Remarks() if kind in _ALERTS else Remarks(passed_over=kind)


def detects(payload: Payload) -> bool:
    if not isinstance(payload, dict) or "@timestamp" not in payload or "specversion" in payload:
        return False
    data = payload.get("data")
    return isinstance(data, dict) and len(data) == 1


def _event(payload: Payload) -> tuple[str, dict[str, Any]]:
    """Its kind, and what it says: the only field that is set."""
    data = an_object(an_object(payload, "").get("data"), "data")
    if len(data) != 1:
        raise BadPayload(f"must hold one event, not {len(data)}", field="data")
    [(kind, told)] = data.items()
    return kind, an_object(told, f"data.{kind}" if kind in _KINDS else "data.(its event)")


# -- alerts


def _alert(item: dict[str, Any], at: str, received_at: int, *, resolved: bool) -> RawAlert:
    """As the webhook has it, so that both are known as one."""
    over = resolved or item.get("resolved") is True
    webhook = {
        **_identity(item, at),
        "annotations": _pairs(item, "annotations", at),
        "startsAt": item.get("startsAt"),
        "endsAt": item.get("endsAt"),
        "status": "resolved" if over else "firing",
    }
    return read_alert(webhook, at, received_at, _DIALECT)


def _identity(item: dict[str, Any], at: str) -> dict[str, Any]:
    return {"labels": _pairs(item, "labels", at), "fingerprint": _hex(item, at)}


def _pairs(item: dict[str, Any], name: str, at: str) -> dict[str, str]:
    """A label without a value is as good as none."""
    told = item.get(name)
    if told is None:
        return {}
    at = join(at, name)
    pairs = an_object(told, at).get("labels") or []
    found = _whole(pairs)
    return dict(_checked(pairs, join(at, "labels"))) if found is None else found


def _whole(pairs: Any) -> dict[str, str] | None:
    """Of pairs that are whole, as most are; None where one is not, and the slow way says what is wrong."""
    try:
        found = {pair["key"]: pair["value"] for pair in pairs}
    except (TypeError, KeyError):
        return None
    for pair in found.items():
        if pair[0].__class__ is not str or pair[1].__class__ is not str or not all(pair):
            return None
    return found if len(pairs) <= MAX_ALERTS else None


def _checked(pairs: Any, at: str) -> Iterator[tuple[str, str]]:
    for i, item in enumerate(list_of_alerts(pairs, at)):
        where = f"{at}.{i}"
        pair = an_object(item, where)
        key, value = text(pair, "key", where), text(pair, "value", where)
        if key and value:
            yield key, value


def _hex(item: dict[str, Any], at: str) -> str | None:
    """As the webhook writes it."""
    told = text(item, "fingerprint", at)
    if told is None:
        return None
    if not (told.isascii() and told.isdigit() and len(told) <= 20):
        raise BadPayload("must be a decimal number as text", field=join(at, "fingerprint"))
    return f"{int(told):016x}"


# -- who mutes what


def _silence_set(told: dict[str, Any], at: str, _: int) -> Remarks:
    return Remarks(silences=_silences(told, at))


def _silence_muted(told: dict[str, Any], at: str, received_at: int) -> Remarks:
    """The silence is told along: who began to listen later knows it all the same."""
    silences, alert = _silences(told, at), _muted(told, at, received_at)
    first = silences[0]
    mute = RawMute(
        alert, QuietKind.SILENCE, first.id, by=first.by, comment=first.comment, until=first.ends_at
    )
    return Remarks(silences=silences, mutes=[mute])


def _inhibited(told: dict[str, Any], at: str, received_at: int) -> Remarks:
    """The rule has no end of its own: it holds while what inhibits fires."""
    rules = list_of_alerts(told.get("inhibitRules") or [], join(at, "inhibitRules"))
    where = f"{at}.inhibitRules.0"
    rule = an_object(rules[0], where) if rules else {}
    cause = ", ".join(_rendered(rule, where))
    comment = f"inhibited while an alert with {cause} fires" if cause else "inhibited by another alert"
    alert, by = _muted(told, at, received_at), text(rule, "name", where) or ""
    return Remarks(mutes=[RawMute(alert, QuietKind.INHIBITION, INHIBITION, by=by, comment=comment)])


def _notified(told: dict[str, Any], at: str, received_at: int) -> Remarks:
    """What people were told of is muted no longer. It is no repeat: that is the webhook's to count."""
    grouped = list_of_alerts(told.get("alerts") or [], join(at, "alerts"))
    mutes = []
    for i, one in enumerate(grouped):
        where = f"{at}.alerts.{i}"
        details = an_object(one, where).get("details")
        if isinstance(details, dict) and details.get("resolved") is not True:
            alert = _alert(details, f"{where}.details", received_at, resolved=False)
            mutes.append(RawMute(alert, QuietKind.INHIBITION, "", muted=False))
    return Remarks(mutes=mutes, passed_over="notification")


def _muted(told: dict[str, Any], at: str, received_at: int) -> RawAlert:
    where = join(at, "mutedAlert")
    item = an_object(told.get("mutedAlert"), where)
    return read_alert({**_identity(item, where), "status": "firing"}, where, received_at, _DIALECT)


def _silences(told: dict[str, Any], at: str) -> list[RawSilence]:
    """One for each set of matchers: any of the sets is enough."""
    at = join(at, "silence")
    item = an_object(told.get("silence"), at)
    name, starts_at = text(item, "id", at), moment(item, "startsAt", at)
    if name is None or starts_at is None:
        raise BadPayload("is missing", field=join(at, "startsAt" if name else "id"))
    if not _ID.fullmatch(name):
        raise BadPayload("must be letters, digits and -._:, at most 100", field=join(at, "id"))
    sets = list_of_alerts(item.get("matcherSets") or [item], join(at, "matcherSets"))
    if len(sets) > MOST_SETS:
        raise BadPayload(f"holds {len(sets)}, at most {MOST_SETS} are allowed", field=join(at, "matcherSets"))
    updated_at = moment(item, "updatedAt", at)
    return [
        RawSilence(
            id=f"{SET_IN}:{name}" + (f".{i + 1}" if i else ""),
            set_in=SET_IN,
            matchers=_matchers(one, at),
            starts_at=starts_at,
            ends_at=moment(item, "endsAt", at),
            updated_at=starts_at if updated_at is None else updated_at,
            by=text(item, "createdBy", at) or "",
            comment=text(item, "comment", at) or "",
        )
        for i, one in enumerate(sets)
    ]


def _matchers(told: Any, at: str) -> list[RawMatcher]:
    at = join(at, "matchers")
    items = list_of_alerts(an_object(told, at).get("matchers") or [], at)
    return [_matcher(item, f"{at}.{i}") for i, item in enumerate(items)]


def _matcher(item: Any, at: str) -> RawMatcher:
    item = an_object(item, at)
    name, kind = text(item, "name", at), text(item, "type", at)
    if name is None:
        raise BadPayload("is missing", field=join(at, "name"))
    if kind not in _TYPES:
        raise BadPayload(f"must be one of {', '.join(_TYPES)}", field=join(at, "type"))
    regex, negated = _TYPES[kind]
    return RawMatcher(name, text(item, "pattern", at) or "", regex, negated)


def _rendered(rule: dict[str, Any], at: str) -> list[str]:
    items = list_of_alerts(rule.get("sourceMatchers") or [], join(at, "sourceMatchers"))
    shown = (text(an_object(item, at), "rendered", at) for item in items)
    return [one for one in shown if one]


_REMARKS: dict[str, Callable[[dict[str, Any], str, int], Remarks]] = {
    "silenceCreated": _silence_set,
    "silenceUpdated": _silence_set,
    "silenceMutedAlert": _silence_muted,
    "inhibitionMutedAlert": _inhibited,
    "notification": _notified,
}
_KINDS = (*_ALERTS, *_REMARKS, "alertGrouped", "alertmanagerStartupEvent", "alertmanagerShutdownEvent")

SOURCE = Source("eventrecorder", read, detects, remarks=remarks)

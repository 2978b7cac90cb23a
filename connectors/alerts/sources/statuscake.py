"""StatusCake: the webhook of a contact group, whose form fields stand here as JSON."""

from __future__ import annotations

from connectors.alerts.fields import an_object
from connectors.alerts.loose import finite, flat, fold, folded, host_of, labels_of
from connectors.alerts.source import Payload, RawAlert, Source
from connectors.alerts.vocabulary import without_state
from schemas.alert import AlertStatus, ResourceType, Severity
from schemas.errors import BadPayload

_STATUSES = {
    "up": (AlertStatus.RESOLVED, Severity.INFO, "up again"),
    "down": (AlertStatus.FIRING, Severity.CRITICAL, "down"),
}
_ITS_OWN = frozenset({"StatusCode", "Checkrate", "CheckRate", "ContactGroup", "ContactGroupID", "Token"})
_SECRETS = frozenset({"Token"})  # proves that it is StatusCake: not ours to keep


def read(payload: Payload, received_at: int) -> list[RawAlert]:
    del received_at
    payload = an_object(payload, "")
    told = folded(payload, 1)
    address = told.get("url")
    name = told.get("name") or address
    if name is None:
        raise BadPayload("is missing", field="Name")
    state = fold(told.get("status", ""))
    if state not in _STATUSES:
        raise BadPayload("must be Up or Down", field="Status")
    status, severity, word = _STATUSES[state]
    target = host_of(address) or told.get("ip")
    code = finite(told.get("statuscode"))
    return [
        RawAlert(
            alert_type=without_state(name),
            severity=severity,
            source="statuscake",
            message=f"{name} is {word}" + (f", status code {code:.15g}" if code else ""),
            status=status,
            target_resource=target,
            resource_type=ResourceType.HOST if target else None,
            metrics={} if code is None else {"status_code": code},
            labels=_labels(payload, told),
            generator_url=address if address and "://" in address else None,
        )
    ]


def _labels(payload: Payload, told: dict[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in payload.items() if name not in _SECRETS and fold(name) != "tags"}
    return {**flat(kept, 1), **labels_of(told.get("tags", "").split(","))}


def detects(payload: Payload) -> bool:
    return (
        isinstance(payload, dict)
        and "Status" in payload
        and not _ITS_OWN.isdisjoint(payload)
        and ("URL" in payload or "IP" in payload)
    )


SOURCE = Source("statuscake", read, detects)

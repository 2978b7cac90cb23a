"""What people do about incidents, in OpenAPI: bodies and examples from the acts themselves."""

from __future__ import annotations

from typing import Any

from connectors.gateway.act_kinds import ACTS, Act
from connectors.gateway.openapi import OF_BODIES, refusal

_ID = {"type": "string", "pattern": "^INC-[0-9]{8}-[A-Z0-9]{10}$"}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "the same key with the same words is the same act, however often it is sent",
    "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
}
_REFUSALS = {
    **OF_BODIES,
    401: "no token of a person, or a wrong one",
    403: "the token's roles are not enough; the answer names those that are",
    404: "no such incident in the token's projects, or no such act",
    409: "it makes no sense: the incident is closed, or no run has come to a decision",
    422: "the body says something else than it may; the answer names the field and what is allowed",
    503: "over the token's limit, or Kafka or the record is away: send it again after Retry-After",
}
_DONE = {
    "type": "object",
    "description": "the event, and where it stands in Kafka, confirmed by all in-sync replicas",
    "required": ["event_id", "type", "topic", "partition", "offset"],
    "properties": {
        "event_id": {"type": "string", "format": "uuid"},
        "type": {"type": "string"},
        "topic": {"type": "string"},
        "partition": {"type": "integer"},
        "offset": {"type": "integer"},
        "redacted": {
            "type": "array",
            "items": {"type": "string"},
            "description": "kinds of hostile text that were taken out of the words",
        },
    },
}


def with_acts(document: dict[str, Any], path: str) -> None:
    parts = document.setdefault("components", {})
    parts.setdefault("schemas", {})["Done"] = _DONE
    parts.setdefault("securitySchemes", {})["personalToken"] = {"type": "http", "scheme": "bearer"}
    for act in ACTS.values():
        parameters = [{"name": "incident_id", "in": "path", "required": True, "schema": _ID}, _KEY]
        schema = act.body.model_json_schema(ref_template="#/components/schemas/{model}")
        parts["schemas"].update(schema.pop("$defs", {}))
        operation = _post(act, schema)
        document["paths"][path.replace("{act}", act.name)] = {"parameters": parameters, "post": operation}


def _post(act: Act, schema: dict[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": schema, "example": act.example}}
    done = {"application/json": {"schema": {"$ref": "#/components/schemas/Done"}}}
    return {
        "operationId": f"{act.name}_incident",
        "summary": act.summary,
        "description": f"Needs one of the roles {', '.join(act.roles)}.",
        "security": [{"personalToken": []}],
        "requestBody": {"required": bool(schema.get("required")), "content": content},
        "responses": {
            "202": {"description": f"durable: `{act.event.type_name()}`", "content": done},
            **{str(code): refusal(code, text) for code, text in sorted(_REFUSALS.items())},
        },
    }

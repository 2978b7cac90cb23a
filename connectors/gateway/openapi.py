"""The webhook routes in OpenAPI: by hand, since they are plain ASGI endpoints."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from connectors.gateway.problems import PROBLEM_CONTENT
from connectors.gateway.reading import A_RUN, AN_APPROVAL

_PROBLEM = {"$ref": "#/components/schemas/Problem"}
_RETRY_AFTER = {"Retry-After": {"schema": {"type": "string"}, "description": "seconds", "required": True}}
OF_BODIES = {
    400: "the body is no well-formed JSON in UTF-8",
    408: "the body came too slowly",
    413: "the body is over 32 KiB",
    415: "the body is not plain application/json",
}
_REFUSALS = {
    **OF_BODIES,
    401: "no token, or a wrong one",
    403: "the token is for other sources",
    404: "no such source; the answer names those there are",
    413: "the body is over 1 MiB",
    503: "over the token's limit, or Kafka is away: send it again after Retry-After",
}
_PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}
_RECEIPT_SCHEMA = {
    "type": "object",
    "description": "where the record stands in Kafka, confirmed by all in-sync replicas",
    "required": ["topic", "partition", "offset"],
    "properties": {
        "topic": {"type": "string"},
        "partition": {"type": "integer"},
        "offset": {"type": "integer"},
    },
}


def with_webhooks(document: dict[str, Any], sources: Collection[str]) -> dict[str, Any]:
    """The document with our paths and their parts added."""
    source = {"type": "string", "enum": ["alerts", *sorted(sources)]}
    parameter = {"name": "source", "in": "path", "required": True, "schema": source}
    webhook = _operation("send_webhook", "A native payload, as the source sends it", 202, {})
    v2 = _operation(
        "send_alerts_v2",
        "Alertmanager's own API, for Prometheus, vmalert or a Loki ruler",
        200,
        {"type": "array"},
    )
    paths = document.setdefault("paths", {})
    paths["/api/v1/webhooks/{source}"] = {"parameters": [parameter], "post": webhook}
    paths["/api/v2/alerts"] = {"post": v2}
    parts = document.setdefault("components", {})
    parts.setdefault("schemas", {}).update({"Problem": _PROBLEM_SCHEMA, "Receipt": _RECEIPT_SCHEMA})
    parts["securitySchemes"] = {"webhookToken": {"type": "http", "scheme": "bearer"}}
    return document


def with_signatures(document: dict[str, Any], path: str) -> dict[str, Any]:
    """With the one path that takes signed approvals."""
    name = {"type": "string", "pattern": f"{AN_APPROVAL}|{A_RUN}"}
    parameter = {"name": "approval_id", "in": "path", "required": True, "schema": name}
    answers = {200: "it counts: the approval's state and the jti", 202: "no verdict yet: where to look"}
    refusals = {404: "nothing is asked under this id", 408: "the body came too slowly", 409: "it is closed"}
    refusals |= {
        413: "the body is over 32 KiB",
        422: "no id, no compact JWS, one for another approval, or one that does not count: the reason",
        429: "too often from one address",
    }
    refusals |= {503: "too many at once, or Kafka is away"}
    document["paths"][path] = {
        "parameters": [parameter],
        "post": {
            "operationId": "sign_approval",
            "summary": "A signed approval or rejection, a compact JWS",
            "requestBody": {
                "required": True,
                "content": {"application/jose": {"schema": {"type": "string"}}},
            },
            "responses": {
                **{str(code): _answer(text) for code, text in answers.items()},
                **{str(code): refusal(code, text) for code, text in refusals.items()},
            },
        },
    }
    return document


def _answer(text: str) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": {"type": "object"}}}}


def _operation(name: str, summary: str, status: int, body: dict[str, Any]) -> dict[str, Any]:
    receipt = {"$ref": "#/components/schemas/Receipt"}
    return {
        "operationId": name,
        "summary": summary,
        "security": [{"webhookToken": []}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {
            str(status): {"description": "durable", "content": {"application/json": {"schema": receipt}}},
            **{str(code): refusal(code, text) for code, text in sorted(_REFUSALS.items())},
        },
    }


def refusal(code: int, text: str) -> dict[str, Any]:
    told: dict[str, Any] = {"description": text, "content": {PROBLEM_CONTENT: {"schema": _PROBLEM}}}
    if code in (429, 503):
        told["headers"] = _RETRY_AFTER
    return told

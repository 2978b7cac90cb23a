"""An answer of each path of the reading API, for its documentation; a test holds them to their models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_INCIDENT_ID, _RUN_ID = "INC-20260301-0A1B2C3D4E", "1a2b3c4d-0000-5000-8000-000000000001"
_APPROVAL_ID = f"{_INCIDENT_ID}-A1"
_EVENT_ID = "6f1d2c3b-0000-5000-8000-000000000011"
_AT, _LATER = "2026-03-01T10:00:00.250Z", "2026-03-01T10:05:05.250Z"


def _page(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"items": [item], "page": 1, "page_size": 50, "total": 1}


_RUN_ITEM = {
    "run_id": _RUN_ID,
    "project_id": "shop",
    "incident_ids": [_INCIDENT_ID],
    "number": 1,
    "agent": "coordinator",
    "state": "waiting_approval",
    "trigger_type": "opened",
    "reason": "opened",
    "shadow": False,
    "cost_usd": 0.012,
    "steps": 9,
    "created_at": _AT,
    "timeout_at": "2026-03-01T10:04:20.000Z",
    "remediation_status": "read_only_dry_run",
    "remediation": {
        "records": 1,
        "last_at": _AT,
        "last_agent": "preflight",
        "last_tool": "kubernetes.DELETE_POD",
    },
}
_REMEDIATION = {
    "at": _AT,
    "incident_id": _INCIDENT_ID,
    "work_item": "A1",
    "mode": "live",
    "agent": "preflight",
    "tool": "kubernetes.DELETE_POD",
    "scope": "read",
    "allowed": True,
    "success": True,
    "verification": "the API server would accept it",
    "writes_incident_state": False,
    "writes_repair_result": False,
}
_STEP = {
    "number": 1,
    "at": _AT,
    "kind": "vote.counted",
    "who": "bob",
    "what": "approve",
    "reason": "seen and understood",
    "by_person": True,
    "event_id": _EVENT_ID,
}
_CALL = {
    "at": _AT,
    "call_id": "7c9e6679-7425-50de-944b-e07fc1f90ae7",
    "agent": "evidence",
    "node": "evidence",
    "server": "kubernetes",
    "tool": "read_pod",
    "scope": "read",
    "status": "ok",
    "blocked_by": "",
    "detail": "",
    "latency_ms": 41,
    "shadow": False,
    "gates": [{"name": "tool_known", "passed": True, "why": ""}],
}
_MESSAGE = {
    "at": _AT,
    "channel": "slack",
    "message_id": "C024BE91L/1772359200.000100",
    "kind": "approval_request",
    "state": "WAITING_APPROVAL",
    "title": "Approval card",
    "text": "DELETE_POD on shop/pod/postgres-db-0 waits for two signatures",
    "duplicate": False,
    "status": "sent",
}
_TIMELINE_ITEM = {
    "at": _AT,
    "kind": "approval",
    "title": "Signature counted",
    "status": "approve",
    "summary": "bob: seen and understood",
    "metadata": {"approval_id": _APPROVAL_ID, "event_id": _EVENT_ID},
}
_CARD = {
    "approval_id": _APPROVAL_ID,
    "project_id": "shop",
    "incident_id": _INCIDENT_ID,
    "run_id": _RUN_ID,
    "state": "WAITING",
    "state_reason": "",
    "action": {
        "operation": "DELETE_POD",
        "target": {"cluster": "eu-1", "namespace": "shop", "kind": "pod", "name": "postgres-db-0"},
        "parameters": {},
        "text": "replace postgres-db-0: its owner makes a new one, with the same volume",
        "command": "kubectl -n shop delete pod postgres-db-0",
        "expected_effect": "the database answers again",
        "undo": "",
        "warnings": [],
    },
    "action_hash": "4e3d2c1b0a99887766554433221100ff4e3d2c1b0a99887766554433221100ff",
    "to_sign": {
        "form": "awoooi action 1",
        "action": {
            "operation": "DELETE_POD",
            "target": {
                "cluster": "eu-1",
                "namespace": "shop",
                "kind": "pod",
                "name": "postgres-db-0",
                "id": "9b1f3f4e5a6b7c8d",
            },
            "parameters": {},
        },
        "undo": None,
        "observed_state": "9f8e7d6c5b4a39281706f5e4d3c2b1a09f8e7d6c5b4a39281706f5e4d3c2b1a0",
        "policy_version": "9651d733ceb6c6c70c3c6b517775f260350a803972610a0dfd749f110ed4f2d7",
        "commitments": {},
    },
    "why": "the risk is HIGH",
    "cause": "postgres-db was killed for want of memory",
    "confidence": 0.9,
    "risk": "HIGH",
    "risk_parts": ["the playbook says HIGH"],
    "blast_radius": {"services": ["frontend"], "count": 1, "score": 35},
    "money": None,
    "preflight": {
        "result": "passed",
        "checks": [{"name": "exists", "passed": True, "detail": "it is there"}],
    },
    "policy": {
        "version": 7,
        "rule": "risk",
        "hash": "9651d733ceb6c6c70c3c6b517775f260350a803972610a0dfd749f110ed4f2d7",
    },
    "required": 2,
    "roles_needed": ["admin", "devops", "sre"],
    "each_role": False,
    "signed": [
        {
            "person": "bob",
            "decision": "approve",
            "at": _LATER,
            "reason": "seen and understood",
            "jti": "5f0c9a52-7d1e-4f53-9d0b-8a3b6c1d2e3f",
        }
    ],
    "missing": 1,
    "proposed_by": "agents",
    "created_at": _AT,
    "expires_at": "2026-03-01T11:00:05.125Z",
    "closed_at": None,
    "audience": "production",
}
_INCIDENT_ITEM = {
    "incident_id": _INCIDENT_ID,
    "project_id": "shop",
    "status": "WAITING_APPROVAL",
    "severity": "critical",
    "alert_type": "FrontendErrorRateHigh",
    "cluster": "eu-1",
    "namespace": "shop",
    "target_resource": "frontend",
    "message": "17.2 % of its requests failed",
    "fingerprint": "8c5f1a0b6c9d2e37",
    "hit_count": 51,
    "runs": 1,
    "generation": 0,
    "opened_at": _AT,
    "last_seen_at": _LATER,
    "resolved_at": None,
    "updated_at": _LATER,
    "parent_incident_id": "",
    "children": 0,
    "assignee": "bob",
    "acknowledged_by": "bob",
    "flapping": False,
    "quiet": (),
    "waiting_approval": _APPROVAL_ID,
}
_NODE = {"kind": "service", "health": "degraded", "blame": 0, "role": "target"}
_BLAMED = {"kind": "database", "health": "unhealthy", "blame": 0.9, "role": "cause"}
_GRAPH = {
    "nodes": [
        {"id": "frontend", "name": "frontend", **_NODE},
        {"id": "postgres-db", "name": "postgres-db", **_BLAMED},
    ],
    "edges": [{"from": "frontend", "to": "postgres-db", "kind": "depends_on"}],
}
EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "list_runs": _page(_RUN_ITEM),
    "show_run": {
        "run": {
            **_RUN_ITEM,
            "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
            "trigger_ref": _EVENT_ID,
            "attempts": 0,
            "max_attempts": 3,
            "error_code": "",
            "error_detail": "",
            "started_at": _AT,
            "completed_at": None,
            "heartbeat_at": _LATER,
            "remediation_by_work_item": {"A1": [_REMEDIATION]},
            "gate_totals": [{"gate": "tool_known", "outcome": "passed", "count": 12}],
        },
        "steps": [_STEP],
        "messages": {"inbound": [], "outbound": [_MESSAGE]},
        "tool_calls": [_CALL],
        "remediation": [_REMEDIATION],
        "counts": {
            "steps": 1,
            "inbound": 0,
            "outbound": 1,
            "tool_calls": 1,
            "remediations": 1,
            "approvals": 1,
            "timeline": 1,
        },
        "timeline": [_TIMELINE_ITEM],
    },
    "list_incidents": _page(_INCIDENT_ITEM),
    "show_incident": {
        "incident": _INCIDENT_ITEM,
        "acts": [
            {"at": _LATER, "person": "bob", "act": "acknowledge", "note": "looking at the ingress first"}
        ],
        "runs": [_RUN_ITEM],
        "turns": [
            {
                "run_id": _RUN_ID,
                "agent": "diagnostician",
                "at": _AT,
                "vote": "APPROVE",
                "failed": "",
                "degraded": False,
                "headline": "postgres-db was killed for want of memory",
                "body": {"diagnosis": {"summary": "postgres-db was killed for want of memory"}},
            }
        ],
        "evidence": {
            "run_id": _RUN_ID,
            "items": [
                {
                    "id": "E1",
                    "source": "kubernetes",
                    "kind": "pod",
                    "about": "postgres-db",
                    "title": "pod postgres-db",
                    "text": "OOMKilled, restarted 7 times",
                    "at": _AT,
                }
            ],
            "gaps": [{"source": "prometheus", "reason": "it does not answer"}],
        },
        "decision": {"branch": "holds", "confidence": 0.9},
        "graph": _GRAPH,
        "approvals": [_CARD],
        "executions": [
            {
                "action_id": "0c3b5a1e-0000-5000-8000-000000000001",
                "at": _LATER,
                "operation": "DELETE_POD",
                "target": "shop/pod/postgres-db-0",
                "step": "succeeded",
                "result": "",
                "reason": "pod postgres-db-0 was deleted",
                "undoes": "",
            }
        ],
        "timeline": [_TIMELINE_ITEM],
    },
    "list_approvals": _page(_CARD),
    "show_approval": _CARD,
    "list_projects": {
        "items": [
            {
                "project_id": "shop",
                "display_name": "The shop",
                "mode": "live",
                "usd_limit": 20,
                "active": True,
                "created_at": _AT,
            }
        ]
    },
    "list_contracts": {
        "items": [
            {
                "revision": _EVENT_ID,
                "contract_id": "policy",
                "project_id": "",
                "family": "policy",
                "major": 7,
                "minor": 0,
                "body_hash": "9651d733ceb6c6c70c3c6b517775f260350a803972610a0dfd749f110ed4f2d7",
                "life_cycle": "in_force",
                "created_at": _AT,
                "created_by": "alice",
                "decisions": 12,
            }
        ]
    },
    "list_channel_events": {
        "items": [
            {
                **_MESSAGE,
                "project_id": "shop",
                "incident_id": _INCIDENT_ID,
                "run_id": _RUN_ID,
                "direction": "outbound",
            }
        ]
    },
    "show_topology": _GRAPH,
}

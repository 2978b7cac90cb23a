"""One incident that needs nobody, and a model that sees what is there: changed, they make all the others."""

from __future__ import annotations

from typing import Any

from agents.desk import Desk
from agents.panel_run import Debate, debate
from schemas.evidence import Brief, Surroundings
from schemas.turn import Agent
from tests.agents.briefs import brief, kube, near, target
from tests.agents.panels import Time, desk

CHECKOUT, POD = target("deployment", "checkout"), target("pod", "checkout-5d8-x2x4l")
CRASHING = {"waiting_reason": "CrashLoopBackOff", "phase": "Running", "owner": "replicaset/checkout-5d8"}


def crash_loop(**changes: Any) -> Brief:
    """A pod that crashes, seen from outside: the rules know it, and its playbook lets the pod go."""
    seen = [
        kube("pod", POD.name, CRASHING, restart_count=14, last_exit_code=1),
        kube("event", POD.name, {"reason": "BackOff", "type": "Warning"}),
        kube("deployment", "checkout", {"reason": ""}, desired_replicas=4, ready_replicas=3),
    ]
    given = {
        "alert_type": "KubePodCrashLooping",
        "about": POD,
        "seen": seen,
        "targets": [POD, CHECKOUT],
        "around": Surroundings(service="checkout", upstream=(near("edge", "ingress"),)),
        "labels": {"namespace": "shop", "pod": POD.name},
    }
    return brief(**{**given, **changes})


def honest(**changes: Any) -> dict[Agent, Any]:
    """A model that sees what is there and agrees."""
    cause = {
        "cause": "checkout crashes at start",
        "service": "checkout",
        "confidence": 93,
        "evidence": ["E2", "E3"],
    }
    action = {
        "operation": "DELETE_POD",
        "target": {"kind": "pod", "namespace": "shop", "name": POD.name},
        "hypothesis": "H1",
        "risk": "low",
        "description": "Let the pod be made anew",
    }
    asked = [("cause", "minor"), ("alternative", "minor"), ("effect", "minor")]
    return {
        Agent.DIAGNOSTICIAN: {
            "hypotheses": [{**cause, **changes.get("cause", {})}],
            "summary": "It crashes.",
        },
        Agent.SOLVER: {"actions": [{**action, **changes.get("action", {})}], "summary": "Make it anew."},
        Agent.REVIEWER: {"vote": "APPROVE", "concerns": [], "blast_radius": 0, **changes.get("review", {})},
        Agent.CRITIC: {
            "challenges": [{"question": f"{about}?", "about": about, "severity": s} for about, s in asked],
            "confidence": 92,
            **changes.get("critique", {}),
        },
    }


async def argued(given: Brief, at: Desk | None = None) -> Debate:
    return await debate(given, at or desk(honest()), Time().now)

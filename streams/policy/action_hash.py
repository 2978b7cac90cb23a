"""The hash of an action: what a person signs, and what may run because of it, nothing else.

SHA-256 over canonical JSON. Personal values stand in it as labels; a salted commitment for each label binds
the real value without telling it. Who signs sees the labelled action and can make the same hash from it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from agents.privacy import labels_in
from schemas.approval import ApprovalRequest
from schemas.errors import BadPayload
from schemas.operations import SHAPES, Step
from streams.policy.canonical import canonical

FORM = "awoooi action 1"
COMMITMENT = "awoooi commitment 1"
SALT_BYTES = 32


@dataclass(frozen=True, slots=True)
class Act:
    """All that a signature stands for."""

    step: Step
    """operation, target and parameters, labelled"""
    observed_state: str
    """hash of what preflight saw of the target; empty: nobody could look"""
    policy_version: str
    """the hash of the policy in force"""
    undo: Step | None = None
    """what takes it back is signed with it"""
    commitments: Mapping[str, str] = field(default_factory=dict)
    """label → commitment to its real value"""


def act_of(asked: ApprovalRequest) -> Act:
    """What a request's hash must be over."""
    return Act(
        asked.action.step,
        asked.observed_state,
        policy_version=asked.policy.hash,
        undo=asked.action.undo,
        commitments=asked.commitments,
    )


def action_hash(act: Act) -> str:
    """64 hex digits. BadPayload where a target has no id, or labels and commitments do not match."""
    _whole(act)
    return hashlib.sha256(canonical(signed_text(act))).hexdigest()


def signed_text(act: Act) -> dict[str, Any]:
    """What the hash is over, as plain values: to show, and to hash elsewhere."""
    return {
        "form": FORM,
        "action": _plain(act.step),
        "undo": None if act.undo is None else _plain(act.undo),
        "observed_state": act.observed_state,
        "policy_version": act.policy_version,
        "commitments": dict(act.commitments),
    }


def new_salt() -> str:
    return secrets.token_hex(SALT_BYTES)


def commitment(label: str, value: str, salt: str) -> str:
    """Binds a label to its real value. Without the salt, short values could be guessed from it."""
    told = {"form": COMMITMENT, "label": label, "value": value, "salt": salt}
    return hashlib.sha256(canonical(told)).hexdigest()


def _whole(act: Act) -> None:
    for step in _steps(act):
        if SHAPES[step.operation].kinds and not step.target.id:
            raise BadPayload(f"the target of {step.operation} has no id", field="target.id")
    labels = {label for step in _steps(act) for text in _texts(_plain(step)) for label in labels_in(text)}
    for label in sorted(labels ^ act.commitments.keys()):
        said = "has no commitment" if label in labels else "stands nowhere in the action"
        raise BadPayload(f"{label} {said}", field="commitments")


def _steps(act: Act) -> Iterator[Step]:
    yield act.step
    if act.undo is not None:
        yield act.undo


def _plain(step: Step) -> dict[str, Any]:
    """Without what was not given, so that a parameter of tomorrow changes no hash of today."""
    return {
        "operation": step.operation.value,
        "target": step.target.model_dump(),
        "parameters": {name: value for name, value in step.parameters if name in step.parameters.given()},
    }


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield name
            yield from _texts(inner)

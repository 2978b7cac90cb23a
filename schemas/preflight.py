"""What the executor's own identity saw of an action's target before anything is proposed."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import Field

from schemas.envelope import Event, Plain
from schemas.operations import Step

IN_EVIDENCE = "in_evidence"
"""the check that the run's evidence names the very target"""
ADVISORY = ("owned", "orphan", "snapshot")
"""checks that weigh on the risk, and forbid nothing by themselves"""


class PreflightStatus(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    UNAVAILABLE = "unavailable"


class Check(Plain):
    name: str = Field(description="in_evidence, permission, parameters, exists, budgets, dry_run, …")
    passed: bool = Field(description="whether it speaks for going on")
    message: str = Field("", description="what was found, in one sentence")


class Preflight(Plain):
    status: PreflightStatus = Field(description="passed: all checks did; unavailable: nobody could look")
    action: str = Field("", description="id of the action that was checked; empty: there was none")
    checks: tuple[Check, ...] = Field((), description="in the order they were made")
    reason: str = Field("", description="why it is unavailable")
    observed_state: str = Field("", description="hash of uid, spec, replicas and disruption budgets")
    state: dict[str, str] = Field(
        default_factory=dict, description="what that hash is over: ids, numbers and hashes, no names"
    )
    workload: str = Field(
        "",
        description="keyed hash of what owns the target at the top, its own id where nothing does; "
        "empty: nobody could look",
    )
    undo: Step | None = Field(None, description="what would take it back, as the target is; none: nothing")
    commitments: dict[str, str] = Field(
        default_factory=dict, description="label: salted commitment to its real value"
    )


class PreflightChecked(Event):
    """A recommended action was checked, or could not be."""

    type: Literal["preflight.checked"] = "preflight.checked"
    payload: Preflight
    id_over: ClassVar[str] = "the run"


def status_of(checks: Iterable[Check]) -> PreflightStatus:
    """Of checks that could be made."""
    failed = any(not check.passed for check in checks if check.name not in ADVISORY)
    return PreflightStatus.FAILED if failed else PreflightStatus.PASSED

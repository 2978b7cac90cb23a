"""The gate, line by line: what decides, in which order, and that doubt always goes to a person."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.operations import Operation, Risk, Target
from schemas.outcome import Outcome
from schemas.preflight import PreflightStatus
from streams.policy.asking import workload_of
from streams.policy.fusion import Inputs, fuse
from streams.policy.gate import Asked, Standing, decide
from streams.policy.policy import SHIPPED, Place, parse_policy, read_policy
from streams.policy.risk import Proposal, highest, parts
from streams.policy.trust import trust_key

POLICY = read_policy()
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CLEAR = Standing(kill_switch="", preflight=PreflightStatus.PASSED, opted_in=True, at=NOON)
SURE = Inputs(1.0, 1.0, 1.0)


def proposal(operation: str = "DELETE_POD", **more: Any) -> Proposal:
    given = {"replaced_by_owner": True, **more}
    return Proposal(Place(operation=operation, namespace=given.pop("namespace", "shop")), **given)


def asked(operation: str = "DELETE_POD", inputs: Inputs = SURE, **more: Any) -> Asked:
    return Asked(proposal=proposal(operation, **more), inputs=inputs)


def test_everything_in_order_goes_by_itself() -> None:
    verdict = decide(asked(), CLEAR, POLICY)

    assert (verdict.outcome, verdict.rule, verdict.needs_human) == (Outcome.AUTO_APPROVED, "automatic", False)


# -- in the order of the lines


EVERYTHING_WRONG = Asked(
    rejected="the critic rejects it",
    proposal=proposal("DRAIN_NODE"),
    human="it wants a person",
    inputs=Inputs(),
)
HALTED = Standing(
    kill_switch="engaged",
    shadow=True,
    silence="a silence",
    preflight=PreflightStatus.FAILED,
    resolved=True,
    policy_trouble="unreadable",
    at=NOON,
)
IN_ORDER = [
    pytest.param(EVERYTHING_WRONG, HALTED, Outcome.BLOCKED, "rejected", id="1 rejected"),
    pytest.param(
        replace(EVERYTHING_WRONG, rejected="", proposal=None),
        HALTED,
        Outcome.SKIPPED,
        "no_action",
        id="2 nothing",
    ),
    pytest.param(asked("NONE"), HALTED, Outcome.SKIPPED, "no_action", id="2 nothing to do"),
    pytest.param(
        replace(EVERYTHING_WRONG, rejected=""),
        HALTED,
        Outcome.APPROVAL_REQUIRED,
        "kill_switch",
        id="3 halted",
    ),
    pytest.param(
        replace(EVERYTHING_WRONG, rejected=""),
        CLEAR,
        Outcome.APPROVAL_REQUIRED,
        "human_demanded",
        id="4 a person",
    ),
    pytest.param(
        asked(namespace="kube-system"),
        CLEAR,
        Outcome.APPROVAL_REQUIRED,
        "rules.system-namespaces",
        id="4 a rule",
    ),
    pytest.param(
        asked("DRAIN_NODE", Inputs()),
        CLEAR,
        Outcome.APPROVAL_REQUIRED,
        "fusion_incomplete",
        id="5 incomplete",
    ),
    pytest.param(asked("DRAIN_NODE"), CLEAR, Outcome.APPROVAL_REQUIRED, "risk_above_low", id="5 risk"),
    pytest.param(
        asked(inputs=Inputs(0.6, 0.6, 0.6)), CLEAR, Outcome.APPROVAL_REQUIRED, "low_confidence", id="5 unsure"
    ),
    pytest.param(
        asked(inputs=Inputs(0.65, 0.65, 0.65)),
        CLEAR,
        Outcome.APPROVAL_REQUIRED,
        "not_sure_enough",
        id="5 propose",
    ),
    pytest.param(
        asked(),
        replace(CLEAR, opted_in=False),
        Outcome.APPROVAL_REQUIRED,
        "not_opted_in",
        id="5 not opted in",
    ),
    pytest.param(
        asked(inputs=Inputs(0.85, 0.85, 0.85)), CLEAR, Outcome.AUTO_APPROVED, "automatic", id="5 just enough"
    ),
]


@pytest.mark.parametrize(("case", "standing", "outcome", "rule"), IN_ORDER)
def test_the_first_line_that_holds_decides(
    case: Asked, standing: Standing, outcome: Outcome, rule: str
) -> None:
    verdict = decide(case, standing, POLICY)

    assert (verdict.outcome, verdict.rule) == (outcome, rule)
    assert verdict.reason
    assert verdict.needs_human is (outcome != Outcome.AUTO_APPROVED)


WINDOW = "starts_at: 2026-03-01T00:00:00Z, ends_at: 2026-03-02T00:00:00Z"
FREEZE = parse_policy(
    SHIPPED.read_text().replace("freezes: []", f"freezes: [{{name: sale, {WINDOW}, reason: a sale}}]")
)
HALTS = [
    pytest.param({"kill_switch": "engaged"}, "kill_switch", id="kill switch"),
    pytest.param({"shadow": True}, "shadow_mode", id="shadow mode"),
    pytest.param({"silence": "silenced"}, "silence", id="silence"),
    pytest.param({"freeze": "freeze f1: the sale"}, "change_freeze", id="a freeze that somebody set"),
    pytest.param({"preflight": PreflightStatus.FAILED}, "preflight_failed", id="preflight failed"),
    pytest.param({"preflight": PreflightStatus.UNAVAILABLE}, "preflight_unavailable", id="no preflight"),
    pytest.param({"policy_trouble": "unreadable"}, "policy_unreadable", id="policy"),
    pytest.param({"unbound": "its target has no id"}, "unbound", id="no hash"),
    pytest.param({"resolved": True}, "resolved", id="resolved"),
]


@pytest.mark.parametrize(("doubt", "rule"), HALTS)
def test_each_halt_alone_is_never_automatic_and_recorded(doubt: dict[str, Any], rule: str) -> None:
    verdict = decide(asked(), replace(CLEAR, **doubt), POLICY)

    assert (verdict.outcome, verdict.rule, verdict.halts) == (Outcome.APPROVAL_REQUIRED, rule, (rule,))
    assert verdict.fused is not None, "what was weighed is shown all the same"


def test_a_change_freeze_is_never_automatic() -> None:
    verdict = decide(asked(), CLEAR, FREEZE)

    assert (verdict.outcome, verdict.rule) == (Outcome.APPROVAL_REQUIRED, "change_freeze")
    assert decide(asked(), replace(CLEAR, at=datetime(2026, 3, 2, tzinfo=UTC)), FREEZE).rule == "automatic"


def test_all_that_forbids_it_is_recorded() -> None:
    verdict = decide(replace(EVERYTHING_WRONG, rejected=""), HALTED, FREEZE)

    assert verdict.halts == (
        "kill_switch",
        "shadow_mode",
        "silence",
        "change_freeze",
        "preflight_failed",
        "policy_unreadable",
        "resolved",
    )


def test_a_fresh_install_acts_on_nothing() -> None:
    assert decide(asked(), Standing(), POLICY).rule == "kill_switch"


# -- whose signatures


@pytest.mark.parametrize(
    ("operation", "trust", "effective", "signatures"),
    [
        ("DELETE_POD", 0, Risk.LOW, 1),
        ("RESTART_DEPLOYMENT", 4, Risk.MEDIUM, 1),
        ("RESTART_DEPLOYMENT", 5, Risk.LOW, 1),
        ("DRAIN_NODE", 9, Risk.HIGH, 2),
        ("DRAIN_NODE", 10, Risk.MEDIUM, 1),
        ("DRAIN_NODE", 10_000, Risk.MEDIUM, 1),
        ("DELETE_PVC", 10_000, Risk.CRITICAL, 2),
        ("RUN_COMMAND", 10_000, Risk.CRITICAL, 2),
        ("DROP_DATABASE", 10_000, Risk.CRITICAL, 2),
        ("RESTORE_PVC", 10_000, Risk.CRITICAL, 2),
    ],
)
def test_who_must_sign(operation: str, trust: int, effective: Risk, signatures: int) -> None:
    """Where a person is asked at least one must answer, whatever the risk."""
    verdict = decide(asked(operation), replace(CLEAR, kill_switch="engaged", trust=trust), POLICY)

    assert verdict.assessment is not None
    assert verdict.needed is not None
    assert (verdict.assessment.effective, verdict.needed.signatures) == (effective, signatures)
    assert verdict.needed.each == (("cto", "ciso") if effective == Risk.CRITICAL else ())


def test_what_trust_makes_low_goes_by_itself() -> None:
    trusted = replace(CLEAR, trust=5)

    assert decide(asked("RESTART_DEPLOYMENT"), trusted, POLICY).outcome == Outcome.AUTO_APPROVED
    assert decide(asked("DRAIN_NODE"), replace(CLEAR, trust=10), POLICY).rule == "risk_above_low"


# -- risk


RISKS = [
    pytest.param(proposal(), Risk.LOW, id="a pod that comes back"),
    pytest.param(proposal(replaced_by_owner=False), Risk.HIGH, id="a bare pod"),
    pytest.param(proposal(replaced_by_owner=None), Risk.HIGH, id="a pod whose owner is not known"),
    pytest.param(proposal(plan_risk="HIGH"), Risk.HIGH, id="the plan says more"),
    pytest.param(proposal("DRAIN_NODE", plan_risk="LOW"), Risk.HIGH, id="the plan says less"),
    pytest.param(proposal(plan_risk="none at all"), Risk.CRITICAL, id="the plan says nonsense"),
    pytest.param(proposal(blast_radius=29), Risk.LOW, id="a small blast"),
    pytest.param(proposal(blast_radius=30), Risk.MEDIUM, id="a medium blast"),
    pytest.param(proposal(blast_radius=60), Risk.HIGH, id="a large blast"),
    pytest.param(proposal(blast_radius=90), Risk.CRITICAL, id="everything"),
    pytest.param(proposal(blast_radius=-1), Risk.CRITICAL, id="a negative blast"),
    pytest.param(proposal(blast_radius=math.nan), Risk.CRITICAL, id="a blast that is NaN"),
    pytest.param(proposal(blast_radius=1e308), Risk.CRITICAL, id="a blast of 1e308"),
    pytest.param(proposal(blast_radius="3"), Risk.CRITICAL, id="a blast in text"),
    pytest.param(proposal(namespace="kube-system"), Risk.HIGH, id="a rule raises it"),
    pytest.param(proposal("DELETE_PVC"), Risk.CRITICAL, id="a volume"),
    pytest.param(
        proposal("DELETE_PVC", orphan_proven=True), Risk.CRITICAL, id="an orphan without a snapshot"
    ),
    pytest.param(
        proposal("DELETE_PVC", orphan_proven=True, snapshot_verified=True),
        Risk.LOW,
        id="an orphan with a snapshot",
    ),
    pytest.param(proposal("delete_pod"), Risk.CRITICAL, id="another spelling is another word"),
    pytest.param(proposal("CALL_HTTP", configured="x"), Risk.CRITICAL, id="nothing that is configured"),
]


@pytest.mark.parametrize(("proposed", "expected"), RISKS)
def test_the_risk_is_the_highest_of_its_parts(proposed: Proposal, expected: Risk) -> None:
    found = parts(proposed, POLICY)

    assert highest(found) == expected
    assert all(part.why for part in found)


@given(st.sampled_from([*Operation, "OTHER"]), st.sampled_from(list(Risk)), st.integers(0, 100))
def test_a_plan_can_only_raise_the_risk(operation: str, told: Risk, radius: int) -> None:
    without = highest(parts(proposal(operation, blast_radius=radius), POLICY))
    found = highest(parts(proposal(operation, blast_radius=radius, plan_risk=told), POLICY))

    assert found.rank == max(without.rank, told.rank)


# -- fusion


ODD = [math.nan, math.inf, -math.inf, -0.1, 1.1, 1e308, 10**400, "0.9", True, None, [], b"1"]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: repr(odd)[:10])
@pytest.mark.parametrize("name", ["model", "playbook", "evidence"])
def test_what_is_no_number_leaves_it_to_a_person_with_the_reason(name: str, odd: Any) -> None:
    verdict = decide(asked(inputs=replace(SURE, **{name: odd})), CLEAR, POLICY)

    assert (verdict.outcome, verdict.rule) == (Outcome.APPROVAL_REQUIRED, "fusion_incomplete")
    assert verdict.reason.startswith(f"{name}: ")
    assert verdict.low_confidence


NO_COUNT = [*ODD[:6], 10**400, -1, "10", True, None, [], b"1", 0.5]


@pytest.mark.parametrize("odd", NO_COUNT, ids=lambda odd: repr(odd)[:10])
def test_trust_that_is_no_count_is_none_and_leaves_it_to_a_person_with_the_reason(odd: Any) -> None:
    for operation in ("DELETE_POD", "RESTART_DEPLOYMENT", "DRAIN_NODE"):
        verdict = decide(asked(operation), replace(CLEAR, trust=odd), POLICY)

        assert (verdict.outcome, verdict.rule) == (Outcome.APPROVAL_REQUIRED, "risk_above_low")
        assert verdict.assessment is not None
        assert (verdict.assessment.effective, verdict.assessment.trust) == (Risk.CRITICAL, 0)
        assert "trust is no whole number" in verdict.assessment.parts[-1].why


@pytest.mark.parametrize("odd", [*NO_COUNT, 101], ids=lambda odd: repr(odd)[:10])
def test_a_blast_radius_that_is_no_number_leaves_it_to_a_person_with_the_reason(odd: Any) -> None:
    verdict = decide(asked(blast_radius=odd), replace(CLEAR, trust=10), POLICY)

    assert (verdict.outcome, verdict.rule) == (Outcome.APPROVAL_REQUIRED, "risk_above_low")
    assert verdict.assessment is not None
    assert verdict.assessment.effective == Risk.CRITICAL
    assert "is no number from 0 to 100" in next(
        part.why for part in verdict.assessment.parts if part.what == "blast_radius"
    )


def test_inputs_branch_and_weights_are_kept() -> None:
    fused = fuse(Inputs(0.9, 0.5, 1.0), POLICY.fusion)

    assert (fused.model, fused.playbook, fused.evidence) == (0.9, 0.5, 1.0)
    assert fused.value == pytest.approx(0.4 * 0.9 + 0.3 * 0.5 + 0.3)
    assert (fused.weights, fused.branch) == ({"model": 0.4, "playbook": 0.3, "evidence": 0.3}, "propose")


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_nothing_goes_by_itself_below_the_threshold(model: float, playbook: float, evidence: float) -> None:
    verdict = decide(asked(inputs=Inputs(model, playbook, evidence)), CLEAR, POLICY)

    sure = 0.4 * model + 0.3 * playbook + 0.3 * evidence >= 0.85 - 1e-9
    assert (verdict.outcome == Outcome.AUTO_APPROVED) is sure


# -- keys, speed


def test_trust_is_earned_by_operation_and_workload_apart() -> None:
    names = ("nginx-7d9f8c6b5-x2x4z", "nginx-7d9f8c6b5-abcde")
    pods = [Target(namespace="shop", kind="pod", name=name) for name in names]
    keys = {trust_key("default", "DELETE_POD", pod, workload_of(None, pod)) for pod in pods}

    assert keys == {"default/DELETE_POD/default/shop/nginx-*"}
    assert trust_key("default", "DELETE_PVC", pods[0], "nginx") not in keys
    assert trust_key("a/b", "X", Target(), "") != trust_key("a", "b/X", Target(), "")


def test_a_decision_costs_under_a_millisecond() -> None:
    case = asked("RESTART_DEPLOYMENT")
    started = time.process_time()
    for _ in range(500):
        decide(case, CLEAR, POLICY)

    assert (time.process_time() - started) / 500 < 0.001

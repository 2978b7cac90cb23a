"""What models answer, read into what agents take: our own form, and the classic one."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from agents.models.ask import Unfit, read
from agents.models.shape import is_closed, schema_of
from agents.replies import CritiqueReply, DiagnosisReply, PlanReply, ReviewReply

REPLIES = (DiagnosisReply, PlanReply, ReviewReply, CritiqueReply)
CLASSIC: dict[str, Any] = {
    "root_cause": "the pod leaks memory [E2], see also (E3)",
    "risk_level": "MEDIUM",
    "blast_radius": {
        "affected_pods": 3,
        "estimated_downtime": "30s",
        "related_services": ["cart", "edge"],
        "data_impact": "write",
    },
    "suggested_action": {
        "operation": "restart deployment",
        "command": "kubectl rollout restart deploy/checkout",
        "description": "Restart it",
    },
    "confidence": 85,
    "dry_run_checks": ["kubectl get pods"],
}


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: reply.__name__)
def test_every_service_takes_its_schema(reply):
    assert is_closed(schema_of(reply))


def test_the_classic_answer_is_a_diagnosis():
    said = read(orjson.dumps(CLASSIC).decode(), DiagnosisReply)

    assert said.hypotheses[0].confidence == 85
    assert said.hypotheses[0].evidence == ("E2", "E3")
    assert said.command == CLASSIC["suggested_action"]["command"]
    assert said.checks == ("kubectl get pods",)


def test_the_classic_answer_is_a_plan():
    action = read(orjson.dumps(CLASSIC).decode(), PlanReply).actions[0]

    assert (action.operation, action.risk, action.blast_radius) == ("RESTART_DEPLOYMENT", "medium", 30)
    assert action.command == CLASSIC["suggested_action"]["command"]


@pytest.mark.parametrize(
    ("risk", "vote"),
    [("low", "APPROVE"), ("medium", "APPROVE"), ("high", "REQUEST_REVISION"), ("critical", "REJECT")],
)
def test_the_classic_answer_is_a_review(risk, vote):
    said = read(orjson.dumps({**CLASSIC, "risk_level": risk}).decode(), ReviewReply)

    assert said.vote == vote


def test_the_classic_answer_is_a_critique():
    assert read(orjson.dumps(CLASSIC).decode(), CritiqueReply).confidence == 85


def test_data_that_is_destroyed_is_past_every_limit():
    radius = {**CLASSIC["blast_radius"], "data_impact": "destructive"}
    said = read(orjson.dumps({**CLASSIC, "blast_radius": radius}).decode(), PlanReply)

    assert said.actions[0].blast_radius == 90


@pytest.mark.parametrize("confidence", [101, -1, 250])
def test_a_classic_confidence_out_of_range_is_invalid(confidence):
    with pytest.raises(Unfit):
        read(orjson.dumps({**CLASSIC, "confidence": confidence}).decode(), DiagnosisReply)


SLOPPY = {
    "one string for a list": ({"evidence": "E2"}, ("E2",)),
    "null for a list": ({"evidence": None}, ()),
    "numbers among ids": ({"evidence": [2, "E3"]}, ("2", "E3")),
}


@pytest.mark.parametrize(("given", "evidence"), SLOPPY.values(), ids=list(SLOPPY))
def test_small_slips_are_understood(given, evidence):
    text = orjson.dumps({"hypotheses": [{"cause": "x", "confidence": 50, **given}]}).decode()

    assert read(text, DiagnosisReply).hypotheses[0].evidence == evidence


def test_long_texts_and_long_lists_are_cut():
    many = [{"cause": "x" * 10_000, "confidence": 5, "evidence": ["E1"] * 900}] * 300
    said = read(orjson.dumps({"hypotheses": many}).decode(), DiagnosisReply)

    assert len(said.hypotheses) == 12
    assert len(said.hypotheses[0].cause) == 600
    assert len(said.hypotheses[0].evidence) == 12


@pytest.mark.parametrize("given", [{"cause": {"a": 1}}, {"cause": ["x"]}, {"evidence": [{"id": "E1"}]}])
def test_what_is_no_text_is_invalid(given):
    text = orjson.dumps({"hypotheses": [{"cause": "x", "confidence": 50, **given}]}).decode()
    with pytest.raises(Unfit):
        read(text, DiagnosisReply)

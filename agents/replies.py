"""What each agent's model must answer. Closed objects, short texts; what is too long is cut.

`command` and `checks` are there because models send them: they are kept as untrusted text and never used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from agents.models.classic import Classic, Impact, read_classic
from agents.models.model import Reply

MOST_TEXT, MOST_LINES = 600, 12
PERCENT = 100


def _text(value: Any) -> Any:
    """None is nothing, a number is its text; anything else that is no text is wrong."""
    if value is None:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return " ".join(value.split())[:MOST_TEXT] if isinstance(value, str) else value


def _lines(value: Any) -> Any:
    if value is None:
        return []
    return value[:MOST_LINES] if isinstance(value, list | tuple) else [value]


def _whole(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise ValueError("must be a whole number from 0 to 100")
    return value


def _word(value: Any) -> Any:
    return "_".join(value.upper().replace("-", " ").split()) if isinstance(value, str) else value


def _small(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(_text)]
Ids = Annotated[tuple[Text, ...], BeforeValidator(_lines)]
Percent = Annotated[int, BeforeValidator(_whole), Field(ge=0, le=PERCENT)]
Vote = Annotated[Literal["APPROVE", "REJECT", "ABSTAIN", "REQUEST_REVISION"], BeforeValidator(_word)]
Level = Annotated[Literal["low", "medium", "high", "critical"], BeforeValidator(_small)]


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False, hide_input_in_errors=True)


class HypothesisSaid(Part):
    cause: Text = Field(description="in one sentence: what is broken, and why that makes this symptom")
    service: Text = Field("", description="whose fault it is, by its name in the evidence; empty if unknown")
    confidence: Percent = Field(description="whole number 0 to 100")
    evidence: Ids = Field((), description="ids of the evidence that speaks for it, such as E3")
    against: Ids = Field((), description="ids of the evidence that speaks against it")


class DiagnosisReply(Reply):
    hypotheses: Annotated[tuple[HypothesisSaid, ...], BeforeValidator(_lines)] = Field(
        description="best first, at most five; none where the evidence shows nothing"
    )
    summary: Text = Field("", description="what is known, in one or two sentences")
    command: Text = Field("", description="leave empty")
    checks: Ids = Field((), description="leave empty")

    @classmethod
    def from_classic(cls, given: Mapping[str, Any]) -> Mapping[str, Any] | None:
        classic = read_classic(given)
        if classic is None:
            return None
        cause = {"cause": classic.root_cause, "confidence": classic.confidence}
        return {
            "hypotheses": [{**cause, "evidence": _cited(classic)}] if classic.root_cause else [],
            **_untrusted(classic),
        }


class TargetSaid(Part):
    kind: Annotated[Text, BeforeValidator(_small)] = Field(
        "", description="pod, deployment, statefulset, daemonset, job, node or pvc"
    )
    namespace: Text = ""
    name: Text = Field("", description="exactly as the list of targets has it")


class ParametersSaid(Part):
    """Only what the operation takes; the rest stays null."""

    replicas: int | None = None
    revision: int | None = None
    container: str | None = None
    cpu_request: str | None = None
    memory_request: str | None = None
    cpu_limit: str | None = None
    memory_limit: str | None = None
    size: str | None = None
    name: str | None = None


class ActionSaid(Part):
    operation: Annotated[Text, BeforeValidator(_word)] = Field(description="one of the list, nothing else")
    target: TargetSaid = TargetSaid()
    parameters: ParametersSaid = ParametersSaid()
    hypothesis: Text = Field("", description="id of the hypothesis that it cures, such as H1")
    description: Text = Field("", description="what it does, in one sentence")
    expected_effect: Text = Field("", description="what should be seen after it")
    rollback: Text = Field("", description="how it is taken back, in one sentence")
    risk: Level = "critical"
    blast_radius: Percent = Field(0, description="whole number 0 to 100: how much it can hurt")
    evidence: Ids = Field((), description="ids of the evidence that it rests on")
    command: Text = Field("", description="leave empty")
    checks: Ids = Field((), description="leave empty")


class PlanReply(Reply):
    actions: Annotated[tuple[ActionSaid, ...], BeforeValidator(_lines)] = Field(
        description="best first, at most three; none where nothing safe would help"
    )
    summary: Text = Field("", description="in one or two sentences")

    @classmethod
    def from_classic(cls, given: Mapping[str, Any]) -> Mapping[str, Any] | None:
        classic = read_classic(given)
        if classic is None:
            return None
        suggested = classic.suggested_action
        action = {
            "operation": suggested.operation,
            "description": suggested.description,
            "risk": classic.risk_level.value,
            "blast_radius": _radius(classic),
            "evidence": _cited(classic),
            **_untrusted(classic),
        }
        return {"actions": [action] if suggested.operation else [], "summary": classic.root_cause}


class ReviewReply(Reply):
    vote: Vote = Field(description="APPROVE, REQUEST_REVISION or REJECT; ABSTAIN where you cannot say")
    concerns: Ids = Field((), description="what speaks against the action, one sentence each")
    blast_radius: Percent = Field(0, description="whole number 0 to 100: how much it can hurt")

    @classmethod
    def from_classic(cls, given: Mapping[str, Any]) -> Mapping[str, Any] | None:
        classic = read_classic(given)
        if classic is None:
            return None
        vote = {"low": "APPROVE", "medium": "APPROVE", "high": "REQUEST_REVISION"}
        return {
            "vote": vote.get(classic.risk_level.value, "REJECT"),
            "concerns": [f"risk {classic.risk_level.value}", *classic.dry_run_checks],
            "blast_radius": _radius(classic),
        }


class ChallengeSaid(Part):
    question: Text = Field(description="what is doubtful, as a question")
    about: Annotated[Literal["cause", "alternative", "effect"], BeforeValidator(_small)] = Field(
        description="cause: is it proven; alternative: what else explains it; effect: what the fix breaks"
    )
    severity: Annotated[Literal["minor", "major", "critical"], BeforeValidator(_small)] = Field(
        description="critical: the action must not be done"
    )
    evidence: Ids = Field((), description="ids of the evidence that it rests on")


class CritiqueReply(Reply):
    challenges: Annotated[tuple[ChallengeSaid, ...], BeforeValidator(_lines)] = Field(
        description="at least three, one about each: cause, alternative, effect"
    )
    confidence: Percent = Field(description="in the first hypothesis after your challenges, 0 to 100")

    @classmethod
    def from_classic(cls, given: Mapping[str, Any]) -> Mapping[str, Any] | None:
        classic = read_classic(given)
        return None if classic is None else {"challenges": [], "confidence": classic.confidence}


def _cited(classic: Classic) -> list[str]:
    """The classic answer has no field for it: ids that stand in its text."""
    text = f"{classic.root_cause} {classic.suggested_action.description}"
    return [word.strip("[]().,;:") for word in text.split() if word.strip("[]().,;:")[:1] == "E"]


def _untrusted(classic: Classic) -> dict[str, Any]:
    return {"command": classic.suggested_action.command, "checks": list(classic.dry_run_checks)}


def _radius(classic: Classic) -> int:
    """On our scale: one more pod or service is 5 more, and data that is destroyed is past every limit."""
    told = classic.blast_radius
    counted = 5 * (told.affected_pods + len(told.related_services))
    floor = {Impact.DESTRUCTIVE: 90, Impact.WRITE: 30}.get(told.data_impact, 0)
    return min(PERCENT, max(floor, counted))

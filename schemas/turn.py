"""What the turns of all agents have in common."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from schemas.envelope import Long, Plain


class Agent(StrEnum):
    DIAGNOSTICIAN = "diagnostician"
    SOLVER = "solver"
    REVIEWER = "reviewer"
    CRITIC = "critic"
    COORDINATOR = "coordinator"


class Vote(StrEnum):
    APPROVE = "APPROVE"
    REJECT = "REJECT"
    ABSTAIN = "ABSTAIN"
    REQUEST_REVISION = "REQUEST_REVISION"


class Usage(Plain):
    """Who answered, and what it cost."""

    provider: str = Field(
        "rules", description="which model provider; rules where none was asked or none answered"
    )
    model: str = Field("", description="its model")
    tokens_in: Long = Field(0, description="tokens of all questions, retries and repairs among them")
    tokens_out: Long = Field(0, description="tokens of all answers")
    cost_usd: float = Field(0.0, description="by the configured price")
    calls: Long = Field(0, description="calls to providers, failed ones among them")
    repaired: bool = Field(False, description="its first answer was invalid and it was asked again")
    failures: tuple[str, ...] = Field((), description="provider: reason, of each that gave no answer")


class Turn(Plain):
    """How an agent came to what it says."""

    agent: Agent = Field(description="who speaks")
    input_hash: str = Field(description="first 16 hex digits of SHA-256 of the input that matters")
    vote: Vote = Field(description="what it votes")
    degraded: bool = Field(False, description="it speaks from rules, or from less than it was to have")
    failed: str = Field("", description="why it gave up; empty where it did not")
    latency_ms: Long = Field(description="from taking the input to the answer")
    usage: Usage = Field(default_factory=Usage, description="who answered, what it cost")
    dropped_claims: Long = Field(0, description="claims that cited nothing, or nothing that exists")
    notes: tuple[str, ...] = Field((), description="what a reader should know, one sentence each")

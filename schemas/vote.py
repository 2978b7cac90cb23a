"""A signature on its way: verified or refused by itself, then counted, refused or late at its approval."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from schemas.envelope import Event, Long, Moment, Plain


class Ballot(Plain):
    """A signature that is somebody's. Whether it counts is the approval's to say."""

    signature: str = Field(description="SHA-256 of the record as it came, 64 hex digits")
    token: str = Field(description="the compact JWS itself: whoever acts on it verifies it again")
    person: str = Field(description="whose key it is, by our registry")
    roles: tuple[str, ...] = Field(description="those signed with that the registry gives")
    projects: tuple[str, ...] = Field(description="where the person has a say; * is everywhere")
    decision: str = Field(description="approve or reject")
    approval_id: str = Field(description="what it is for")
    action_hash: str = Field(description="the action that it is over")
    reason: str = Field("", description="in the person's words")
    jti: str = Field(description="the token's own id")
    issuer: str = Field(description="who vouches for the key")
    kid: str = Field(description="the key's id")
    subject: str = Field(description="as the issuer calls the person")
    expires: Long = Field(description="when the token ends, in epoch seconds")
    proof: str = Field("", description="HMAC-SHA256 of the policy stages over the vote, its id and its time")
    signers_offset: Long = Field(-1, description="how far the topic of signers was read then; -1: not at all")


class VoteVerified(Event):
    """A signature is somebody's; recorded_at is the one time that it is judged by."""

    type: Literal["vote.verified"] = "vote.verified"
    payload: Ballot
    id_over: ClassVar[str] = "where the signature stands in the log"


class VoteRefusal(Plain):
    """What the token says of itself stands here only where it has the right form."""

    signature: str = Field(description="SHA-256 of the record as it came, 64 hex digits")
    approval_id: str = Field("", description="what it says it is for")
    jti: str = Field("", description="the token's own id")
    person: str = Field("", description="whose it is, where that is known")
    refusal: str = Field(description="the reason, a short constant")
    sentence: str = Field(description="for people: what is wrong, and what would be right")
    size: Long = Field(description="bytes of the record")
    signers_offset: Long = Field(-1, description="how far the topic of signers was read then; -1: not at all")


class VoteRefused(Event):
    """A signature does not count, and why."""

    type: Literal["vote.refused"] = "vote.refused"
    payload: VoteRefusal
    id_over: ClassVar[str] = "where the signature stands in the log; at its approval the vote"


class CountRefused(VoteRefused):
    """The same, said by the approval and not by the intake: of one type, on a topic of its own."""


class TurnedAway(Plain):
    refusal: str = Field(description="the reason, a short constant")
    sentence: str = Field(description="for people: what is wrong, and what would be right")
    approval_id: str = Field("", description="of the path, where it has the form of one")
    signature: str = Field("", description="SHA-256 of the body, 64 hex digits; empty where it was not read")
    size: Long = Field(0, description="bytes of the body")
    sender: str = Field("", description="keyed hash of the sender's network: the same for all its tries")
    times: Long = Field(1, description="how many it stands for; those that are only counted have no details")
    first_at: Moment = Field(description="when the first of them came")


class VoteTurnedAway(Event):
    """A gateway refused what was sent as a signature, before the log: it cannot be one for that approval."""

    type: Literal["vote.turned_away"] = "vote.turned_away"
    payload: TurnedAway
    id_over: ClassVar[str] = "the gateway process, and a number of its own"


class Count(Plain):
    signature: str = Field(description="SHA-256 of the record as it came, 64 hex digits")
    approval_id: str = Field(description="what it is for")
    jti: str = Field(description="the token's own id")
    person: str = Field(description="who signed")
    decision: str = Field(description="approve or reject")
    reason: str = Field("", description="in the person's words")
    state: str = Field(description="the approval's after it: PENDING, APPROVED, REJECTED, EXPIRED, VOIDED")
    signed_by: tuple[str, ...] = Field((), description="all whose votes count so far")
    asked: Long = Field(description="how many signatures it takes")
    signers_offset: Long = Field(-1, description="how far the topic of signers was read then; -1: not at all")


class VoteCounted(Event):
    """A signature counts for its approval."""

    type: Literal["vote.counted"] = "vote.counted"
    payload: Count
    id_over: ClassVar[str] = "the vote"


class VoteLate(Event):
    """A signature was in order, and its approval closed before."""

    type: Literal["vote.late"] = "vote.late"
    payload: Count
    id_over: ClassVar[str] = "the vote"

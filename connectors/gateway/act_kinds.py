"""What a person can do about an incident: what each act asks for, who may, and which event it becomes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from connectors.gateway.act_desk import Known
from connectors.tokens import Role
from schemas import ids
from schemas.alert import CloseRequested
from schemas.envelope import Event
from schemas.incident import (
    CauseVerdict,
    IncidentAcknowledged,
    IncidentAssigned,
    IncidentCancelRequested,
    IncidentCauseJudged,
    IncidentCommented,
    IncidentRerunRequested,
    IncidentStatus,
)
from schemas.person import PERSON, PERSON_IN_WORDS

COMMENT, NOTE, REASON, CAUSE = 4_000, 2_000, 1_000, 1_000
"""characters"""
MOST_RUNS = 1_000_000
CLOSED = frozenset({IncidentStatus.RESOLVED, IncidentStatus.EXPIRED})
_STEERING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e007f]")
_LINE_ENDS = re.compile("\r\n?|[\u0085\u2028\u2029]")
_SERVICE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,251}[A-Za-z0-9])?")


# -- what is asked for


def plain(text: str) -> str:
    """As a person wrote it, without what steers a terminal or the direction of writing."""
    lines = _STEERING.sub("", _LINE_ENDS.sub("\n", text))
    return "".join(one for one in lines if one in "\n\t" or unicodedata.category(one) != "Cc").strip()


def _said(text: str) -> str:
    if not text:
        raise ValueError("is empty: there is nothing to record")
    return text


def _person(name: str) -> str:
    if name and not re.fullmatch(PERSON, name):
        raise ValueError(f"is no person's name ({PERSON_IN_WORDS}); empty: nobody's")
    return name


def _service(name: str) -> str:
    if name and not _SERVICE.fullmatch(name):
        raise ValueError("is no service's name (letters, digits and . _ / - within)")
    return name


Note = Annotated[str, Field(max_length=NOTE), AfterValidator(plain)]
Reason = Annotated[str, Field(max_length=REASON), AfterValidator(plain)]
Run = Annotated[int, Field(ge=0, le=MOST_RUNS, strict=True)]


class Body(BaseModel):
    """What a request brings. Who asks is the token's to say: a field for it is refused like any other."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    texts: ClassVar[tuple[str, ...]] = ()
    """the fields in a person's own words"""


class Acknowledge(Body):
    note: Note = ""
    texts = ("note",)


class Assign(Body):
    assignee: Annotated[str, AfterValidator(_person)] = Field(description="whose it is; empty: nobody's")
    note: Note = ""
    texts = ("note",)


class Comment(Body):
    text: Annotated[str, Field(max_length=COMMENT), AfterValidator(plain), AfterValidator(_said)]
    texts = ("text",)


class Cancel(Body):
    reason: Reason = ""
    run: Run = Field(0, description="which one, from 1; 0: whichever is pending")
    texts = ("reason",)


class Rerun(Body):
    note: Note = Field("", description="evidence of the new run")
    texts = ("note",)


class Judge(Body):
    verdict: CauseVerdict
    cause: Annotated[str, Field(max_length=CAUSE), AfterValidator(plain)] = Field(
        "", description="the real one, where it is known"
    )
    service: Annotated[str, AfterValidator(_service)] = Field("", description="whose fault it was")
    run: Run = Field(0, description="which one, from 1; 0: the latest that has come to a decision")
    texts = ("cause",)


class Close(Body):
    reason: Reason = ""
    texts = ("reason",)


# -- what becomes of it


@dataclass(frozen=True, slots=True)
class Act:
    name: str
    summary: str
    body: type[Body]
    event: type[Event]
    roles: tuple[Role, ...]
    example: Mapping[str, Any]
    closed_too: bool = False
    """it makes sense on a closed incident"""
    for_models: bool = False
    """models read its words: whatever speaks to a reader is taken out of them"""

    def payload(self, body: Body, words: Mapping[str, str], known: Known) -> Any:
        """Every payload holds what its body asks for; some, what the record or the path says of it too."""
        model: Any = self.event.model_fields["payload"].annotation
        number = getattr(body, "run", 0)
        told = {
            "fingerprint": known.fingerprint,
            "incident_id": known.incident_id,
            "run_id": ids.run_id(known.incident_id, number) if number else "",
        }
        given = {**told, **body.model_dump(), **words}
        return model(**{name: given[name] for name in model.model_fields})


HANDS = (Role.OPERATOR, Role.ADMIN)
VOICES = (Role.OPERATOR, Role.APPROVER, Role.ADMIN)
ACTS: Mapping[str, Act] = {
    act.name: act
    for act in (
        Act(
            "acknowledge",
            "I look at it",
            Acknowledge,
            IncidentAcknowledged,
            VOICES,
            {"note": "looking at the ingress first"},
        ),
        Act(
            "assign",
            "It is this person's from now on",
            Assign,
            IncidentAssigned,
            HANDS,
            {"assignee": "bob", "note": "you know this service best"},
        ),
        Act(
            "comment",
            "Something to be read beside it",
            Comment,
            IncidentCommented,
            VOICES,
            {"text": "the certificate of the ingress expired at 10:02"},
            closed_too=True,
        ),
        Act(
            "cancel",
            "Call off the pending run, and its approval with it",
            Cancel,
            IncidentCancelRequested,
            HANDS,
            {"reason": "we are mending it by hand"},
        ),
        Act(
            "rerun",
            "Ask for a new run; the note is evidence of it",
            Rerun,
            IncidentRerunRequested,
            HANDS,
            {"note": "the node was replaced at 09:40; memory is not the cause"},
            for_models=True,
        ),
        Act(
            "judge",
            "Say whether the named cause is the right one, and which is",
            Judge,
            IncidentCauseJudged,
            VOICES,
            {"verdict": "wrong", "cause": "an expired certificate", "service": "ingress"},
            closed_too=True,
            for_models=True,
        ),
        Act(
            "close",
            "Close it; dedup decides",
            Close,
            CloseRequested,
            HANDS,
            {"reason": "false alarm"},
        ),
    )
}

"""A mapping, as people write it: where in a sender's JSON each part of an alert lies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    model_validator,
)

from connectors.alerts.expressions import Expr, Expression
from schemas.alert import AlertStatus, ResourceType, Severity

WhyNot = Callable[[str], str | None]
"""Why a source may not be called so; None where it may."""
_PARTS = ("labels", "annotations", "metrics")


def _words(value: object) -> object:
    """A sender's words as text. YAML reads `on`, `no` and the like as booleans, which nobody meant."""
    if not isinstance(value, dict):
        return value
    for word in value:
        if isinstance(word, bool):
            said = "YAML reads yes, no, on, off, true, false as booleans: put such a word in quotes"
            raise ValueError(said)  # noqa: TRY004  pydantic takes ValueError for a complaint
    return {str(word): meant for word, meant in value.items()}


def _folded(words: dict[str, Any]) -> dict[str, Any]:
    return {_word(word): meant for word, meant in words.items()}


def _word(text: str) -> str:
    return text.strip().lower()


_WORDS = (BeforeValidator(_words), AfterValidator(_folded))


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Fields(_Part):
    """Each a JMESPath expression."""

    title: Expr | None = Field(None, description="becomes alert_type; states such as [FIRING] are taken off")
    status: Expr | None = None
    severity: Expr | None = None
    message: Expr | None = None
    description: Expr | None = None
    namespace: Expr | None = None
    resource: Expr | None = None
    resource_type: Expr | None = None
    cluster: Expr | None = None
    fired_at: Expr | None = None
    ends_at: Expr | None = None
    url: Expr | None = None
    labels_from: Expr | None = Field(None, description="an object, or a list of tags")
    labels: dict[str, Expr] = Field(default_factory=dict)
    annotations: dict[str, Expr] = Field(default_factory=dict)
    metrics: dict[str, Expr] = Field(default_factory=dict)

    def single(self) -> dict[str, Expression]:
        """The fields that are given and are one expression."""
        names = (name for name in Fields.model_fields if name not in _PARTS)
        return {name: found for name in names if (found := getattr(self, name)) is not None}


class Words(_Part):
    """What the sender's words mean; case does not count."""

    status: Annotated[dict[str, AlertStatus], *_WORDS] = Field(default_factory=dict)
    severity: Annotated[dict[str, Severity], *_WORDS] = Field(default_factory=dict)
    resource_type: Annotated[dict[str, ResourceType], *_WORDS] = Field(default_factory=dict)

    def meaning(self, field: str, word: str) -> Any:
        return getattr(self, field).get(_word(word))


class Defaults(_Part):
    """What holds where the expressions find nothing; plain values."""

    title: str | None = Field(None, min_length=1)
    status: AlertStatus | None = None
    severity: Severity | None = None
    message: str | None = None
    description: str | None = None
    namespace: str | None = None
    resource: str | None = None
    resource_type: ResourceType | None = None
    cluster: str | None = None
    url: str | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)


class AlertMapping(Fields):
    detect: Expr | None = Field(None, description="true for this sender's payloads, for `auto`")
    each: Expr | None = Field(None, description="the list of alerts; by default the payload is one")
    shared: Fields = Field(
        default_factory=Fields,
        description="what all alerts of a payload share, looked for in the whole of it",
    )
    values: Words = Field(default_factory=Words)
    defaults: Defaults = Field(default_factory=Defaults)

    @model_validator(mode="after")
    def _has_a_title(self) -> Self:
        if self.title is None and self.shared.title is None and self.defaults.title is None:
            raise ValueError("title is missing: an expression, or a text in defaults")
        return self


def _free(name: str, info: ValidationInfo) -> str:
    """Told with all else that is wrong in the file, so it is looked at here."""
    why_not: WhyNot | None = info.context
    if why_not is not None and (why := why_not(name)):
        raise ValueError(why)
    return name


class MappingsFile(_Part):
    mappings: dict[Annotated[str, AfterValidator(_free)], AlertMapping] = Field(
        description="by the source's name"
    )

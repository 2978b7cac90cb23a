"""What binds an action's labels to their real values: a salted commitment each, salts and values sealed.

Preflight draws the salts and seals them beside the values, in the form that a run's values have everywhere: a
salt stands under its label's name with a word before it, which no label can be. Who acts opens them, puts the
values back, and sees that they are those that were signed.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from agents.privacy import labels_in
from schemas.operations import Step
from streams.policy.action_hash import commitment, new_salt

SALT_OF = "salt of "


@dataclass(frozen=True, slots=True)
class Committed:
    """`values` is what is sealed: real values and salts."""

    commitments: dict[str, str]
    values: dict[str, str] = field(repr=False)


def labels_of(steps: Iterable[Step | None]) -> list[str]:
    told = (step.model_dump_json() for step in steps if step is not None)
    return sorted({label for text in told for label in labels_in(text)})


def commit(steps: Iterable[Step | None], values: Mapping[str, str]) -> Committed:
    """To each label of the steps; KeyError where a label has no value."""
    salts = {label: new_salt() for label in labels_of(steps)}
    commitments = {label: commitment(label, values[label], salt) for label, salt in salts.items()}
    return Committed(commitments, {**values, **{SALT_OF + label: salt for label, salt in salts.items()}})


def broken(commitments: Mapping[str, str], opened: Mapping[str, str]) -> str:
    """The first label whose real value is not the one that was committed to; empty where all are."""
    for label, told in sorted(commitments.items()):
        value, salt = opened.get(label), opened.get(SALT_OF + label)
        if value is None or salt is None:
            return label
        if not hmac.compare_digest(commitment(label, value, salt), told):
            return label
    return ""

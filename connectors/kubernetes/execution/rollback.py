"""ROLLBACK_DEPLOYMENT: the whole template of an earlier revision, put back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connectors.kubernetes.execution.act import (
    ACTION,
    JSON_PATCH,
    Seen,
    Write,
    path_of,
    preconditions,
    shown,
)
from connectors.kubernetes.execution.workloads import WorkloadAct, current_revision
from connectors.kubernetes.reading import Obj, dig, part, strings
from connectors.kubernetes.workloads import revision
from schemas.operations import Step
from schemas.preflight import Check

HASH = "pod-template-hash"
"""a controller's own label in the template of a replica set"""


class Rollback(WorkloadAct):
    def problems(self, step: Step, seen: Seen) -> Iterable[Check]:
        yield from super().problems(step, seen)
        found, now = wanted_revision(step, seen), current_revision(seen)
        kept = ", ".join(str(revision(one)) for one in seen.revisions) or "none"
        if found is None:
            told = f"{shown(step)} has no such revision; kept: {kept}, in force: {now}"
            yield Check(name="revision", passed=False, message=told)
        else:
            told = f"from revision {now} to {revision(found)}"
            yield Check(name="revision", passed=revision(found) != now, message=told)

    def writes(self, step: Step, seen: Seen, action_id: str) -> Sequence[Write]:
        """A patch of single places: merging would leave what the newer template added."""
        found, must = wanted_revision(step, seen), preconditions(seen.target)
        if found is None:
            return []
        marks = {**strings(seen.target, "metadata", "annotations"), ACTION: action_id}
        body = [
            {"op": "test", "path": "/metadata/uid", "value": must["uid"]},
            {"op": "replace", "path": "/metadata/resourceVersion", "value": must["resourceVersion"]},
            {"op": "add", "path": "/metadata/annotations", "value": marks},
            {"op": "replace", "path": "/spec/template", "value": template_of(found)},
        ]
        return [Write(f"roll {shown(step)} back", "PATCH", path_of(step), body, JSON_PATCH)]


def wanted_revision(step: Step, seen: Seen) -> Obj | None:
    """The one that is named, else the latest before the one in force."""
    now, wanted = current_revision(seen), step.parameters.revision
    for found in seen.revisions:
        number = revision(found)
        if number == wanted if wanted is not None else 0 < number < now:
            return found
    return None


def template_of(found: Obj) -> dict[str, Any]:
    """A replica set has it under spec, a controller revision under data.spec, marked as a replacement."""
    data = dig(found, "data")
    template: Mapping[str, Any] = part(data if isinstance(data, Mapping) else found, "spec", "template")
    labels = {name: told for name, told in strings(template, "metadata", "labels").items() if name != HASH}
    plain = {name: value for name, value in template.items() if name != "$patch"}
    return {**plain, "metadata": {**part(template, "metadata"), "labels": labels}}

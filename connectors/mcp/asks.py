"""What the tools of Kubernetes are asked: one for each operation, and the looks that change nothing.

The server offers these schemas, the executor compares them with its own, and both make and read arguments
here: typed, from one step of the closed list.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, get_args

import orjson
from pydantic import AfterValidator, BaseModel, Field, ValidationError, WithJsonSchema, create_model

from connectors.executors.contract import Observed, Order
from connectors.kubernetes.kinds import BY_WORD
from connectors.mcp.answers import Sight
from connectors.mcp.config import OPERATIONS
from schemas.envelope import Plain
from schemas.errors import BadPayload
from schemas.operations import SHAPES, Operation, Parameters, Step, Target

M = TypeVar("M", bound=BaseModel)

Cluster = Annotated[str, Field(max_length=253, description="which cluster, by its configured name")]
Name = Annotated[str, Field(max_length=253, description="the target's name")]
Namespace = Annotated[str, Field(max_length=253, description="the target's namespace")]
ActionId = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9._:-]{1,128}$", description="idempotency key: under one id it is done once"),
]
State = Annotated[
    str, Field(pattern=r"^[0-9a-f]{64}$", description="hash of the target's state, as `check` told it")
]
Version = Annotated[
    str,
    Field(max_length=128, description="the very version that it must have; empty: any of this state"),
]


def _known(operation: Operation) -> Operation:
    if operation not in OPERATIONS:
        raise ValueError("is no operation on Kubernetes")
    return operation


Which = Annotated[
    Operation, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": list(OPERATIONS)})
]


class About(Plain):
    """What a look is about."""

    operation: Which = Field(description="which operation it would be")
    cluster: Cluster = "default"
    namespace: str = Field("", max_length=253, description="empty for a node")
    kind: str = Field(max_length=32, description="pod, deployment, statefulset, daemonset, job, node or pvc")
    name: Name
    parameters: Parameters = Field(default_factory=Parameters, description="beside the target")
    action_id: ActionId

    def order(self) -> Order:
        target = Target(cluster=self.cluster, namespace=self.namespace, kind=self.kind, name=self.name)
        return _ordered(self.operation, target, self.parameters, self.action_id)


class AboutState(About):
    expected_state: State


class AboutThen(About):
    before: Sight | None = Field(None, description="what was seen when it was sent")


class AboutBoth(AboutState):
    before: Sight | None = Field(None, description="what was seen when it was sent")


LOOKS: Mapping[str, type[About]] = {
    "check": About,
    "look": AboutState,
    "dry_run": About,
    "probe": AboutBoth,
    "verify": AboutThen,
}


def tool_of(operation: Operation) -> str:
    return operation.lower()


WRITES: Mapping[str, Operation] = {tool_of(operation): operation for operation in OPERATIONS}


@cache
def writes(operation: Operation) -> type[Plain]:
    """The arguments of the tool that carries it out."""
    shape = SHAPES[operation]
    fields: dict[str, Any] = {"cluster": (Cluster, "default")}
    if BY_WORD[shape.kinds[0]].namespaced:
        fields["namespace"] = (Namespace, ...)
    if len(shape.kinds) > 1:
        fields["kind"] = (Literal[shape.kinds], Field(description="the target's kind"))
    fields["name"] = (Name, ...)
    for name in (*shape.required, *shape.optional):
        fields[name] = _parameter(name, required=name in shape.required)
    fields |= {"action_id": (ActionId, ...), "expected_state": (State, ...)}
    fields["expected_version"] = (Version, "")
    return create_model(tool_of(operation), __base__=Plain, **fields)


def schema_of(tool: str) -> dict[str, Any]:
    """What the server says of its arguments."""
    model: type[BaseModel] = LOOKS[tool] if tool in LOOKS else writes(WRITES[tool])
    return model.model_json_schema()


# -- there


def about(order: Order, **beside: Any) -> dict[str, Any]:
    """The arguments of a look."""
    step = order.step
    place = step.target.model_dump(exclude={"id"})
    parameters = step.parameters.model_dump(exclude_defaults=True)
    told = {"operation": step.operation, **place, "parameters": parameters, "action_id": order.action_id}
    return {**told, **{name: value for name, value in beside.items() if value is not None}}


def writing(order: Order, expected: str, version: str) -> dict[str, Any]:
    """The arguments of the tool that carries an operation out."""
    step = order.step
    known = writes(step.operation).model_fields
    place = {name: value for name, value in step.target if name in known}
    parameters = step.parameters.model_dump(exclude_defaults=True)
    preconditions = {"expected_state": expected, "expected_version": version}
    return {**place, **parameters, "action_id": order.action_id, **preconditions}


def sight(observed: Observed | None) -> dict[str, Any] | None:
    return None if observed is None else Sight.of(observed).model_dump()


# -- and back


def read_look(tool: str, arguments: Mapping[str, Any]) -> About:
    return _read(LOOKS[tool], arguments)


def read_write(tool: str, arguments: Mapping[str, Any]) -> tuple[Order, str, str]:
    """The order, the state that it was approved for, and the version that its target must have."""
    operation = WRITES[tool]
    told = dict(_read(writes(operation), arguments))
    action_id, state = told.pop("action_id"), told.pop("expected_state")
    version = told.pop("expected_version")
    place = {name: told.pop(name) for name in ("cluster", "namespace", "kind", "name") if name in told}
    target = Target(**{"kind": SHAPES[operation].kinds[0], **place})
    parameters = Parameters(**{name: value for name, value in told.items() if value is not None})
    return _ordered(operation, target, parameters, action_id), state, version


def _read(model: type[M], arguments: Mapping[str, Any]) -> M:
    """Strictly: no text for a number, no field that there is not."""
    try:
        return model.model_validate_json(orjson.dumps(arguments), strict=True)
    except ValidationError as error:
        raise BadPayload(_told(error), field="arguments") from None  # it may hold values


def _ordered(operation: Operation, target: Target, parameters: Parameters, action_id: str) -> Order:
    try:
        return Order(Step(operation=operation, target=target, parameters=parameters), action_id)
    except ValidationError as error:
        raise BadPayload(_told(error), field="arguments") from None  # it may hold values


def _told(error: ValidationError) -> str:
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, one['loc'])) or 'it'}: {one['msg']}" for one in faults[:5])


def _parameter(name: str, *, required: bool) -> tuple[Any, Any]:
    """As the step's own; one that is required cannot be null."""
    field = Parameters.model_fields[name]
    if not required:
        return field.annotation, field
    kinds = [kind for kind in get_args(field.annotation) if kind is not type(None)]
    said = Field(description=field.description)
    return Annotated[kinds[0], *field.metadata] if kinds else field.annotation, said

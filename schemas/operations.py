"""The closed list of what may be done, with what each operation must and may be told.

A model chooses from this list; it never supplies the text of a command.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pydantic import Field, model_validator

from schemas.envelope import Long, Plain


class Operation(StrEnum):
    NONE = "NONE"
    GET_DETAILS = "GET_DETAILS"
    DELETE_POD = "DELETE_POD"
    RESTART_DEPLOYMENT = "RESTART_DEPLOYMENT"
    SCALE_DEPLOYMENT = "SCALE_DEPLOYMENT"
    ROLLBACK_DEPLOYMENT = "ROLLBACK_DEPLOYMENT"
    SET_RESOURCES = "SET_RESOURCES"
    RESTART_JOB = "RESTART_JOB"
    CORDON_NODE = "CORDON_NODE"
    UNCORDON_NODE = "UNCORDON_NODE"
    DRAIN_NODE = "DRAIN_NODE"
    EXPAND_PVC = "EXPAND_PVC"
    DELETE_PVC = "DELETE_PVC"
    RESTORE_PVC = "RESTORE_PVC"
    """takes DELETE_PVC back; nobody proposes it"""
    RUN_PLAYBOOK = "RUN_PLAYBOOK"
    RUN_COMMAND = "RUN_COMMAND"
    CALL_HTTP = "CALL_HTTP"
    CALL_TOOL = "CALL_TOOL"


UNDOS = frozenset({Operation.RESTORE_PVC})
PROPOSED = tuple(operation for operation in Operation if operation not in UNDOS)
"""what may be proposed; the others only take back what was done"""


class Risk(StrEnum):
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"

    @property
    def rank(self) -> int:
        return list(Risk).index(self)


@dataclass(frozen=True, slots=True)
class Shape:
    """What an operation is about, and which parameters it takes."""

    floor: Risk
    kinds: tuple[str, ...] = ()
    """kinds of target, small letters; empty: none is needed"""
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    undo: Operation | None = None


NAMED = (Operation.RUN_PLAYBOOK, Operation.RUN_COMMAND, Operation.CALL_HTTP, Operation.CALL_TOOL)
"""Operations that are only what their configuration makes of them: it says how risky each thing is."""
WORKLOADS = ("deployment", "statefulset", "daemonset")
SHAPES: Mapping[Operation, Shape] = {
    Operation.NONE: Shape(Risk.LOW),
    Operation.GET_DETAILS: Shape(Risk.LOW),
    Operation.DELETE_POD: Shape(Risk.LOW, ("pod",)),
    Operation.RESTART_DEPLOYMENT: Shape(Risk.MEDIUM, WORKLOADS, undo=Operation.ROLLBACK_DEPLOYMENT),
    Operation.SCALE_DEPLOYMENT: Shape(
        Risk.MEDIUM, ("deployment", "statefulset"), ("replicas",), undo=Operation.SCALE_DEPLOYMENT
    ),
    Operation.ROLLBACK_DEPLOYMENT: Shape(
        Risk.HIGH, WORKLOADS, optional=("revision",), undo=Operation.ROLLBACK_DEPLOYMENT
    ),
    Operation.SET_RESOURCES: Shape(
        Risk.HIGH, WORKLOADS, optional=("container", "requests", "limits"), undo=Operation.SET_RESOURCES
    ),
    Operation.RESTART_JOB: Shape(Risk.MEDIUM, ("job",)),
    Operation.CORDON_NODE: Shape(Risk.HIGH, ("node",), undo=Operation.UNCORDON_NODE),
    Operation.UNCORDON_NODE: Shape(Risk.HIGH, ("node",), undo=Operation.CORDON_NODE),
    Operation.DRAIN_NODE: Shape(Risk.HIGH, ("node",), undo=Operation.UNCORDON_NODE),
    Operation.EXPAND_PVC: Shape(Risk.HIGH, ("pvc",), ("size",)),
    Operation.DELETE_PVC: Shape(Risk.CRITICAL, ("pvc",), undo=Operation.RESTORE_PVC),
    Operation.RESTORE_PVC: Shape(Risk.CRITICAL, ("pvc",), ("name", "size"), ("arguments",)),
    Operation.RUN_PLAYBOOK: Shape(Risk.HIGH, required=("name",), optional=("arguments",)),
    Operation.RUN_COMMAND: Shape(Risk.HIGH, required=("name",), optional=("arguments",)),
    Operation.CALL_HTTP: Shape(Risk.HIGH, required=("name",), optional=("arguments",)),
    Operation.CALL_TOOL: Shape(Risk.HIGH, required=("name",), optional=("arguments",)),
}


class Target(Plain):
    """What an action is about, as people and evidence name it; `id` is the keyed hash of its real name."""

    cluster: str = Field("default", description="which cluster")
    namespace: str = Field("", description="Kubernetes namespace, empty where none")
    kind: str = Field("", description="pod, deployment, statefulset, daemonset, job, node or pvc")
    name: str = Field("", description="its name; a label where the name is a personal value")
    id: str = Field("", description="keyed hash of project, cluster, namespace, kind and real name")


class Parameters(Plain):
    """Typed: which of them an operation takes is said by its shape."""

    replicas: Long | None = Field(None, ge=1, le=10_000, description="of SCALE_DEPLOYMENT; never 0")
    revision: Long | None = Field(None, ge=1, description="of ROLLBACK_DEPLOYMENT; none: the one before")
    container: str | None = Field(None, max_length=253, description="of SET_RESOURCES; none: the only one")
    requests: dict[str, str] = Field(default_factory=dict, description="of SET_RESOURCES: cpu, memory")
    limits: dict[str, str] = Field(default_factory=dict, description="of SET_RESOURCES: cpu, memory")
    size: str | None = Field(None, pattern=r"^[1-9][0-9]{0,6}(Mi|Gi|Ti)$", description="of EXPAND_PVC")
    name: str | None = Field(
        None, max_length=253, description="which configured playbook, command, call, tool"
    )
    arguments: dict[str, str] = Field(default_factory=dict, description="its typed arguments, as text")

    def given(self) -> frozenset[str]:
        return frozenset(name for name, value in self if value not in (None, {}))


class Step(Plain):
    """One operation on one target: what is proposed, hashed, signed and run."""

    operation: Operation = Field(description="from the closed list")
    target: Target = Field(default_factory=Target, description="what it acts on")
    parameters: Parameters = Field(default_factory=Parameters, description="beside the target")

    @model_validator(mode="after")
    def _fits_its_shape(self) -> Step:
        shape, given = SHAPES[self.operation], self.parameters.given()
        missing = sorted(set(shape.required) - given)
        if missing:
            raise ValueError(f"{self.operation} needs {', '.join(missing)}")
        unknown = sorted(given - set(shape.required) - set(shape.optional))
        if unknown:
            raise ValueError(f"{self.operation} takes no {', '.join(unknown)}")
        if shape.kinds and self.target.kind not in shape.kinds:
            raise ValueError(f"{self.operation} acts on {' or '.join(shape.kinds)}, not {self.target.kind!r}")
        if shape.kinds and not self.target.name:
            raise ValueError(f"{self.operation} needs a target")
        return self

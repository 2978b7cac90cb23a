"""Which operation is done how, and what its parameters may say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from connectors.kubernetes.execution.act import Act, kind_of
from connectors.kubernetes.execution.jobs import RestartJob
from connectors.kubernetes.execution.nodes import Cordon, Drain
from connectors.kubernetes.execution.pods import DeletePod
from connectors.kubernetes.execution.rollback import Rollback
from connectors.kubernetes.execution.volumes import ACCESS_MODES, DeleteClaim, ExpandClaim, RestoreClaim
from connectors.kubernetes.execution.workloads import Restart, Scale, SetResources
from connectors.kubernetes.kinds import BY_WORD, is_name
from schemas.operations import SHAPES, Operation, Parameters, Step

ACTS: Mapping[Operation, Act] = {
    Operation.DELETE_POD: DeletePod(),
    Operation.RESTART_DEPLOYMENT: Restart(),
    Operation.SCALE_DEPLOYMENT: Scale(),
    Operation.ROLLBACK_DEPLOYMENT: Rollback(),
    Operation.SET_RESOURCES: SetResources(),
    Operation.RESTART_JOB: RestartJob(),
    Operation.CORDON_NODE: Cordon(),
    Operation.UNCORDON_NODE: Cordon(off=True),
    Operation.DRAIN_NODE: Drain(),
    Operation.EXPAND_PVC: ExpandClaim(),
    Operation.DELETE_PVC: DeleteClaim(),
    Operation.RESTORE_PVC: RestoreClaim(),
}
AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,3})?(m|k|M|G|T|Ki|Mi|Gi|Ti)?")
RESOURCES = ("cpu", "memory", "ephemeral-storage")


def troubles(step: Step) -> Iterator[str]:
    """What is wrong with it by itself. Nothing that is not a name or an amount gets into a path or a body."""
    target = step.target
    if step.operation not in ACTS:
        yield f"{step.operation} is no operation on Kubernetes"
        return
    if target.kind not in SHAPES[step.operation].kinds or target.kind not in BY_WORD:
        yield f"{step.operation} does not act on {target.kind!r}"
        return
    if not is_name(target.name):
        yield f"that is no {target.kind}'s name"
    if kind_of(step).namespaced and not is_name(target.namespace):
        yield f"a {target.kind} needs its namespace"
    if not kind_of(step).namespaced and target.namespace:
        yield f"a {target.kind} is in no namespace"
    yield from _troubles_of_parameters(step)


def _troubles_of_parameters(step: Step) -> Iterator[str]:
    given = step.parameters
    if given.container is not None and not is_name(given.container):
        yield "that is no container's name"
    for part in (given.requests, given.limits):
        for name, amount in part.items():
            if name not in RESOURCES:
                yield f"{name!r} is no resource that is set; allowed: {', '.join(RESOURCES)}"
            elif not AMOUNT.fullmatch(amount):
                yield f"{amount!r} is no amount of {name}"
    if step.operation is Operation.RESTORE_PVC:
        yield from _troubles_of_claim(given)
    if step.operation is Operation.SET_RESOURCES and not (given.requests or given.limits):
        yield "neither requests nor limits are given"
    if step.operation is Operation.SCALE_DEPLOYMENT and not given.replicas:
        yield "nothing is scaled to 0"


def _troubles_of_claim(given: Parameters) -> Iterator[str]:
    if not is_name(given.name or ""):
        yield "that is no snapshot's name"
    for name, value in given.arguments.items():
        if name == "access_modes":
            known = bool(value) and set(value.split(",")) <= set(ACCESS_MODES)
        else:
            known = name == "storage_class" and is_name(value)
        if not known:
            yield f"{name!r} is nothing that a claim is made with"

"""How much an action can hurt, 0 to 100: ours, from the topology. A model's number can only raise it.

    score = what it acts on x share of it that is touched x who depends on it, at most 100

- what it acts on: a database 1.5, a cache or queue 1.25, a node 1.5, anything else 1;
- the share of its replicas that is away at once: one pod of n is 1/n; a rolling change counts half;
- who depends on it: 15, and for each service that needs it within two hops 6, half at the second hop,
  twice for an ingress, since people stand behind it. Where the topology does not know the service its
  dependents are unknown, not none: 40.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agents.playbooks.seen import from_outside, own_service
from schemas.evidence import Brief, Neighbour, NodeKind
from schemas.operations import Operation, Step

ALONE, EACH, UNKNOWN = 15, 6, 40
HOPS = 2
_KIND = {NodeKind.DATABASE: 1.5, NodeKind.CACHE: 1.25, NodeKind.QUEUE: 1.25, NodeKind.NODE: 1.5}
_ROLLING = 0.5
_BARELY = 0.2
_REPLICAS = ("desired", "desired_replicas", "replicas", "spec_replicas")
_SHARE = {
    Operation.RESTART_DEPLOYMENT: _ROLLING,
    Operation.ROLLBACK_DEPLOYMENT: _ROLLING,
    Operation.SET_RESOURCES: _ROLLING,
    Operation.CORDON_NODE: _BARELY,
    Operation.UNCORDON_NODE: _BARELY,
    Operation.EXPAND_PVC: _BARELY,
    Operation.RESTART_JOB: _ROLLING,
}
HARMLESS = (Operation.NONE, Operation.GET_DETAILS)
_LASTING = {Operation.DELETE_PVC: 90, Operation.DRAIN_NODE: 51}
"""never below: data that is gone, and everything that a node carries"""


def blast_radius(brief: Brief, step: Step, claimed: int = 0) -> int:
    """`claimed` is what a model says of it."""
    if step.operation in HARMLESS:
        return 0
    service = _service(brief, step)
    reach = _reach(brief, service)
    kind = _kind(brief, step, service)
    score = (_KIND.get(kind, 1.0) if kind else 1.0) * _touched(brief, step) * reach
    return min(100, max(round(score), _LASTING.get(step.operation, 0), claimed))


def dependents(brief: Brief, service: str) -> Sequence[tuple[Neighbour, int]]:
    """Who needs it within two hops, each with its distance: a lower bound for a service further down."""
    return [(near, hops) for near, hops in _above(brief, service) if 0 < hops <= HOPS]


def _above(brief: Brief, service: str) -> Iterator[tuple[Neighbour, int]]:
    around = brief.surroundings
    if service == around.service:
        yield from ((near, near.distance) for near in around.upstream)
        return
    below = next((near for near in around.downstream if near.service == service), None)
    if below is None:
        return
    own = Neighbour(
        service=around.service, kind=NodeKind.SERVICE, health=below.health, distance=below.distance
    )
    yield own, below.distance
    yield from ((near, near.distance + below.distance) for near in around.upstream)


def _service(brief: Brief, step: Step) -> str:
    """As the topology names what is acted on; empty where it does not know it."""
    around = brief.surroundings
    if not around.service:
        return ""
    name = step.target.name
    known = [around.service, *(near.service for near in (*around.downstream, *around.upstream))]
    fitting = [service for service in known if name == service or name.startswith(service + "-")]
    if fitting:
        return max(fitting, key=len)
    subject = brief.subject.target
    is_subject = (subject.kind, subject.namespace, subject.name) == (
        step.target.kind,
        step.target.namespace,
        name,
    )
    return own_service(brief) if is_subject else ""


def _reach(brief: Brief, service: str) -> float:
    if not service:
        return UNKNOWN
    near = dependents(brief, service)
    weights = (EACH * (2 if one.kind == NodeKind.INGRESS else 1) / hops for one, hops in near)
    truncated = UNKNOWN if brief.surroundings.truncated else 0
    return max(ALONE + sum(weights), truncated)


def _kind(brief: Brief, step: Step, service: str) -> NodeKind | None:
    if step.target.kind == "node":
        return NodeKind.NODE
    around = brief.surroundings
    known = {near.service: near.kind for near in (*around.upstream, *around.downstream)}
    known |= {suspect.service: suspect.kind for suspect in around.suspects}
    return known.get(service)


def _touched(brief: Brief, step: Step) -> float:
    replicas = _replicas(brief, step)
    if step.operation == Operation.DELETE_POD:
        return 1 / replicas if replicas else 1.0
    if step.operation == Operation.SCALE_DEPLOYMENT:
        wanted = step.parameters.replicas or 0
        if not replicas:
            return 1.0
        return _BARELY if wanted >= replicas else max(_BARELY, (replicas - wanted) / replicas)
    return _SHARE.get(step.operation, 1.0)


def _replicas(brief: Brief, step: Step) -> float:
    """Of the workload, as evidence from outside the alert says; 0 where it does not."""
    names = {step.target.name, _service(brief, step)} - {""}
    for item in brief.items:
        if not from_outside(item) or not any(_same(item.about, name) for name in names):
            continue
        found = next((item.numbers[name] for name in _REPLICAS if item.numbers.get(name, 0) >= 1), 0.0)
        if found:
            return found
    return 0.0


def _same(told: str, name: str) -> bool:
    """A deployment's item is about `checkout`; the pod acted on is `checkout-7d9f-x2x4l`."""
    plain = told.rsplit("/", 1)[-1]
    return bool(plain) and (name == plain or name.startswith(plain + "-"))

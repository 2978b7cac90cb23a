"""Which target an action is about: picked from what evidence names, never invented."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agents.playbooks.shape import Pick
from agents.topology import owners
from schemas.evidence import Brief
from schemas.operations import SHAPES, WORKLOADS, Operation, Target

LABELS = {
    "deployment": "deployment",
    "statefulset": "statefulset",
    "daemonset": "daemonset",
    "pod": "pod",
    "node": "node",
    "job_name": "job",
    "persistentvolumeclaim": "pvc",
}
_KINDS: dict[Pick, tuple[str, ...]] = {
    "workload": WORKLOADS,
    "deployment": ("deployment",),
    "pod": ("pod",),
    "node": ("node",),
    "job": ("job",),
    "pvc": ("pvc",),
}


def pick(
    brief: Brief, operation: Operation, what: Pick | None, service: str, items: Sequence[str]
) -> Target | None:
    """The best fitting one; the alert's own target where evidence names none, for a person to judge."""
    if what is None:
        return Target()
    allowed = SHAPES[operation].kinds
    kinds = _KINDS.get(what, allowed)
    for target in _candidates(brief, service, items):
        if _fits(target, kinds, allowed):
            return target
    return None


def _fits(target: Target, kinds: Sequence[str], allowed: Sequence[str]) -> bool:
    return (
        bool(target.name) and (not kinds or target.kind in kinds) and (not allowed or target.kind in allowed)
    )


def _candidates(brief: Brief, service: str, items: Sequence[str]) -> Iterator[Target]:
    """The surest first: the subject, what is cited, what bears the name."""
    subject = brief.subject.target
    own = service in ("", subject.name, brief.surroundings.service)
    known = [target for target in brief.targets if target.cluster == subject.cluster]
    if own:
        yield from (t for t in known if (t.kind, t.namespace, t.name) == _place(subject))
    cited = [item for item in brief.items if item.id in items]
    for item in cited:
        told = item.about.rsplit("/", 1)[-1].split(" ", 1)[0]
        yield from (target for target in known if target.name == told and target.kind == item.kind)
        yield from (target for target in known if target.name == told)
        yield from _named_in(item.words, known)
    for name in filter(None, (service, subject.name if own else "")):
        yield from (target for target in known if target.name == name)
        yield from (
            t for t in known if t.name.startswith(name + "-") or (own and name.startswith(t.name + "-"))
        )
    if own:
        yield from (t for t in known if t.kind == "node" and t.name in brief.subject.labels.values())
        yield subject
        yield from _told(brief)


def _told(brief: Brief) -> Iterator[Target]:
    """What the alert's labels and a pod's name say: nothing has shown that it exists, so people judge."""
    subject, labels = brief.subject.target, brief.subject.labels
    for label, kind in LABELS.items():
        if labels.get(label):
            yield _like(subject, kind, labels[label])
    if subject.kind == "pod":
        yield from (_like(subject, "deployment", name) for name in owners(subject.name))


def _like(subject: Target, kind: str, name: str) -> Target:
    namespace = "" if kind == "node" else subject.namespace
    return Target(cluster=subject.cluster, namespace=namespace, kind=kind, name=name)


def _named_in(words: dict[str, str], known: Sequence[Target]) -> Iterator[Target]:
    """A pod's item says which workload owns it and which node carries it."""
    for name in ("owner", "node"):
        told = words.get(name, "").rsplit("/", 1)[-1]
        yield from (target for target in known if told and target.name == told)
        if name == "owner" and told:  # a replica set bears its deployment's name
            yield from (target for target in known if told.startswith(target.name + "-"))


def _place(target: Target) -> tuple[str, str, str]:
    return target.kind, target.namespace, target.name

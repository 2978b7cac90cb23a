"""One look at one cluster: an object, what runs it, where it runs, what is ill beside it, what happened."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from connectors.evidence import GAP, Finding, Unavailable
from connectors.kubernetes import kinds, places, pods, workloads
from connectors.kubernetes.client import Cluster, Listing
from connectors.kubernetes.kinds import BY_KIND, Kind
from connectors.kubernetes.pods import Tally
from connectors.kubernetes.reading import (
    Obj,
    joined,
    name_of,
    namespace_of,
    owner_of,
    parts,
    selector,
    strings,
    text,
)
from connectors.kubernetes.subject import Found, Subject

MOST_CLAIMS = 3
MOST_OWNERS = 4
MOST_EVENTS = 250
MOST_ASKED_FOR_EVENTS = 8
MOST_REVISIONS = 50
MOST_WORKLOADS = 500
MOST_BESIDE = 3
SERVICE_NAME = "kubernetes.io/service-name"
POD_LABELS = "pods chosen by"
NOTHING = Listing(())
T = TypeVar("T")


@dataclass(slots=True)
class Look:
    """One look at one cluster: what was found, of what events are wanted, what could not be read."""

    cluster: Cluster
    now: int
    findings: list[Finding] = field(default_factory=list)
    involved: list[Subject] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    seen: set[tuple[str, str, str]] = field(default_factory=set)

    def told(self) -> Sequence[Finding]:
        gaps = dict.fromkeys(self.gaps)
        if not self.findings:
            raise Unavailable("; ".join(gaps))
        return [*self.findings, *(Finding(GAP, "", self.now, gap) for gap in gaps)]

    async def at(self, found: Found) -> None:
        self.gaps += found.doubtful
        for subject in found.subjects:
            await self.around(subject)
        self.findings += [self._missing(name.kind, name.name) for name in found.missing]
        await self.events()
        for namespace in dict.fromkeys(namespace_of(subject.obj) for subject in found.subjects):
            if namespace:
                await self.beside(namespace)
        await self.events()
        if not self.findings and not self.gaps:
            self.gaps.append(f"cluster {self.cluster.name} has nothing that this alert names")

    def _missing(self, kind: Kind, name: str) -> Finding:
        told = f"there is no {kind.word} {name} here, or not any more"
        return Finding("missing", name, self.now, told, words={"missing": f"{kind.word}/{name}"})

    async def around(self, subject: Subject) -> None:
        """Each kind is looked at in its own way; nothing twice."""
        if subject.key in self.seen:
            return
        self.seen.add(subject.key)
        if subject.kind is kinds.POD:
            await self.pod(subject)
        elif subject.kind is kinds.NODE:
            await self.node(subject)
        elif subject.kind is kinds.PVC:
            self.note(subject, places.pvc(subject.obj, self.now))
        elif subject.kind is kinds.SERVICE:
            await self.service(subject)
        elif subject.kind in kinds.WORKLOADS:
            await self.workload(subject)

    def note(self, subject: Subject, found: Finding) -> None:
        self.seen.add(subject.key)
        self.findings.append(found)
        self.involved.append(subject)

    async def hoped(self, reading: Awaitable[T], otherwise: T) -> T:
        """What is beside the subject may be missing: that is a gap, no more."""
        try:
            return await reading
        except Unavailable as error:
            self.gaps.append(str(error))
            return otherwise

    # -- a pod, and upwards

    async def pod(self, subject: Subject) -> None:
        self.note(subject, pods.pod(subject.obj, self.now))
        owners, _, _ = await asyncio.gather(
            self.owners(subject.obj), self._node_of(subject.obj), self._claims_of(subject)
        )
        if owners:
            chain = [subject, *owners]
            await self._tell_owners(chain)

    async def _tell_owners(self, chain: Sequence[Subject]) -> None:
        names = [f"{one.kind.word} {name_of(one.obj)}" for one in chain]
        last = owner_of(chain[-1].obj)
        told = " ← ".join([*names, *([f"{last[0].lower()} {last[1]}"] if last else [])])
        words = {"owners": joined([f"{one.kind.word}/{name_of(one.obj)}" for one in chain[1:]])}
        keys = tuple(one.key for one in chain)
        self.findings.append(Finding("owners", name_of(chain[0].obj), self.now, told, {}, words, keys))
        for owner in chain[1:]:
            if owner.kind in kinds.WORKLOADS and owner.key not in self.seen:
                await self._workload_alone(owner)
            elif owner.kind is kinds.REPLICASET:
                self.involved.append(owner)

    async def owners(self, obj: Obj) -> list[Subject]:
        """What controls it, and what controls that; other people's kinds end the chain."""
        chain: list[Subject] = []
        for _ in range(MOST_OWNERS):
            owner = owner_of(obj)
            if owner is None or owner[0] not in BY_KIND:
                break
            kind = BY_KIND[owner[0]]
            above = await self.hoped(self.cluster.get(kind, namespace_of(obj), owner[1]), None)
            if above is None:
                break
            chain.append(Subject(kind, above))
            obj = above
        return chain

    async def _node_of(self, obj: Obj) -> None:
        name = text(obj, "spec", "nodeName")
        node = await self.hoped(self.cluster.get(kinds.NODE, "", name), None) if name else None
        if node is not None and ("node", "", name) not in self.seen:
            self.seen.add(("node", "", name))
            self.findings.append(places.node(node, self.now))

    async def _claims_of(self, subject: Subject) -> None:
        volumes = parts(subject.obj, "spec", "volumes")
        names = [text(one, "persistentVolumeClaim", "claimName") for one in volumes]
        for name in list(filter(None, names))[:MOST_CLAIMS]:
            reading = self.cluster.get(kinds.PVC, namespace_of(subject.obj), name)
            claim = await self.hoped(reading, None)
            if claim is not None and (found := Subject(kinds.PVC, claim)).key not in self.seen:
                self.note(found, places.pvc(claim, self.now))

    # -- a workload, and downwards

    async def workload(self, subject: Subject) -> None:
        _, running = await asyncio.gather(self._workload_alone(subject), self._pods_of(subject))
        await self._tell_pods(subject.kind, name_of(subject.obj), running)

    async def _workload_alone(self, subject: Subject) -> None:
        self.note(subject, workloads.workload(subject.kind, subject.obj, self.now))
        history = await self.hoped(self._history(subject), [])
        change = workloads.image_change(subject.kind, subject.obj, history, self.now)
        if change is not None:
            self.findings.append(change)

    async def _history(self, subject: Subject) -> list[tuple[int, Obj]]:
        """What it ran: replica sets of a deployment, controller revisions of the other two."""
        labels = chosen(subject.obj)
        if subject.kind is kinds.JOB or not labels:
            return []
        kind = kinds.REPLICASET if subject.kind is kinds.DEPLOYMENT else kinds.REVISION
        space = namespace_of(subject.obj)
        listing = await self.cluster.list(kind, space, labels=labels, most=MOST_REVISIONS)
        own = (subject.kind.kind, name_of(subject.obj))
        return [(workloads.revision(one), one) for one in listing.items if owner_of(one) == own]

    async def _pods_of(self, subject: Subject) -> Tally | None:
        return await self._chosen(namespace_of(subject.obj), chosen(subject.obj))

    async def _chosen(self, namespace: str, labels: str) -> Tally | None:
        """None where they were told of already, or nothing is chosen."""
        if not labels or (POD_LABELS, namespace, labels) in self.seen:
            return None
        self.seen.add((POD_LABELS, namespace, labels))
        return await self.hoped(self._tally(namespace, labels=labels), None)

    async def _tally(self, namespace: str = "", *, labels: str = "", fields: str = "") -> Tally:
        tally = Tally()
        tally.truncated = await self.cluster.each(
            tally.take, kinds.POD, namespace, labels=labels, fields=fields
        )
        return tally

    async def _tell_pods(self, kind: Kind, name: str, tally: Tally | None) -> None:
        """All in one line, and those that are worst off."""
        if tally is None:
            return
        self.findings.append(tally.finding(kind, name, self.now))
        for obj in tally.worst:
            subject = Subject(kinds.POD, obj)
            if subject.key not in self.seen:
                self.note(subject, pods.pod(obj, self.now))
        if tally.worst:
            await self._node_of(tally.worst[0])

    async def beside(self, namespace: str) -> None:
        """What else is not well in a namespace: a cause is often another workload than what is alerted on."""
        asked = (kinds.DEPLOYMENT, kinds.STATEFULSET, kinds.DAEMONSET)
        reading = (self.cluster.list(kind, namespace, most=MOST_WORKLOADS) for kind in asked)
        listed = await asyncio.gather(*(self.hoped(one, NOTHING) for one in reading))
        found = [Subject(kind, obj) for kind, one in zip(asked, listed, strict=True) for obj in one.items]
        ailing = [one for one in found if workloads.lacking(one.kind, one.obj) and one.key not in self.seen]
        ailing.sort(key=lambda one: (-workloads.lacking(one.kind, one.obj), name_of(one.obj)))
        for subject in ailing[:MOST_BESIDE]:
            await self.workload(subject)

    # -- a node, a service

    async def node(self, subject: Subject) -> None:
        self.note(subject, places.node(subject.obj, self.now))
        name = name_of(subject.obj)
        reading = self._tally(fields=f"spec.nodeName={name}")
        await self._tell_pods(kinds.NODE, name, await self.hoped(reading, None))

    async def service(self, subject: Subject) -> None:
        space, name = namespace_of(subject.obj), name_of(subject.obj)
        asked = self.cluster.list(kinds.ENDPOINTS, space, labels=f"{SERVICE_NAME}={name}", most=100)
        slices = await self.hoped(asked, NOTHING)
        self.note(subject, places.service(subject.obj, slices.items, self.now))
        tally = await self._chosen(space, selector(strings(subject.obj, "spec", "selector")))
        await self._tell_pods(kinds.SERVICE, name, tally)
        if tally is not None and tally.any_one is not None:
            behind = await self.owners(next(iter(tally.worst), tally.any_one))
        else:  # nothing runs: what should?
            behind = await self._namesakes(space, name)
        for owner in behind:
            if owner.kind in kinds.WORKLOADS and owner.key not in self.seen:
                await self._workload_alone(owner)

    async def _namesakes(self, space: str, name: str) -> list[Subject]:
        asked = (kinds.DEPLOYMENT, kinds.STATEFULSET, kinds.DAEMONSET)
        found = await asyncio.gather(
            *(self.hoped(self.cluster.get(kind, space, name), None) for kind in asked)
        )
        return [Subject(kind, obj) for kind, obj in zip(asked, found, strict=True) if obj is not None]

    # -- events

    async def events(self) -> None:
        """The latest of all that was looked at since the last time, side by side."""
        asked = {subject.key: subject for subject in self.involved}
        self.involved.clear()
        chosen_ones = list(asked.values())[:MOST_ASKED_FOR_EVENTS]
        found = await asyncio.gather(*(self.hoped(self._events_of(one), NOTHING) for one in chosen_ones))
        self.findings += places.latest([event for listing in found for event in listing.items], self.now)

    async def _events_of(self, subject: Subject) -> Listing:
        """By name, so that what had it before is told of too: a stateful set's pod that was replaced."""
        fields = f"involvedObject.kind={subject.kind.kind},involvedObject.name={name_of(subject.obj)}"
        return await self.cluster.list(
            kinds.EVENT, namespace_of(subject.obj), fields=fields, most=MOST_EVENTS
        )


def chosen(workload: Obj) -> str:
    """Its label selector; one with expressions only is left, since it may choose more than its own."""
    return selector(strings(workload, "spec", "selector", "matchLabels"))

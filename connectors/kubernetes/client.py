"""Reading clusters: one object, a bounded listing, and everything a topology is made from."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from connectors.evidence import Unavailable
from connectors.kubernetes import kinds
from connectors.kubernetes.config import KubernetesConfig, Place
from connectors.kubernetes.connection import Connection, Refusal
from connectors.kubernetes.kinds import Kind, is_name
from connectors.kubernetes.reading import Obj, name_of, number, parts, text, true

AT_ONCE = 4
MOST_PAGES = 8
"""in hand at once, whoever asks: a page of pods takes some ten megabytes"""
TOPOLOGY = (
    *(kinds.POD, kinds.SERVICE, kinds.INGRESS, kinds.NETWORK_POLICY, kinds.NODE),
    *(kinds.DEPLOYMENT, kinds.STATEFULSET, kinds.DAEMONSET, kinds.REPLICASET, kinds.JOB),
)
_BULKY = ("managedFields",)
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


@dataclass(frozen=True, slots=True)
class Listing:
    """`truncated`: there are more than were asked for."""

    items: Sequence[Obj]
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Objects:
    """Every object with its `kind`; what could not be listed, and what was cut, is in `gaps`."""

    items: Sequence[Obj]
    gaps: Sequence[str] = field(default=())


class Cluster:
    """One cluster, to be read. Raises Unavailable, and Refusal where the API server says no."""

    def __init__(self, name: str, place: Place, config: KubernetesConfig) -> None:
        self.name = name
        self.connection = Connection(name, place, config)
        self._config = config
        self._pages = asyncio.Semaphore(MOST_PAGES)

    async def close(self) -> None:
        await self.connection.close()

    async def get(self, kind: Kind, namespace: str, name: str) -> Obj | None:
        """Whole; None where there is none."""
        if not is_name(name) or (namespace and not is_name(namespace)):
            return None
        try:
            found = await self.connection.call("GET", kind.path(namespace, name))
        except Refusal as refusal:
            if refusal.status == HTTPStatus.NOT_FOUND:
                return None
            raise
        if text(found, "kind") != kind.kind or name_of(found) != name:
            raise Unavailable(f"cluster {self.name} answered something else than {kind.word} {name}")
        return found

    async def list(
        self, kind: Kind, namespace: str = "", *, labels: str = "", fields: str = "", most: int | None = None
    ) -> Listing:
        """Slimmed, and never more than `most`."""
        found: list[Obj] = []
        truncated = await self.each(found.extend, kind, namespace, labels=labels, fields=fields, most=most)
        return Listing(found, truncated)

    async def each(
        self,
        take: Callable[[Sequence[Obj]], None],
        kind: Kind,
        namespace: str = "",
        *,
        labels: str = "",
        fields: str = "",
        most: int | None = None,
    ) -> bool:
        """The same page by page, for who keeps little of it; whether there is more than `most`."""
        if namespace and not is_name(namespace):
            return False
        room = min(most or self._config.max_objects, self._config.max_objects)
        query, following = (("labelSelector", labels), ("fieldSelector", fields)), ""
        for _ in range(2 + room // self._config.page_size):  # also for a server that never says it is done
            count, following = await self._take(take, kind, namespace, query, room, following)
            room -= count
            if not following or room <= 0:
                break
        return bool(following) or room < 0

    async def _take(
        self,
        take: Callable[[Sequence[Obj]], None],
        kind: Kind,
        namespace: str,
        query: Sequence[tuple[str, str]],
        room: int,
        following: str,
    ) -> tuple[int, str]:
        """One page, of which nothing is held while the next one is waited for: how many, and what follows."""
        async with self._pages:
            page = await self._page(kind, namespace, query, room, following)
            items = [_slim(kind, item) for item in parts(page, "items") if name_of(item)]
            take(items[:room])
            return len(items), text(page, "metadata", "continue")

    async def _page(
        self, kind: Kind, namespace: str, query: Sequence[tuple[str, str]], room: int, following: str
    ) -> Obj:
        limit = str(max(1, min(self._config.page_size, room)))
        asked = [*query, ("limit", limit), ("continue", following)]
        given = [(name, value) for name, value in asked if value]
        page = await self.connection.call("GET", kind.path(namespace), given)
        if text(page, "kind") != f"{kind.kind}List":
            raise Unavailable(f"cluster {self.name} answered something else than a list of {kind.plural}")
        return page

    async def objects(self, wanted: Sequence[Kind] = TOPOLOGY) -> Objects:
        """What there is in the whole cluster, a few kinds side by side."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(kind: Kind) -> tuple[Sequence[Obj], str]:
            async with gate:
                try:
                    listing = await self.list(kind)
                except Unavailable as error:
                    return (), str(error)
            cut = f"cluster {self.name} has more {kind.plural} than {len(listing.items)}"
            return listing.items, cut if listing.truncated else ""

        listed = await asyncio.gather(*(one(kind) for kind in wanted))
        items = [item for found, _ in listed for item in found]
        return Objects(items, tuple(dict.fromkeys(gap for _, gap in listed if gap)))

    async def version(self) -> str:
        return text(await self.connection.call("GET", "/version"), "gitVersion")

    async def may(self, verb: str, kind: Kind, namespace: str = "", name: str = "", sub: str = "") -> bool:
        """Whether the API server lets us do this, in all namespaces where none is named; changes nothing."""
        group, _, _ = kind.group.rpartition("/")
        about = {"namespace": namespace, "name": name, "subresource": sub}
        asked = {"verb": verb, "group": group, "resource": kind.plural}
        asked |= {field: told for field, told in about.items() if told}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": asked},
        }
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        return true(await self.connection.call("POST", path, body=review), "status", "allowed")


class Clusters:
    """The configured clusters, each connected when first asked for."""

    def __init__(self, config: KubernetesConfig) -> None:
        self.config = config
        self._open: dict[str, Cluster] = {}

    def of(self, cluster: str) -> Cluster:
        """Raises Unavailable where nothing configured serves it."""
        name = self.config.pick(cluster)
        if name not in self._open:
            self._open[name] = Cluster(name, Place.read(self.config.clusters[name]), self.config)
        return self._open[name]

    def all(self) -> Mapping[str, Cluster]:
        return {name: self.of(name) for name in sorted(self.config.clusters)}

    async def close(self) -> None:
        for cluster in self._open.values():
            await cluster.close()
        self._open.clear()


def _slim(kind: Kind, item: Obj) -> Obj:
    """Its kind said (listings leave it out), and without what only costs memory or holds secrets."""
    metadata = {name: value for name, value in item["metadata"].items() if name not in _BULKY}
    annotations = metadata.get("annotations")
    if isinstance(annotations, dict) and _LAST_APPLIED in annotations:
        metadata["annotations"] = {name: told for name, told in annotations.items() if name != _LAST_APPLIED}
    slim: dict[str, Any] = {**item, "kind": kind.kind, "metadata": metadata}
    if kind is kinds.POD and isinstance(item.get("spec"), dict):
        slim["spec"] = {
            **item["spec"],
            "containers": [_bare(one) for one in parts(item, "spec", "containers")],
        }
    return slim


def _bare(container: Obj) -> Obj:
    """A container's variables are often passwords, and nobody needs them here."""
    return {name: value for name, value in container.items() if name not in ("env", "envFrom")}


def generation_seen(obj: Obj) -> bool:
    """Whether its controller has taken in the latest change of it."""
    return number(obj, "status", "observedGeneration") >= number(obj, "metadata", "generation")

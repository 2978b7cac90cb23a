"""What one observer says of one service, on the compacted topic `topology`: its latest word stands.

Observers do not overwrite each other: the topology is made of what all of them say.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal

from pydantic import Field

from schemas.envelope import Event, Plain
from schemas.evidence import Health, NodeKind


class ServiceObserved(Plain):
    subject: str = Field(description="observer/cluster/service: the record's key")
    cluster: str = Field("default", description="which cluster")
    service: str = Field(description="its name; name.namespace where two namespaces have one of that name")
    namespace: str = Field("", description="Kubernetes namespace, empty where none")
    kind: NodeKind = Field(NodeKind.SERVICE, description="what it is")
    health: Health = Field(Health.UNKNOWN, description="as its observer judges")
    depends_on: tuple[str, ...] = Field((), description="services that it needs, of the same cluster")
    observer: str = Field(description="who says so: file, kubernetes, prometheus, a producer's name")
    gone: bool = Field(False, description="its observer sees it no more")


class TopologyObserved(Event):
    """A service and what it depends on, as one observer sees it now."""

    type: Literal["topology.observed"] = "topology.observed"
    payload: ServiceObserved
    id_over: ClassVar[str] = "subject and time"


def observed(
    observer: str,
    service: str,
    *,
    cluster: str = "default",
    namespace: str = "",
    kind: NodeKind = NodeKind.SERVICE,
    health: Health = Health.UNKNOWN,
    depends_on: Iterable[str] = (),
) -> ServiceObserved:
    """What an observer says, with its subject made; edges in a fixed order, so that equal words are equal."""
    return ServiceObserved(
        subject=f"{observer}/{cluster}/{service}",
        cluster=cluster,
        service=service,
        namespace=namespace,
        kind=kind,
        health=health,
        depends_on=tuple(sorted(depends_on)),
        observer=observer,
    )

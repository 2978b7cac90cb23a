"""What one observer says of one service, on the compacted topic `topology`: its latest word stands.

Observers do not overwrite each other: the topology is made of what all of them say.
"""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from schemas.envelope import Event, Plain
from schemas.evidence import Health, NodeKind


class ServiceObserved(Plain):
    subject: str = Field("", description="observer/cluster/service: the record's key; made where left out")
    cluster: str = Field("default", min_length=1, description="which cluster")
    service: str = Field(min_length=1, description="its name; name.namespace where two namespaces have it")
    namespace: str = Field("", description="Kubernetes namespace, empty where none")
    kind: NodeKind = Field(NodeKind.SERVICE, description="what it is")
    health: Health = Field(Health.UNKNOWN, description="as its observer judges")
    depends_on: tuple[str, ...] = Field((), description="services that it needs, of the same cluster")
    observer: str = Field(min_length=1, description="who says so: file, kubernetes, prometheus, …")
    gone: bool = Field(False, description="its observer sees it no more")

    @model_validator(mode="before")
    @classmethod
    def _name_the_subject(cls, given: object) -> object:
        if isinstance(given, dict) and not given.get("subject"):
            parts = (given.get("observer"), given.get("cluster", "default"), given.get("service"))
            return {**given, "subject": "/".join(str(part) for part in parts)}
        return given

    @model_validator(mode="after")
    def _subject_fits(self) -> Self:
        if self.subject != (right := f"{self.observer}/{self.cluster}/{self.service}"):
            raise ValueError(f"subject must be observer/cluster/service, {right!r} here")
        return self


class TopologyObserved(Event):
    """A service and what it depends on, as one observer sees it now."""

    type: Literal["topology.observed"] = "topology.observed"
    payload: ServiceObserved
    id_over: ClassVar[str] = "subject and time"

"""Which clusters there are, how to log in to each, and how much is asked of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, field_validator

from connectors.evidence import Unavailable

IN_CLUSTER = "in-cluster"
ANY = "*"
UNNAMED = ("", "default")
"""What alerts that name no cluster say."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,252}|\*")


@dataclass(frozen=True, slots=True)
class Place:
    """A kubeconfig and its context, or the service account of the pod that we run in."""

    kubeconfig: Path | None
    context: str | None = None

    @classmethod
    def read(cls, told: str) -> Place:
        if told == IN_CLUSTER:
            return cls(None)
        path, _, context = told.partition("#")
        if not path:
            raise ValueError(f"must be {IN_CLUSTER}, or a kubeconfig's path, with #context if wanted")
        return cls(Path(path).expanduser(), context or None)

    def __str__(self) -> str:
        if self.kubeconfig is None:
            return IN_CLUSTER
        return f"{self.kubeconfig}#{self.context}" if self.context else str(self.kubeconfig)


class KubernetesConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    setting: ClassVar[str] = "AWOOOI_KUBERNETES_CLUSTERS"

    clusters: dict[str, str] = Field(
        default_factory=dict,
        description="cluster → kubeconfig path, path#context, or in-cluster; `*` stands for every other name",
    )
    ca_file: Path | None = Field(None, description="PEM; stronger than what a kubeconfig says")
    timeout_secs: float = Field(10.0, gt=0, le=120, description="for all that is read for one run")
    call_timeout_secs: float = Field(4.0, gt=0, le=60, description="for one answer of an API server")
    page_size: int = Field(250, ge=1, le=5000, description="objects asked for at once")
    max_objects: int = Field(5000, ge=1, le=1_000_000, description="of one kind; what is beyond is left out")

    @field_validator("clusters")
    @classmethod
    def _named_places(cls, clusters: dict[str, str]) -> dict[str, str]:
        for name, told in clusters.items():
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no cluster's name (letters, digits, . _ : / @ -)")
            Place.read(told)
        return clusters

    def pick(self, cluster: str) -> str:
        """The configured name that serves it; never one cluster in another's place."""
        if cluster in self.clusters:
            return cluster
        if ANY in self.clusters:
            return ANY
        if not self.clusters:
            raise Unavailable(f"no cluster is configured ({self.setting})")
        named = ", ".join(sorted(self.clusters))
        if cluster not in UNNAMED:
            raise Unavailable(f"cluster {cluster!r} is not configured; there are: {named}")
        if len(self.clusters) > 1:
            raise Unavailable(f"the alert names no cluster, and there are several: {named}")
        return next(iter(self.clusters))


class ExecutorConfig(KubernetesConfig):
    """The executor's own log-ins: never those of evidence, which only read."""

    setting: ClassVar[str] = "AWOOOI_EXECUTOR_CLUSTERS"

    timeout_secs: float = Field(20.0, gt=0, le=25, description="for all checks of one action")
    call_timeout_secs: float = Field(10.0, gt=0, le=60, description="for one answer of an API server")
    drain_secs: float = Field(20.0, gt=0, le=900, description="how long a drain waits for disruption budgets")

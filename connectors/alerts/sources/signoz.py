"""SigNoz: Alertmanager's shape with labels `ruleId` and `ruleSource`, and OpenTelemetry's label names."""

from __future__ import annotations

from connectors.alerts.fields import an_object
from connectors.alerts.source import Payload, RawAlert, Source
from connectors.alerts.sources.prometheus_shape import Dialect, first_alert, read_group
from connectors.alerts.vocabulary import RESOURCES, Resources
from schemas.alert import ResourceType

_OPENTELEMETRY = {
    ResourceType.JOB: ("k8s.job.name", "k8s_job_name"),
    ResourceType.SERVICE: ("service.name", "service_name", "k8s.service.name"),
    ResourceType.PVC: ("k8s.persistentvolumeclaim.name", "k8s_persistentvolumeclaim_name"),
    ResourceType.HOST: ("host.name", "host_name"),
}


def _names(plain: str, kind: ResourceType) -> tuple[str, ...]:
    """A resource's label in plain, dotted, and underscored form."""
    return (plain, *_OPENTELEMETRY.get(kind, (f"k8s.{plain}.name", f"k8s_{plain}_name")))


_RESOURCES: Resources = tuple((name, kind) for plain, kind in RESOURCES for name in _names(plain, kind))
_DIALECT = Dialect(
    source="signoz",
    resources=_RESOURCES,
    namespace=("namespace", "k8s.namespace.name", "k8s_namespace_name", "service.namespace"),
    cluster=("cluster", "k8s.cluster.name", "k8s_cluster_name"),
)


def read(payload: Payload, received_at: int) -> list[RawAlert]:
    return read_group(an_object(payload, ""), received_at, _DIALECT)


def detects(payload: Payload) -> bool:
    alert = first_alert(payload) if isinstance(payload, dict) else None
    labels = alert.get("labels") if alert else None
    return isinstance(labels, dict) and "ruleId" in labels and "ruleSource" in labels


SOURCE = Source("signoz", read, detects)

from __future__ import annotations

import pytest

from connectors.alerts.sources.signoz import read
from schemas.alert import ResourceType
from tests.connectors.alerts.payloads import RECEIVED_AT, payload


def test_dotted_names_say_where_it_is() -> None:
    (alert,) = read(payload("signoz", "firing"), RECEIVED_AT)
    assert alert.source == "signoz"
    assert (alert.namespace, alert.cluster) == ("shop", "eu-1")
    assert (alert.target_resource, alert.resource_type) == ("payment", ResourceType.SERVICE)


@pytest.mark.parametrize(
    ("labels", "target", "kind"),
    [
        ({"k8s.pod.name": "p", "k8s.deployment.name": "d"}, "p", ResourceType.POD),
        ({"k8s_deployment_name": "d", "service.name": "s"}, "d", ResourceType.DEPLOYMENT),
        ({"k8s.job.name": "j"}, "j", ResourceType.JOB),
        ({"k8s.persistentvolumeclaim.name": "c"}, "c", ResourceType.PVC),
        ({"k8s.node.name": "n", "host.name": "h"}, "n", ResourceType.NODE),
        ({"host.name": "h"}, "h", ResourceType.HOST),
        ({"pod": "plain", "k8s.pod.name": "dotted"}, "plain", ResourceType.POD),
    ],
)
def test_the_resource_order_holds_for_dotted_names(
    labels: dict[str, str], target: str, kind: ResourceType
) -> None:
    group = payload("signoz", "firing")
    group["alerts"][0]["labels"] = {"alertname": "X", "ruleId": "1", "ruleSource": "u", **labels}
    (alert,) = read(group, RECEIVED_AT)
    assert (alert.target_resource, alert.resource_type) == (target, kind)

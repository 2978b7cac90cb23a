"""What starts the demo: the front end answers 5xx, as an Alertmanager tells it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

ALERT, FRONTEND, NAMESPACE = "FrontendErrorRateHigh", "frontend", "demo"


def payload(deployment: str, starts_at: datetime, namespace: str = NAMESPACE) -> dict[str, Any]:
    """What Alertmanager (version 4 of its webhook) sends for one firing alert."""
    labels = {
        "alertname": ALERT,
        "cluster": "demo",
        "deployment": deployment,
        "job": "ingress",
        "namespace": namespace,
        "severity": "critical",
    }
    annotations = {
        "summary": "The front end answers 5xx",
        "description": "17.2 % of its requests of the last five minutes failed; the limit is 15 %.",
    }
    return {
        "receiver": "awoooi",
        "status": "firing",
        "alerts": [
            {
                "status": "firing",
                "labels": labels,
                "annotations": annotations,
                "startsAt": starts_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "http://prometheus.example:9090/graph?g0.expr=http_errors+%3E+0.15&g0.tab=1",
                "fingerprint": "5cd7dc8cba4b4c3f",
            }
        ],
        "groupLabels": {"alertname": ALERT},
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": "http://alertmanager.example:9093",
        "version": "4",
        "groupKey": f'{{}}:{{alertname="{ALERT}", deployment="{deployment}"}}',
        "truncatedAlerts": 0,
    }

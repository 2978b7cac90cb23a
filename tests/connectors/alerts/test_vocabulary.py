from __future__ import annotations

import pytest

from connectors.alerts.vocabulary import RESOURCES, resource_of, severity_of, without_state
from schemas.alert import ResourceType, Severity

CRITICAL = (
    "critical crit error fatal emergency page disaster high p0 p1 sev0 sev1 CRITICAL Sev-1 sev_0 P-0 P1"
)
WARNING = "warning warn average minor p2 p3 sev2 sev3 Warning SEV-3"
INFO = "info none low debug p4 sev4 major unknown 5"


@pytest.mark.parametrize(
    ("word", "severity"),
    [
        *((word, Severity.CRITICAL) for word in CRITICAL.split()),
        *((word, Severity.WARNING) for word in WARNING.split()),
        *((word, Severity.INFO) for word in INFO.split()),
        ("sev 1", Severity.CRITICAL),
        (None, Severity.WARNING),
        ("", Severity.WARNING),
        (" - ", Severity.WARNING),
    ],
)
def test_severity(word: str | None, severity: Severity) -> None:
    assert severity_of(word) is severity


ORDER = [
    ("pod", ResourceType.POD),
    ("deployment", ResourceType.DEPLOYMENT),
    ("statefulset", ResourceType.STATEFULSET),
    ("daemonset", ResourceType.DAEMONSET),
    ("job_name", ResourceType.JOB),
    ("persistentvolumeclaim", ResourceType.PVC),
    ("service", ResourceType.SERVICE),
    ("node", ResourceType.NODE),
    ("instance", ResourceType.HOST),
]


@pytest.mark.parametrize("at", range(len(ORDER)), ids=[name for name, _ in ORDER])
def test_the_first_label_in_the_order_is_the_resource(at: int) -> None:
    assert list(RESOURCES) == ORDER
    labels = {name: f"a {name}" for name, _ in reversed(ORDER[at:])}
    name, kind = ORDER[at]
    assert resource_of(labels) == (f"a {name}", kind)


def test_an_empty_label_names_nothing() -> None:
    assert resource_of({"pod": "", "node": "n1"}) == ("n1", ResourceType.NODE)
    assert resource_of({"job": "node"}) == (None, None)


@pytest.mark.parametrize(
    ("title", "kind"),
    [
        ("[Triggered] Disk full", "Disk full"),
        ("[Alerting] Disk full", "Disk full"),
        ("[FIRING:1] Disk full", "Disk full"),
        ("[RESOLVED] Disk full", "Disk full"),
        ("RESOLVED: Disk full", "Disk full"),
        ("Resolved : Disk full", "Disk full"),
        ("[FIRING:2] [Alerting] Disk full", "Disk full"),
        ("[No data] Disk full", "Disk full"),
        ("[Re-Triggered] Disk full", "Disk full"),
        ("[OK]: Disk full", "Disk full"),
        ("Disk full", "Disk full"),
        ("Alert storm in eu-1", "Alert storm in eu-1"),
        ("ALARM: Disk full", "Disk full"),
        ("INSUFFICIENT_DATA: Disk full", "Disk full"),
        ("Problem: Disk full", "Disk full"),
        ("Resolved in 1h 5m 3s: Disk full", "Disk full"),
        ("[DOWN] Shop", "Shop"),
        ("Monitor is UP: Shop", "Shop"),
        ("Uptime: Shop", "Uptime: Shop"),
        ("Error: Disk full", "Error: Disk full"),
        ("OKTA is down", "OKTA is down"),
        ("Problem with disk: full", "Problem with disk: full"),
        ("[eu-1] Disk full", "[eu-1] Disk full"),
        ("RESOLVED:", "RESOLVED:"),
    ],
)
def test_the_type_of_an_alert_has_no_state(title: str, kind: str) -> None:
    assert without_state(title) == kind

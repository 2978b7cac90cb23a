"""What the settings say of an alert's identity, and of alerts that go on and off."""

from __future__ import annotations

from pathlib import Path

import pytest

from awoooi.loading import load
from connectors.alerts.identity import RESOURCE, WORKLOAD
from schemas.errors import Misconfigured


@pytest.fixture
def base(tmp_path: Path) -> dict[str, str]:
    return {"AWOOOI_STATE_DIR": str(tmp_path)}


def test_by_default_a_resource_is_what_an_alert_is_about(base: dict[str, str]) -> None:
    identity = load(base).settings.identity
    assert (identity.fields, identity.by_source) == (RESOURCE, {})


def test_it_is_set_for_all_sources_and_for_one(base: dict[str, str]) -> None:
    base["AWOOOI_FINGERPRINT"] = "workload"
    base["AWOOOI_FINGERPRINT_FIELDS"] = "datadog=alert_type+labels.monitor_id,zabbix=alert_type"
    identity = load(base).settings.identity
    assert identity.fields == WORKLOAD
    assert identity.by_source == {"datadog": ("alert_type", "labels.monitor_id"), "zabbix": ("alert_type",)}


def test_in_the_file_the_fields_are_a_list(base: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "awoooi.yaml"
    file.write_text("fingerprint_fields:\n  datadog: [alert_type, cluster]\n")
    identity = load({**base, "AWOOOI_CONFIG": str(file)}).settings.identity
    assert identity.by_source == {"datadog": ("alert_type", "cluster")}


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        pytest.param("FINGERPRINT", "pod", "resource, workload", id="no-such-kind"),
        pytest.param(
            "FINGERPRINT_FIELDS", "datadog=pod", "of datadog: 'pod' is none; allowed are", id="field"
        ),
        pytest.param("FINGERPRINT_FIELDS", "datadog=", "of datadog: '' is none; allowed are", id="no-field"),
        pytest.param("DEDUP_FLAPPING_SETTLE_SECS", "60", "changes every 600 s", id="settles-in-between"),
        pytest.param("DEDUP_FLAPPING_CHANGES", "-1", "from 0", id="fewer-than-none"),
        pytest.param("DEDUP_WATCHDOG_ABSENCE_SECS", "0", "above 0", id="no-time-at-all"),
    ],
)
def test_what_is_wrong_is_told_with_what_is_allowed(
    base: dict[str, str], variable: str, value: str, told: str
) -> None:
    with pytest.raises(Misconfigured) as refused:
        load({**base, f"AWOOOI_{variable}": value})
    assert told in str(refused.value)

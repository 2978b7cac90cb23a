"""What was rejected for a reason of ours, sent through again once the reason is gone."""

from __future__ import annotations

import json

from tests.e2e.stack import Row, Stack
from tests.peers.http import post_json

ALERT = {
    "alert_type": "DiskFull",
    "severity": "critical",
    "source": "cron",
    "message": "disk at 97%",
    "namespace": "shop",
    "target_resource": "orders-0",
    "fired_at": "2026-11-21T09:00:00Z",
}
NARROW = {"AWOOOI_SOURCES": "alertmanager"}  # a worker that does not know our own shape


def test_a_rejected_record_is_sent_through_again_and_stays_with_its_tenant(stack: Stack) -> None:
    token = stack.told("tokens", "new", "shop", "--project", "shop").split()[-1]
    stack.restart("ingest", NARROW)
    stack.wait_for("ingest")
    assert post_json(stack.webhook("alerts"), ALERT, {"Authorization": f"Bearer {token}"}) == 202
    [rejected] = rejections(stack, "bad_payload")
    assert (rejected["project_id"], rejected["source"]) == ("shop", "auto")
    assert stack.incidents() == []

    stack.restart("ingest")
    stack.wait_for("ingest")
    assert "would be sent" in stack.told("replay", "rejected", "--dry-run")
    stack.wait_until_settled()
    assert stack.incidents() == []
    assert "1 sent again" in stack.told("replay", "rejected", "--source", "auto")
    [incident] = stack.wait_for_rows("SELECT * FROM v_incidents", bool)
    assert (incident["project_id"], incident["alert_type"], incident["hit_count"]) == ("shop", "DiskFull", 1)

    told = stack.cli("replay", "topic", "alerts.raw.auto", "--from", "1h", "--dry-run", "--json")
    assert told.returncode == 1, "what was rejected then would be read now"
    again = json.loads(told.stdout)
    assert (again["records"], again["same"]) == (2, 1)
    assert [one["what"] for one in again["differences"]] == ["read"]
    same = stack.told("replay", "topic", "alerts.normalized", "--from", "1h", "--dry-run")
    assert same == "1 records, 1 events: 1 as recorded, 0 differ.\n"


def test_a_record_whose_tenant_cannot_be_proven_is_passed_over(stack: Stack) -> None:
    stack.produce("alerts.raw.awoooi", [b"{}"], [("awoooi_stamp", b"1;shop;x;1;" + b"0" * 64)])
    [rejected] = rejections(stack, "bad_stamp")
    assert rejected["project_id"] == "default"
    done = stack.cli("replay", "rejected", "--source", "awoooi")
    assert done.returncode == 1
    assert "1 passed over" in done.stdout
    assert "its sender must send it again" in done.stdout


def rejections(stack: Stack, reason: str) -> list[Row]:
    """As the record knows them."""
    sql = f"SELECT * FROM v_rejected WHERE reason = '{reason}'"
    return stack.wait_for_rows(sql, bool)

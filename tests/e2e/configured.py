"""A command that may be run by name: the playbook that proposes it, the alert that asks for it, who signs."""

from __future__ import annotations

import json
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from awoooi.demo_alert import payload
from awoooi.demo_people import FIRST, SECOND, enrolled
from awoooi.loading import load
from awoooi.policy_commands import apply
from awoooi.sign_commands import signed
from schemas.approval import ApprovalRequest
from streams.policy.policy import SHIPPED
from tests.e2e.system import System
from tests.schemas.golden_events import golden

OWNER = "bob.smith@example.com"
NAMED = "RUN_COMMAND: {risk: HIGH, named: {clear-cache: {risk: HIGH}}}"
COMMANDS = """
allow_root: true
commands:
  clear-cache:
    description: Empties the cache of one owner
    program: {folder}/clear
    run: ["--owner", "{{owner}}"]
    arguments: {{owner: {{pattern: "[a-z.]+@[a-z.]+"}}}}
    dry_run: look
    verify: look
  look: {{description: Whether it answers, program: /bin/true}}
"""
CLEAR = """#!/bin/sh
echo "$AWOOOI_ACTION_ID $*" >> "{folder}/cleared"
echo "cleared for $2"
"""
PLAYBOOK = """
name: stuck-cache
title: A cache that hangs
family: cache
match: {alert_types: [cache stuck]}
hypotheses: [{cause: "the cache {subject} hangs", confidence: 0.6}]
actions:
  - operation: RUN_COMMAND
    parameters: {name: clear-cache, arguments: {owner: "{labels.owner}"}}
    description: "Empty the cache {subject}"
    expected_effect: "It fills itself again"
    risk: HIGH
"""


def configured(folder: Path) -> dict[str, str]:
    """Settings."""
    program, actions, playbook = (folder / name for name in ("clear", "actions.yaml", "cache.yaml"))
    program.write_text(CLEAR.format(folder=folder))
    program.chmod(0o755)
    actions.write_text(COMMANDS.format(folder=folder))
    playbook.write_text(PLAYBOOK)
    return {"AWOOOI_ACTIONS_FILE": str(actions), "AWOOOI_PLAYBOOKS": str(playbook)}


def allow(system: System) -> None:
    """By a policy that names it."""
    policy = system.folder / "policy.yaml"
    policy.write_text(SHIPPED.read_text().replace("RUN_COMMAND: {risk: HIGH}", NAMED))
    assert apply(load(system.env).settings, str(policy)) == 0


def alert(system: System) -> None:
    """It has a personal value."""
    body = payload("cache-1", datetime.now(UTC), namespace="caches")
    for labels in (body["commonLabels"], body["alerts"][0]["labels"]):
        labels |= {"alertname": "CacheStuck", "owner": OWNER}
    system.post(json.dumps(body).encode())


def sign_by_two(system: System, asked: dict[str, Any]) -> list[int]:
    """Over HTTP; the statuses of the answers."""
    file = load(system.env).settings.approvals.signers_file
    request = golden("approval.requested").model_copy(
        update={"payload": ApprovalRequest.model_validate_json(json.dumps(asked))}
    )
    port, statuses = system.env["AWOOOI_GATEWAY_PORT"], []
    url = f"http://127.0.0.1:{port}/api/v1/approvals/{asked['approval_id']}/signatures"
    for hand in [enrolled(file, *person) for person in (FIRST, SECOND)]:
        token = signed(request, "approve", "seen", hand, "local", int(time.time()))
        with urllib.request.urlopen(urllib.request.Request(url, token), timeout=20) as answer:
            statuses.append(answer.status)
    return statuses

"""Runs one Ansible playbook by ansible-runner, and tells in JSON what became of each task.

A process of its own: it runs as the configured user, within limits, and is killed as a whole in time.

    play.py {"playbook": …, "inventory": …, "limit": …, "extravars": {…}, "cmdline": "--check"}

Its working folder is Ansible's; an inventory that is no path is written there.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ansible_runner

MOST_TASKS = 100
MOST_MESSAGE = 500
KINDS = {
    "runner_on_ok": "ok",
    "runner_on_failed": "failed",
    "runner_on_unreachable": "unreachable",
    "runner_on_skipped": "skipped",
}


def main(told: str) -> None:
    given, folder = json.loads(told), Path.cwd()
    inventory = given["inventory"]
    if not inventory.startswith("/"):
        (folder / "hosts").write_text(inventory + "\n")
        inventory = str(folder / "hosts")
    tasks: dict[str, dict[str, int]] = {}
    messages: list[str] = []

    def note(event: Mapping[str, Any]) -> bool:
        kind = KINDS.get(event.get("event", ""))
        about = event.get("event_data", {})
        if kind is None or (kind == "failed" and about.get("ignore_errors")):
            return False
        result = about.get("res") or {}
        counts = tasks.setdefault(str(about.get("task", ""))[:100], {})
        for name in [kind, *(["changed"] if result.get("changed") else [])]:
            counts[name] = counts.get(name, 0) + 1
        if kind in ("failed", "unreachable"):
            messages.append(str(result.get("msg", ""))[:MOST_MESSAGE])
        return False

    done = ansible_runner.run(
        private_data_dir=str(folder),
        playbook=given["playbook"],
        inventory=inventory,
        limit=given["limit"] or None,
        extravars=given["extravars"],
        cmdline=given["cmdline"] or None,
        envvars=dict(os.environ),
        event_handler=note,
        quiet=True,
    )
    shown = [{"task": name, **counts} for name, counts in list(tasks.items())[:MOST_TASKS]]
    error = "" if tasks else done.stdout.read()[-MOST_MESSAGE:]
    print(json.dumps({"rc": done.rc, "tasks": shown, "messages": messages[:3], "error": error}))  # noqa: T201  its answer


if __name__ == "__main__":
    main(sys.argv[1])

"""`awoooi demo`: a real Alertmanager payload through the whole system, PASS or FAIL for each step."""

from __future__ import annotations

import asyncio
import textwrap
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from agents.visible import visible
from awoooi.demo_alert import FRONTEND
from awoooi.demo_steps import (
    Step,
    generate_approval,
    graphrag_analysis,
    mcp_execution,
    multisig_approval,
    totals,
    trigger_alert,
)
from awoooi.demo_story import Story, story_of
from awoooi.loading import Loaded
from awoooi.logs import quiet
from awoooi.stack import NotReady, Stack, own_stack, what_logs_say
from awoooi.state_file import running
from schemas.errors import AwoooiError, Misconfigured

STEP_SECS = 60.0
WIDTH, INDENT = 110, " " * 16
NOT_OURS = (
    "left out: who signs and what may act in a running system is yours to say; `awoooi approve` signs there"
)
NEXT = """Try next:
  awoooi up                    the same system, until ctrl-C
  awoooi incidents             what is open
  awoooi explain INCIDENT      what the agents said of it
  awoooi approve APPROVAL --key ~/.local/state/awoooi/admin.key
  awoooi query "SELECT * FROM v_daily"
  awoooi try FILE              what a payload of yours becomes"""

Steps = Mapping[str, Step | str]
"""what is done, or why it is not"""
STEPS: Steps = {
    "trigger_alert": trigger_alert,
    "graphrag_analysis": graphrag_analysis,
    "generate_approval": generate_approval,
    "multisig_approval": multisig_approval,
    "mcp_execution": mcp_execution,
    "totals": totals,
}
ATTACHED: Steps = {
    name: NOT_OURS if name in ("generate_approval", "multisig_approval", "mcp_execution") else step
    for name, step in STEPS.items()
}


def run(loaded: Loaded, *, attach: bool) -> int:
    """Exit status: 0 when every step passed."""
    quiet()
    try:
        return asyncio.run(_demo(loaded, attach=attach))
    except KeyboardInterrupt:
        print("\nStopped.")
        return 1


async def _demo(loaded: Loaded, *, attach: bool) -> int:
    began = time.monotonic()
    test_id = f"tb2-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    steps = ATTACHED if attach else STEPS
    count = sum(not isinstance(step, str) for step in steps.values())
    print(f"Test {test_id}")
    if not attach:
        print("Starting a system of its own ...", flush=True)
    try:
        async with _attached(loaded) if attach else own_stack() as stack:
            print(f"Ready after {time.monotonic() - began:.1f} s.\n", flush=True)
            # beside a system that runs on, each demo has an incident of its own
            target = f"{FRONTEND}-{test_id.lower()}" if attach else FRONTEND
            async with story_of(stack.loaded.settings, test_id, target) as story:
                failed = await tell(story, steps)
                print(f"\n{story.argument}", end="")
            if failed:
                stack.keeps_logs = True
                print(f"\nWhat its parts say:\n{what_logs_say(stack.loaded.settings.state_dir)}")
    except NotReady as error:
        print(f"FAIL  {error}")
        failed = count
    secs = time.monotonic() - began
    verdict = "FAILED" if failed else "ALL PASSED"
    print(f"\n{count - failed} of {count} steps passed in {secs:.1f} s: {verdict}")
    if not failed:
        print(NEXT)
    return 1 if failed else 0


@asynccontextmanager
async def _attached(loaded: Loaded) -> AsyncIterator[Stack]:
    state = loaded.settings.state_dir
    if running(state) is None:
        raise Misconfigured(f"no `awoooi up` runs on {state}; start it, or leave out --attach")
    yield Stack(loaded)


async def tell(story: Story, steps: Steps = STEPS) -> int:
    """The steps in order; after a failure the others are not tried. How many did not pass."""
    left = sum(not isinstance(step, str) for step in steps.values())
    for name, step in steps.items():
        if isinstance(step, str):
            _say(f"SKIP  {'':8}  [{name}]", [step])
            continue
        verdict, secs, seen = await _tried(story, step)
        _say(f"{verdict}  {secs:6.2f} s  [{name}]", seen)
        if verdict == "FAIL":
            return left
        left -= 1
    return 0


async def _tried(story: Story, step: Step) -> tuple[str, float, list[str]]:
    """What was seen before a failure is told after it."""
    began, seen = time.monotonic(), list[str]()
    try:
        async with asyncio.timeout(STEP_SECS):
            async for line in step(story):
                seen.append(line)
    except (AwoooiError, TimeoutError) as error:
        why = str(error) or f"no end within {STEP_SECS:.0f} s"
        return "FAIL", time.monotonic() - began, [why, *(f"before that: {line}" for line in seen)]
    return "PASS", time.monotonic() - began, seen


def _say(head: str, lines: list[str]) -> None:
    first = f"{head}  "
    for line in lines:
        wrapped = textwrap.wrap(
            visible(line),
            WIDTH,
            initial_indent=first,
            subsequent_indent=INDENT + "  ",
            break_on_hyphens=False,
        )
        print("\n".join(wrapped), flush=True)
        first = INDENT

"""`awoooi demo`: a real Alertmanager payload through the whole system, PASS or FAIL for each step."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from awoooi.demo_alert import FRONTEND, NAMESPACE
from awoooi.demo_look import Look, looks_at
from awoooi.demo_record import answer, timeline, totals
from awoooi.demo_scene import scene_on
from awoooi.demo_steps import (
    Step,
    generate_approval,
    graphrag_analysis,
    mcp_execution,
    multisig_approval,
    trigger_alert,
)
from awoooi.demo_story import StepFailed, Story, nothing, story_of
from awoooi.demo_telling import INTERRUPTED, aside, say, titled, wrapped
from awoooi.loading import Loaded
from awoooi.logs import quiet
from awoooi.printing import print_table
from awoooi.record import show
from awoooi.room import free_mb
from awoooi.stack import NotReady, Stack, own_stack, what_logs_say
from awoooi.state_file import running
from connectors.evidence import Unavailable
from schemas.errors import AwoooiError, Misconfigured

STEP_SECS = 150.0
TAKES_MB = 800
"""what its processes take together"""
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
}
ATTACHED: Steps = {
    name: NOT_OURS if name in ("generate_approval", "multisig_approval", "mcp_execution") else step
    for name, step in STEPS.items()
}


@dataclass(frozen=True, slots=True)
class Where:
    """Beside a running system, or with one of its own; on a real cluster, or one in memory."""

    attach: bool = False
    kubeconfig: str = ""


def run(loaded: Loaded, where: Where) -> int:
    """Exit status: 0 when every step passed and the totals hold."""
    if where.attach and where.kubeconfig:
        raise Misconfigured("--attach goes with the clusters of the running system: leave out --kubeconfig")
    quiet()
    try:
        return asyncio.run(_demo(loaded, where))
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("Stopped.")
        return INTERRUPTED


async def _demo(loaded: Loaded, where: Where) -> int:
    _stop_in_order()
    began = time.monotonic()
    test_id = f"tb2-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    steps = ATTACHED if where.attach else STEPS
    passed = 0
    print(f"Test {test_id}", flush=True)
    try:
        async with _story(loaded, where, test_id) as (stack, story):
            aside(f"Ready after {time.monotonic() - began:.1f} s.\n")
            passed = await tell(story, steps)
            whole = passed == _tried_of(steps) and await _totals_hold(story)
            await _show(story)
            if not whole:
                stack.keeps_logs = True
                print(f"\nWhat its parts say:\n{what_logs_say(stack.loaded.settings.state_dir)}")
            print()
    except (NotReady, StepFailed, Unavailable) as error:
        whole = False
        print(f"FAIL  {error}\n")
    verdict = "ALL PASSED" if whole else "FAILED"
    print(f"{passed} of {_tried_of(steps)} steps passed in {time.monotonic() - began:.1f} s: {verdict}")
    if whole:
        print(NEXT)
    return 0 if whole else 1


def _tried_of(steps: Steps) -> int:
    return sum(not isinstance(step, str) for step in steps.values())


def _stop_in_order() -> None:
    """Asked once, it takes down what it made; asked again, it leaves at once and says what stays."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    asked: list[int] = []

    def stop(number: int) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        aside("\nStopping: it takes down what it started ...")
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop, number)


# -- what it runs on


@asynccontextmanager
async def _story(loaded: Loaded, where: Where, test_id: str) -> AsyncIterator[tuple[Stack, Story]]:
    async with AsyncExitStack() as opened:
        if where.attach:
            stack = _attached(loaded)
            # beside a system that runs on, each demo has an incident of its own
            target, namespace = f"{FRONTEND}-{test_id.lower()}", NAMESPACE
            look: Look = nothing
        else:
            target, namespace, logins = FRONTEND, NAMESPACE, None
            if where.kubeconfig:
                scene = await opened.enter_async_context(scene_on(where.kubeconfig, test_id, aside))
                namespace, logins = scene.namespace, scene.logins
            warn_of_little_memory()
            aside("Starting a system of its own ...")
            stack = await opened.enter_async_context(own_stack(logins))
            assert stack.logins is not None
            look = looks_at(stack.logins.reads, namespace, opened)
        settings = stack.loaded.settings
        yield stack, await opened.enter_async_context(story_of(settings, test_id, target, namespace, look))


def _attached(loaded: Loaded) -> Stack:
    state = loaded.settings.state_dir
    if running(state) is None:
        raise Misconfigured(f"no `awoooi up` runs on {state}; start it, or leave out --attach")
    return Stack(loaded)


def warn_of_little_memory() -> None:
    free = free_mb()
    if free is not None and free < TAKES_MB:
        aside(
            f"There are {free} MB of memory free, and it takes about {TAKES_MB}: parts of it may be killed."
        )


# -- the steps


async def tell(story: Story, steps: Steps = STEPS) -> int:
    """The steps in order; after a failure the others are not tried. How many passed."""
    passed = 0
    for name, step in steps.items():
        if isinstance(step, str):
            say(f"SKIP  {'':8}  [{name}]", [step])
            continue
        verdict, secs, seen = await _tried(story, step)
        say(f"{verdict}  {secs:6.2f} s  [{name}]", seen)
        if verdict == "FAIL":
            break
        passed += 1
    return passed


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


async def _totals_hold(story: Story) -> bool:
    try:
        say("\nTotals", [await totals(story)])
    except AwoooiError as error:
        say("\nFAIL  totals", [str(error)])
        return False
    return True


# -- what the record has of it


async def _show(story: Story) -> None:
    """After a failure too, as far as it came: that is what one looks for then."""
    if not story.incident_id:
        return
    if story.argument:
        print(f"\n{story.argument}", end="")
    try:
        steps = await timeline(story)
        titled(f"Timeline of {story.incident_id}, in seconds")
        print_table(("after", "what happened", ""), steps)
        sql, rows = await answer(story)
        titled("A question to ClickHouse; `awoooi query` asks your own")
        print(f"{wrapped(sql)}\n")
        show(rows, "table")
    except AwoooiError as error:
        print(f"The record cannot be asked: {error}")
